"""A folder to work in, and commands that must be refused there."""

import shlex

import pytest

from neuro_ep.command import main as cli
from neuro_ep.run import build as device


def listing(folder):
    """Every path below, with the content of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture(name="listing")
def listing_fixture():
    return listing


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with a cache that no build may touch."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NEURO_EP_CACHE", str(folder / "cache"))

    def reached(*_):
        raise AssertionError("it was not refused before building")

    monkeypatch.setattr(device, "simulation", reached)
    return folder


@pytest.fixture
def refused(here, capsys):
    """Run a command that must fail with status 2 and change nothing; its message."""

    def run(line):
        before = listing(here)
        try:
            status = cli.main(shlex.split(line))
        except SystemExit as left:
            status = left.code
        output, errors = capsys.readouterr()
        assert (status, output) == (2, "")
        assert listing(here) == before
        assert errors.startswith("neuro-ep: ") and errors.count("\n") == 1
        return errors

    return run
