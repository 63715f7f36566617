"""``neuro-ep report``: what it prints, where the page goes, and what it refuses."""

import json
import shlex
import shutil
import sys

import h5py
import numpy as np
import pytest

from neuro_ep.command import main as cli

pytest.importorskip("matplotlib")


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """In the working folder: a trained run, one that has just begun, and no runs."""
    shutil.copy(trained["file"], tmp_path / "run.h5")
    (tmp_path / "text.h5").write_text("mine\n")
    with h5py.File(tmp_path / "others.h5", "w") as file:
        file["values"] = np.arange(3)
    (tmp_path / "folder").mkdir()
    (tmp_path / "begun.h5.part").mkdir()
    (tmp_path / "begun.h5.part" / "header.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_as_json(here, trained, capsys):
    assert cli.main(["report", "run.h5", "-o", "page.html", "--json"]) == 0
    output, errors = capsys.readouterr()
    assert json.loads(output) == {"path": "page.html"} and errors == ""
    page = (here / "page.html").read_text(encoding="utf-8")
    assert f"{trained['test_accuracy']:.2%}" in page
    assert "continual-ep on digits" in page and "arXiv 2005.04168" in page
    assert page.count('src="data:image/png;base64,') == page.count("src=") == 3


def test_as_text_beside_the_recording(listing, here, capsys):
    before = listing(here)
    assert cli.main(["report", "run.h5"]) == 0
    assert capsys.readouterr() == ("run.html\n", "")
    after = listing(here)
    assert after.pop("run.html") and after == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nonesuch.h5", "nonesuch.h5: no such file; check the path"),
        ("text.h5", "text.h5 is not an HDF5 file"),
        ("others.h5", "others.h5 is HDF5 but not a recording of neuro_ep"),
        ("folder", "folder is a folder; name a recording"),
        ("''", ". is a folder; name a recording"),
        ("begun.h5", "begun.h5 has no complete epoch yet"),
        ("begun.h5.part", "begun.h5 has no complete epoch yet"),
        ("run.h5 -o no/page.html", "no/page.html: there is no folder no; make it"),
        ("run.h5 -o run.h5", "run.h5: name a .html file"),
        ("run.h5 -o folder", "folder: name a .html file"),
        ("run.h5 -o ''", "name a .html file"),
        ("", "required: FILE; see neuro-ep report --help"),
        ("run.h5 page.html", "unrecognized arguments: page.html"),
    ],
)
@pytest.mark.parametrize("form", ["", " --json"])
def test_refusals(listing, here, capsys, arguments, message, form):
    before = listing(here)
    try:
        status = cli.main(shlex.split(f"report {arguments}{form}"))
    except SystemExit as left:
        status = left.code
    output, errors = capsys.readouterr()
    assert (status, output) == (2, "") and listing(here) == before
    assert errors.startswith("neuro-ep: ") and errors.count("\n") == 1
    assert message in errors


def test_without_matplotlib(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["report", "run.h5"]) == 2
    assert "needs matplotlib; pip install neuro_ep[report]" in capsys.readouterr().err
    assert not (here / "run.html").exists()
