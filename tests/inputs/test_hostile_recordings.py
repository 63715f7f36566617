"""Recordings that a stranger made: read within bounds, shown and never obeyed."""

import json
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.recording import open_recording
from neuro_ep.recording.checksum import BLOCK, reseal
from neuro_ep.recording.parts import damage

sys.path.insert(0, str(Path(__file__).parent))
from mutants import HEADER, begun, recorded  # noqa: E402


@pytest.fixture
def changed(here):
    """The recording after a change, sealed anew as a stranger can."""

    def change(how):
        path = recorded(here / "run.h5")
        with h5py.File(path, "r+") as file:
            how(file["neuro_ep"], file)
        reseal(path)
        return path

    return change


def put(name, value):
    def how(root, file):
        del root[name]
        root[name] = value

    return how


def said(name, key, value):
    def how(root, file):
        root[name].attrs[key] = value

    return how


def linked(name, link):
    def how(root, file):
        del root[name]
        root[name] = link

    return how


def terabytes(root, file):
    del root["weights/input_to_output/final"]
    kept = {"chunks": (1024,), "compression": "gzip"}
    root["weights/input_to_output"].create_dataset("final", (2**40,), "f8", **kept)


def packed(root, file):
    """More zeros than gzip could pack into the chunks that are there."""
    del root["training/epoch"]
    data = root["training"].create_dataset(
        "epoch", (2**30,), "i8", chunks=(2**20,), compression="gzip"
    )
    data[:3] = 1


def nested(root, file):
    root.create_group("weights" + "/a" * 200)


DEEP, NONE = "[" * 30_000, np.zeros(0, int)

ODD = [
    linked("schedule", h5py.SoftLink("/neuro_ep/schedule")),
    linked("weights", h5py.SoftLink("/")),
    linked("dataset", h5py.ExternalLink("/etc/passwd", "/")),
    *(terabytes, packed, nested),
    put("weights/input_to_output/initial", np.zeros((0, 3))),
    put("weights/input_to_output/epochs", NONE),
    put("weights", 1),
    *(put("training/epoch", value) for value in (3, NONE, "a", np.ones(2, int))),
    *(put("units", value) for value in (3, DEEP, "[]")),
    *(said("/neuro_ep", "rule", value) for value in (3, b"\xff", h5py.Empty("S1"))),
    *(said("/neuro_ep", "layers", value) for value in ("a", 3, [1.5])),
    said("/neuro_ep", "epochs", h5py.Empty("f8")),
    *(said("provenance", name, "x") for name in ("seed", "duration_s")),
    said("provenance", "argv", 3),
    *(
        said("provenance", "parameters", value)
        for value in ("x", '{"a": 3}', '{"a": {"value": 1}}')
    ),
    said("dataset", "shape", "x"),
    said("schedule", "json", DEEP),
    said("weights/input_to_output", "units", 3),
]


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("command", ["info", "report"])
def test_what_is_no_recording_is_told_in_a_line(changed, told, here, how, command):
    changed(how)
    status, output, lines = told(command, "run.h5")
    assert (status, output, len(lines)) == (2, "", 1)
    assert "run.h5 is damaged" in lines[0] or "run.h5: its" in lines[0]
    assert [file.name for file in here.iterdir()] == ["run.h5"]


def test_terabytes_are_refused_before_they_are_asked_for(changed):
    path = changed(terabytes)
    with pytest.raises(InputError, match="says that it has 8796093022208 bytes"):
        open_recording(path)


def test_escape_sequences_are_written_out(changed, told):
    path = changed(said("/neuro_ep", "rule", "\x1b]0;owned\x07\x1b[2J\u202e"))
    status, output, lines = told("info", path)
    assert status == 0 and "\\x1b]0;owned\\x07\\x1b[2J\\u202e" in output
    assert all(line.isprintable() for line in output.splitlines())
    status, output, lines = told("info", path, "--json")
    assert status == 0 and "\x1b" not in output
    assert json.loads(output)["rule"].startswith("\x1b")


def test_a_report_draws_odd_names_and_numbers(changed, told, here):
    pytest.importorskip("matplotlib")
    values = np.full((4, 3), 1e308) * np.array([1, -1, 1])
    changed(put("weights/input_to_output/final", values))
    with h5py.File("run.h5", "r+") as file:
        file["neuro_ep"].attrs["rule"] = "$x^{$ <b> \\frac"
        file["neuro_ep/training/test_accuracy"][:] = np.array([1e300, -1e300, np.nan])
    reseal("run.h5")
    status, _, lines = told("report", "run.h5")
    assert (status, lines) == (0, []) and "&lt;b&gt;" in (here / "run.html").read_text()


def test_a_report_of_many_projections_shows_the_first(told, here):
    pytest.importorskip("matplotlib")
    from neuro_ep import recording

    projection = HEADER["projections"]["input_to_output"]
    names = [f"w{number}" for number in range(300)]
    header = {**HEADER, "projections": dict.fromkeys(names, projection)}
    writer = recording.create(here / "run.h5", header)
    writer.checkpoint(0, {name: np.ones((4, 3)) for name in names}, {})
    writer.finish()
    begun_at = time.monotonic()
    status, _, lines = told("report", "run.h5")
    assert (status, lines) == (0, []) and time.monotonic() - begun_at < 60
    assert "the first 40 of 300 projections" in (here / "run.html").read_text()


def test_a_changed_file_is_looked_at_if_asked_to(here, told):
    path = recorded(here / "run.h5")
    content = bytearray(path.read_bytes())
    content[BLOCK + content[BLOCK:].index(b"dv/dt") + 1] = ord("x")
    path.write_bytes(content)
    status, _, lines = told("info", "run.h5")
    assert status == 2 and "--no-verify looks at it anyway" in lines[0]
    status, output, _ = told("info", "run.h5", "--no-verify")
    assert status == 0 and "dx/dt" in output


def test_a_file_that_kills_its_reader_is_refused(here, monkeypatch):
    from neuro_ep.recording import probe

    path = recorded(here / "run.h5")
    path.write_bytes(path.read_bytes()[BLOCK:])
    open_recording(path).close()
    deadly = (here / "python").absolute()
    deadly.write_text("#!/bin/sh\nkill -SEGV $$\n")
    deadly.chmod(0o755)
    monkeypatch.setattr(probe.sys, "executable", str(deadly))
    with pytest.raises(InputError, match="HDF5 crashes on it"):
        open_recording(path)


# --- unfinished runs ---


def another_log(path, log):
    with h5py.File(path, "r+") as file:
        del file["log"]
        file["log"] = log
    reseal(path)


@pytest.mark.parametrize(
    "log", ["[]", "3", "[3]", '[{"epoch": "2"}]', '[{"epoch": 1}]', "[" * 30_000]
)
def test_an_epoch_with_another_log_is_damaged(here, log):
    part = begun(here / "run.h5").part
    assert damage(part / "epoch_000002.h5") == ""
    another_log(part / "epoch_000002.h5", log)
    assert damage(part / "epoch_000002.h5")


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


def other_shape(file):
    with h5py.File(file, "r+") as opened:
        del opened["weights/input_to_output"]
        opened["weights/input_to_output"] = np.ones((2, 2))
    reseal(file)


@pytest.mark.parametrize(
    "spoil", [flipped, other_shape, lambda file: file.write_text("")]
)
def test_resume_falls_back_to_the_epoch_before(here, spoil):
    from neuro_ep import recording

    spoil(begun(here / "run.h5").part / "epoch_000002.h5")
    with pytest.warns(RuntimeWarning, match="going back to the epoch before"):
        writer = recording.resume(here / "run.h5", HEADER)
    assert writer.last_epoch == 1
