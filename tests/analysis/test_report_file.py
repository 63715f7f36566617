"""The page of a recording as a file: where it stands, and what is refused."""

import subprocess
import sys

import pytest

from neuro_ep.analysis import report
from neuro_ep.errors import InputError

# --- where it is written ---


@pytest.mark.parametrize("name", ["run.h5", "run"])
def test_it_stands_beside_the_recording_and_replaces_a_page(record, tmp_path, name):
    (tmp_path / "run.html").write_text("an older page")
    numbers = report.write(record(tmp_path / name))
    assert numbers["path"] == str(tmp_path / "run.html")
    assert "76.54%" in (tmp_path / "run.html").read_text("utf-8")
    assert {file.name for file in tmp_path.iterdir()} == {name, "run.html"}


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("run.h5", "run.h5: name a .html file"),
        ("page.png", "page.png: name a .html file"),
        ("taken.html", "taken.html: name a .html file"),
        ("no/page.html", "there is no folder .*no; make it"),
        ("run.h5/page.html", "there is no folder .*run.h5; make it"),
    ],
)
def test_refuses_a_place_for_the_page(listing, record, tmp_path, page, message):
    record(tmp_path / "run.h5")
    (tmp_path / "taken.html").mkdir()
    before = listing(tmp_path)
    with pytest.raises(InputError, match=message):
        report.write(tmp_path / "run.h5", tmp_path / page)
    assert listing(tmp_path) == before


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    record, tmp_path, monkeypatch
):
    path = record(tmp_path / "run.h5")
    (tmp_path / "run.html").write_text("an older page")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="run.html cannot be written: No space left"):
        report.write(path)
    assert (tmp_path / "run.html").read_text() == "an older page"
    assert {file.name for file in tmp_path.iterdir()} == {"run.h5", "run.html"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonesuch.h5", "no such file"),
        ("text.h5", "not an HDF5 file"),
        ("folder", "is a folder"),
        ("", "is a folder"),
    ],
)
def test_refuses_what_is_no_recording(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.h5").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=message):
        report.write(name, "page.html")
    assert not (tmp_path / "page.html").exists()


def test_missing_matplotlib_is_named(record, tmp_path, monkeypatch):
    path = record(tmp_path / "run.h5")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install neuro_ep\[report\]"):
        report.write(path)


def test_command(record, tmp_path, capsys):
    path = record(tmp_path / "run.h5")
    assert report.main([str(path), str(tmp_path / "page.html")]) == 0
    assert "test_accuracy: 0.7654" in capsys.readouterr().out
    assert report.main([str(tmp_path / "x.h5"), "x.html"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_imports_neither_brian2_nor_matplotlib():
    code = "import sys, neuro_ep.analysis.report\n"
    code += "sys.exit(bool({'brian2', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
