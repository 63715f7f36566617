"""Commands in an empty folder, in this process."""

import pytest

from neuro_ep.command.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with a cache of its own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "here"


@pytest.fixture
def told(here, capfd):
    """Run a command; (status, stdout, the lines that it says on stderr)."""

    def run(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as left:
            status = left.code
        output, errors = capfd.readouterr()
        return status, output, errors.splitlines()

    return run
