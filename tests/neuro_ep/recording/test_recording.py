"""Recordings: round trip, crash safety, resuming, and every refusal."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.recording.writer import snapshot_epochs

# Round trip


def test_round_trip_bit_for_bit(record, same_bits, weights, tmp_path):
    path = record(tmp_path / "run.h5")
    assert path == tmp_path / "run.h5"
    assert list(tmp_path.iterdir()) == [path]
    with recording.open_recording(path) as run:
        assert list(run.weights) == ["input_hidden", "hidden_output"]
        for name, item in run.weights.items():
            assert item.epochs.tolist() == [0, 1, 2, 3, 4]
            assert same_bits(item.initial, weights(0)[name])
            assert same_bits(item.final, weights(4)[name])
            for k, epoch in enumerate(item.epochs):
                assert same_bits(item.snapshots[k], weights(epoch)[name])
            assert item.units == "mV"
            assert item.group["final"].attrs["units"] == "mV"
        assert run.weights["input_hidden"].source_pop == "input"
        assert run.weights["input_hidden"].target_pop == "hidden"


def test_round_trip_of_the_header(HEADER, record, tmp_path):
    with recording.open_recording(record(tmp_path / "run.h5")) as run:
        for key, value in HEADER.items():
            if key not in ("provenance", "projections"):
                assert getattr(run, key) == value, key
        assert run.provenance["compiler"] == "g++ 13"
        assert run.provenance["config"] == "[model]\nx = 1"
        assert run.provenance["argv"] == sys.argv
        assert run.provenance["duration_s"] == 1.5
        assert run.provenance["exit_status"] == 0
        assert run.provenance["stopped_by"] == "epochs"


def test_long_equations_fit(record, tmp_path):
    text = "dv/dt = -v/tau : volt  # " + "x" * 100_000
    path = record(tmp_path / "run.h5", equations={"hidden": text})
    with recording.open_recording(path) as run:
        assert run.equations == {"hidden": text}


def test_training_columns_and_partial_rows(header, weights, tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    writer.checkpoint(0, weights(0), {"test_accuracy": 0.1})
    writer.checkpoint(1, weights(1), {"test_accuracy": 0.1 + 0.2, "wall_s": 3})
    with recording.open_recording(writer.finish()) as run:
        assert run.training["epoch"].tolist() == [0, 1]
        assert run.training["epoch"].dtype.kind == "i"
        assert run.training["test_accuracy"].tolist() == [0.1, 0.1 + 0.2]
        assert np.isnan(run.training["wall_s"][0])
        assert run.training["wall_s"][1] == 3
        assert run.file["neuro_ep/training/wall_s"].attrs["units"] == "s"


def test_the_file_says_what_it_is(HEADER, record, tmp_path):
    with h5py.File(record(tmp_path / "run.h5")) as file:
        assert file.attrs["format"] == "neuro_ep-recording"
        assert file.attrs["format_version"] == "1.1"
        assert file.attrs["magic"] == 0x0A7A and file.attrs["magic"].dtype == "u4"
        assert file.attrs["version"].tolist() == [0, 1]
        assert file.attrs["version"].dtype == "u4"
        text = file["neuro_ep/provenance/equations/hidden"].asstr()[()]
        assert text == HEADER["equations"]["hidden"]


def test_tree_is_strict_json(header, weights, tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    writer.checkpoint(0, weights(0), {"loss": np.inf, "test_accuracy": 0.5})
    with recording.open_recording(writer.finish()) as run:
        tree = json.loads(json.dumps(run.tree(), allow_nan=False))
    assert tree["training"] == {"epoch": [0], "loss": [None], "test_accuracy": [0.5]}
    assert tree["weights"]["hidden_output"]["shape"] == [5, 3]
    assert tree["weights"]["hidden_output"]["dtype"] == "float32"
    assert tree["provenance"]["duration_s"] is None
    assert tree["layers"] == [6, 5, 3]


def test_description_names_what_matters(record, tmp_path):
    text = recording.describe(record(tmp_path / "run.h5"))
    for part in ("continual-ep", "digits", "6-5-3", "30.00%", "0.1 mV", "dv/dt"):
        assert part in text
    assert "input to hidden, 6 x 5, in mV, 5 snapshots to epoch 4" in text


def test_description_without_optional_parts(HEADER, weights, tmp_path):
    bare = {key: HEADER[key] for key in ("rule", "task", "layers", "seed", "target")}
    writer = recording.create(
        tmp_path / "run.h5",
        {**bare, "epochs": 1, "projections": HEADER["projections"]},
    )
    writer.checkpoint(0, weights(0), {})
    assert "continual-ep" in recording.describe(writer.finish())


def test_reading_does_not_import_brian2():
    code = "import sys, neuro_ep.recording; sys.exit('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_provenance_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = recording.provenance()
    assert found["git_commit"] == "" and found["git_dirty"] == ""
    assert found["packages"]["numpy"] == np.__version__
    assert found["hostname"] and found["cpu"] and found["created"].endswith("+00:00")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_provenance_of_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(
        ["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"], check=True
    )
    assert len(recording.provenance()["git_commit"]) == 40
    assert recording.provenance()["git_dirty"] is False
    (tmp_path / "new").touch()
    assert recording.provenance()["git_dirty"] is True


# Snapshots


@pytest.mark.parametrize("limit", [2, 3, 32])
def test_snapshots_are_bounded_and_never_wanted_back(limit):
    dropped = set()
    for last in range(200):
        kept = snapshot_epochs(list(range(last + 1)), limit)
        assert len(kept) <= limit
        assert kept[0] == 0 and kept[-1] == last
        assert not dropped & set(kept)
        dropped |= set(range(last + 1)) - set(kept)
    assert snapshot_epochs(list(range(32)), 32) == list(range(32))


def test_thinning_bounds_the_parts_and_keeps_the_log(
    checkpoint, header, same_bits, weights, tmp_path
):
    writer = recording.create(tmp_path / "run.h5", header(), snapshots=4)
    for epoch in range(21):
        checkpoint(writer, epoch)
        assert len(list(writer.part.glob("epoch_*.h5"))) <= 5
    with recording.open_recording(writer.finish()) as run:
        assert run.training["epoch"].tolist() == list(range(21))
        item = run.weights["input_hidden"]
        assert item.epochs.tolist() == [0, 8, 16, 20]
        for k, epoch in enumerate(item.epochs):
            assert same_bits(item.snapshots[k], weights(epoch)["input_hidden"])
