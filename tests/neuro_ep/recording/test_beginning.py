"""Where a recording cannot begin, and what is refused while it is written."""

import os
import shutil
from collections import namedtuple

import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.errors import InputError

# Refusals to begin


def test_create_refuses_what_exists(header, listing, record, tmp_path):
    path = record(tmp_path / "run.h5")
    before = listing(tmp_path)
    with pytest.raises(InputError, match="choose another out, or overwrite it$"):
        recording.create(path, header())
    assert listing(tmp_path) == before


def test_create_refuses_an_unfinished_run(header, listing, unfinished, tmp_path):
    unfinished(tmp_path / "run.h5")
    before = listing(tmp_path)
    with pytest.raises(InputError, match="unfinished run.*resume it"):
        recording.create(tmp_path / "run.h5", header())
    assert listing(tmp_path) == before


def test_create_refuses_a_folder(header, tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        recording.create(tmp_path, header(), overwrite=True)
    with pytest.raises(InputError, match="is a folder"):
        recording.resume(tmp_path, header())


@pytest.mark.parametrize("begin", [recording.create, recording.resume])
def test_refuses_a_path_below_a_file(header, listing, tmp_path, begin):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot be written.*choose another out"):
        begin(tmp_path / "file" / "sub" / "run.h5", header())
    assert listing(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_refuses_an_unwritable_folder(header):
    with pytest.raises(InputError, match="/proc/run.h5 cannot be written"):
        recording.create("/proc/run.h5", header())


def test_refuses_a_name_too_long(header, listing, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        recording.create(tmp_path / ("x" * 300), header())
    assert listing(tmp_path) == {}


def test_makes_the_folder_and_leaves_none_when_it_fails(
    header, listing, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            recording.create(tmp_path / "a" / "b" / "run.h5", header())
    assert listing(tmp_path) == {}
    assert recording.create(tmp_path / "a" / "b" / "run.h5", header()).part.is_dir()


def test_refuses_a_disk_with_little_space(header, listing, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 500_000))
    with pytest.raises(InputError, match="0.5 MB free.*needs about 1.1 MB"):
        recording.create(tmp_path / "a" / "run.h5", header())
    assert listing(tmp_path) == {}


def test_needed_space_grows_with_layers_and_epochs(
    HEADER, header, tmp_path, monkeypatch
):
    big = {"w": {**HEADER["projections"]["input_hidden"], "shape": [784, 512]}}
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 10**8))
    recording.create(tmp_path / "short.h5", header(projections=big, epochs=3))
    with pytest.raises(InputError, match="100.0 MB free.*needs about 219"):
        recording.create(tmp_path / "long.h5", header(projections=big, epochs=100))


def test_overwrite_replaces(checkpoint, header, record, tmp_path):
    record(tmp_path / "run.h5")
    (tmp_path / "run.h5.part").mkdir()
    (tmp_path / "run.h5.part" / "epoch_000001.h5").touch()
    writer = recording.create(tmp_path / "run.h5", header(seed=9), overwrite=True)
    assert not (tmp_path / "run.h5").exists()
    checkpoint(writer, 0)
    with recording.open_recording(writer.finish()) as run:
        assert run.seed == 9


def test_a_relative_path_survives_a_change_of_folder(
    checkpoint, header, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    writer = recording.create("run.h5", header())
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    checkpoint(writer, 0)
    assert writer.finish() == tmp_path / "run.h5"


# Refusals while writing


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 2}, "epoch 2 after epoch 2"),
        ({"weights": {"input_hidden": np.ones((6, 5))}}, "weights"),
        ({"replaced": np.ones((5, 6))}, "not .6, 5."),
        ({"replaced": np.ones((6, 5), "f4")}, "dtype changed to float32"),
        ({"row": {"loss": "high"}}, "loss='high': not a number"),
        ({"row": {"epoch": 4}}, "epoch=4 in epoch 3"),
    ],
)
def test_checkpoint_refuses_what_does_not_fit(
    listing, unfinished, weights, tmp_path, change, message
):
    writer = unfinished(tmp_path / "run.h5", 2)
    before = listing(tmp_path)
    fitting = {"epoch": 3, "weights": weights(3), "row": {}}
    if "replaced" in change:
        change = {"weights": {**weights(3), "input_hidden": change["replaced"]}}
    with pytest.raises(ValueError, match=message):
        writer.checkpoint(**{**fitting, **change})
    assert listing(tmp_path) == before and writer.last_epoch == 2


def test_checkpoint_keeps_a_copy(header, same_bits, weights, tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    mine = weights(0)
    writer.checkpoint(0, mine, {})
    mine["input_hidden"][:] = 0
    assert same_bits(writer.weights["input_hidden"], weights(0)["input_hidden"])


def test_finish_needs_a_checkpoint(header, tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    with pytest.raises(ValueError, match="before the first"):
        writer.finish()


@pytest.mark.parametrize("key", ["rule", "seed", "projections"])
def test_header_must_be_complete(HEADER, listing, tmp_path, key):
    with pytest.raises(ValueError, match=f"lacks {key}"):
        recording.create(
            tmp_path / "run.h5", {k: v for k, v in HEADER.items() if k != key}
        )
    assert listing(tmp_path) == {}


def test_header_parameters_need_units(header, tmp_path):
    with pytest.raises(ValueError, match="'eta': 0.1 has no value and unit"):
        recording.create(tmp_path / "run.h5", header(parameters={"eta": 0.1}))
