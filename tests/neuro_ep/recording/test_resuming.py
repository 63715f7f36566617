"""Resuming a recording: it goes on where it stopped, or it is refused."""

import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.errors import InputError

# Resuming


def test_resume_goes_on_where_it_stopped(
    checkpoint, header, row, same_bits, unfinished, weights, tmp_path
):
    path = tmp_path / "run.h5"
    unfinished(path, 2)
    writer = recording.resume(path, header(epochs=6))
    assert writer.last_epoch == 2
    for name, array in weights(2).items():
        assert same_bits(writer.weights[name], array)
    assert same_bits(writer.state["rng/keys"], np.arange(2, dtype="u8"))
    assert same_bits(writer.state["t"], np.array(2 / 3))
    assert [item["epoch"] for item in writer.log] == [0, 1, 2]
    assert writer.log[1]["test_accuracy"] == row(1)["test_accuracy"]
    for epoch in range(3, 7):
        checkpoint(writer, epoch)
    with recording.open_recording(writer.finish()) as run:
        assert run.epochs == 6
        assert run.training["epoch"].tolist() == list(range(7))
        assert same_bits(
            run.weights["input_hidden"].initial, weights(0)["input_hidden"]
        )
        assert len(run.provenance["resumed"]) == 1


def test_resume_without_anything_begins(checkpoint, header, tmp_path):
    writer = recording.resume(tmp_path / "new" / "run.h5", header())
    assert writer.last_epoch == -1 and writer.weights == {} and writer.log == []
    checkpoint(writer, 0)
    assert writer.finish().exists()


def test_resume_of_a_run_killed_before_its_header(header, tmp_path):
    (tmp_path / "run.h5.part").mkdir()
    assert recording.resume(tmp_path / "run.h5", header()).last_epoch == -1


@pytest.mark.parametrize("change", ["cut", "empty"])
def test_damaged_newest_epoch_is_skipped(
    checkpoint, header, same_bits, unfinished, weights, tmp_path, change
):
    writer = unfinished(tmp_path / "run.h5", 3)
    newest = writer.part / "epoch_000003.h5"
    data = newest.read_bytes()
    newest.write_bytes(data[: len(data) // 2] if change == "cut" else b"")
    with pytest.warns(RuntimeWarning, match="epoch_000003.h5 is damaged"):
        again = recording.resume(tmp_path / "run.h5", header())
    assert again.last_epoch == 2
    assert same_bits(again.weights["input_hidden"], weights(2)["input_hidden"])
    checkpoint(again, 3)
    with recording.open_recording(again.finish()) as run:
        assert run.training["epoch"].tolist() == [0, 1, 2, 3]
        assert run.weights["input_hidden"].epochs.tolist() == [0, 1, 2, 3]


def test_damaged_newest_is_skipped_after_thinning(checkpoint, header, tmp_path):
    writer = recording.create(tmp_path / "run.h5", header(epochs=20), snapshots=4)
    for epoch in range(14):
        checkpoint(writer, epoch)
    (writer.part / "epoch_000013.h5").write_bytes(b"")
    with pytest.warns(RuntimeWarning):
        again = recording.resume(tmp_path / "run.h5", header(epochs=20), snapshots=4)
    assert again.last_epoch == 12


def test_damaged_first_epoch_is_refused(header, unfinished, tmp_path):
    writer = unfinished(tmp_path / "run.h5", 3)
    (writer.part / "epoch_000000.h5").write_bytes(b"")
    with pytest.raises(InputError, match="is damaged.*delete it and start anew"):
        recording.resume(tmp_path / "run.h5", header())


def test_damaged_middle_snapshot_is_left_out(unfinished, tmp_path):
    writer = unfinished(tmp_path / "run.h5", 3)
    (writer.part / "epoch_000001.h5").write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="epoch_000001.h5 is damaged"):
        path = writer.finish()
    with recording.open_recording(path) as run:
        assert run.weights["input_hidden"].epochs.tolist() == [0, 2, 3]
        assert run.training["epoch"].tolist() == [0, 1, 2, 3]


CHANGES = {
    "rule": ("ep", "another rule: 'continual-ep' then, 'ep' now"),
    "task": ("mnist", "another task"),
    "layers": ([6, 7, 3], "another layers"),
    "seed": (8, "another seed: 7 then, 8 now"),
    "target": ("cython", "another target"),
    "parameters": (
        lambda known: {**known, "eta": {"value": 0.2, "unit": "mV"}},
        "another parameters.eta.value: 0.1 then, 0.2 now",
    ),
    "equations": (
        lambda known: {**known, "hidden": "dv/dt = -v/tau : volt"},
        r"another equations.hidden: 'dv/dt = \(I - v\)/tau : volt' then",
    ),
}


@pytest.mark.parametrize("key", CHANGES)
def test_resume_refuses_another_run(HEADER, header, listing, unfinished, tmp_path, key):
    unfinished(tmp_path / "run.h5")
    before = listing(tmp_path)
    value, message = CHANGES[key]
    value = value(HEADER[key]) if callable(value) else value
    with pytest.raises(InputError, match=message):
        recording.resume(tmp_path / "run.h5", header(**{key: value}))
    assert listing(tmp_path) == before


def test_resume_refuses_a_missing_parameter(HEADER, header, unfinished, tmp_path):
    unfinished(tmp_path / "run.h5")
    fewer = {"eta": HEADER["parameters"]["eta"]}
    with pytest.raises(InputError, match="parameters: sizes only then"):
        recording.resume(tmp_path / "run.h5", header(parameters=fewer))


def test_resume_compares_values_not_types(header, unfinished, tmp_path):
    first = {"x": {"value": np.nan, "unit": ""}, "y": {"value": 1, "unit": ""}}
    unfinished(tmp_path / "run.h5", parameters=first)
    same = {
        "y": {"unit": "", "value": 1.0},
        "x": {"value": -np.float64("nan"), "unit": ""},
    }
    again = header(parameters=same, layers=(6, 5, 3), seed=np.int64(7))
    assert recording.resume(tmp_path / "run.h5", again).last_epoch == 2


def test_resume_refuses_fewer_epochs_than_done(header, unfinished, tmp_path):
    unfinished(tmp_path / "run.h5", 3)
    with pytest.raises(InputError, match="epochs=2: 3 are done already"):
        recording.resume(tmp_path / "run.h5", header(epochs=2))


def test_resume_refuses_a_complete_run(header, listing, record, tmp_path):
    path = record(tmp_path / "run.h5")
    before = listing(tmp_path)
    with pytest.raises(InputError, match="is complete: there is nothing to resume"):
        recording.resume(path, header(epochs=9))
    assert listing(tmp_path) == before


def test_resume_keeps_parts_beside_a_foreign_file(header, unfinished, tmp_path):
    writer = unfinished(tmp_path / "run.h5")
    (tmp_path / "run.h5").write_text("mine")
    with pytest.raises(InputError, match="is no recording"):
        recording.resume(tmp_path / "run.h5", header())
    assert len(list(writer.part.glob("epoch_*.h5"))) == 3


def test_resume_refuses_a_damaged_header(header, unfinished, tmp_path):
    writer = unfinished(tmp_path / "run.h5")
    (writer.part / "header.json").write_text("{")
    with pytest.raises(InputError, match="header.json is damaged"):
        recording.resume(tmp_path / "run.h5", header())
