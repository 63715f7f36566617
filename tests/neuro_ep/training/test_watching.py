"""Traces and spikes of training, in the recording."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from neuro_ep import (
    InputError,
    Probe,
    Spikes,
    find_rule,
    load_dataset,
    load_network,
    open_recording,
    train,
)
from neuro_ep.recording import traces
from neuro_ep.recording.schema import read_arrays

RULE = find_rule("continual-ep")
SPIKING = find_rule("spiking-dual-propagation")
SHORT = {"layers": (64, 6, 10), "epochs": 2, "batch": 4, "free": 6, "nudged": 3}


@pytest.fixture(scope="module")
def few():
    digits = load_dataset("digits")
    return replace(digits, train=digits.train[:12], test=digits.test[:8])


def trained(few, out, record, rule=RULE, **choices):
    settings = rule.settings("digits", **SHORT)
    how = {"target": "numpy", "on_warning": str, "record": record}
    return train(rule, few, settings, out=out, **how, **choices).file


@pytest.fixture(scope="module")
def recorded(few, tmp_path_factory):
    out = tmp_path_factory.mktemp("watched") / "run.h5"
    record = [
        Probe("hidden", ["v", "rho"], units=[0, 2]),
        Probe("output", "v", every=2),
        Probe("hidden_to_output", "w", pairs=[(0, 1)], every="presentation"),
    ]
    return trained(few, out, record)


@pytest.fixture(scope="module")
def lengths():
    """Steps of a taught presentation, and of one that tests."""
    from neuro_ep import build_network, on_target

    with on_target("numpy"):
        phases = build_network(RULE, RULE.settings("digits", **SHORT)).phase_steps()
    return sum(phases), phases[0]


def test_all_that_was_asked_for_is_there(recorded, few, lengths):
    taught, tested = lengths
    with open_recording(recorded) as run:
        assert set(run.traces) == {
            *("hidden.v", "hidden.rho", "output.v", "hidden_to_output.w")
        }
        trace, shown = run.traces["hidden.v"], run.presentations
        steps = 2 * tested + 2 * (3 * taught + 2 * tested)  # epochs 0, 1 and 2
        assert trace.values.shape == (steps, 2 * 4)
        assert trace.units == "mV" and trace.replicas == 4
        assert trace.ids.tolist() == [0, 2, 6, 8, 12, 14, 18, 20]
        assert run.traces["output.v"].values.shape[0] == steps // 2
        assert run.traces["hidden.rho"].units == "1"
        assert np.ptp(trace.values, axis=0).min() > 0
        assert len(run.traces["hidden_to_output.w"].values) == 12
        step = np.diff(trace.times)
        np.testing.assert_allclose(step, step[0])
        assert shown["t_end"][-1] == pytest.approx(steps * step[0])
        np.testing.assert_allclose(shown["t_start"][1:], shown["t_end"][:-1])
        free = shown["phase"] == 0
        assert free.sum() == 12 and set(shown["epoch"]) == {0, 1, 2}
        assert (shown["beta"][free] == 0).all()
        assert (shown["beta"][~free] != 0).all()
        assert set(shown["sample"][shown["learn"] == 0].ravel()) == set(few.test)
        np.testing.assert_array_equal(few.labels[shown["sample"]], shown["label"])


def test_a_presentation_is_that_of_the_network_alone(recorded, few):
    """What the last epoch tested, shown again to the network it left behind."""
    network = load_network(recorded, target="numpy")
    with open_recording(recorded) as run:
        shown, trace = run.presentations, run.traces["hidden.v"]
        last = np.flatnonzero(shown["epoch"] == 2)[-1]
        values = trace.values.reshape(-1, 4, 2)
        begin = round(shown["t_start"][last] / trace.times[1])
        found = values[begin:]
        rows = shown["sample"][last]
    again = network.present(few.inputs[rows], record="hidden.v[0:3]")["hidden.v"]
    seen = 1e3 * np.asarray(again)[:, :, [0, 2]].transpose(1, 0, 2)
    assert seen.shape == found.shape
    np.testing.assert_allclose(found[1:], seen[1:], atol=1e-4)  # float32 both


def test_chosen_epochs_and_samples(few, tmp_path):
    chosen = {"record_epochs": (-1,), "record_samples": "test[:3]"}
    file = trained(few, tmp_path / "run.h5", "hidden.v[0]", **chosen)
    with open_recording(file) as run:
        shown = run.presentations
        assert set(shown["epoch"]) == {2} and not shown["learn"].any()
        assert len(shown["epoch"]) == 1  # the batch that has these three
        assert set(few.test[:3]) <= set(shown["sample"].ravel())
    rows = {"record_epochs": (1,), "record_samples": few.train[:1]}
    file = trained(few, tmp_path / "rows.h5", "hidden.v[0]", **rows)
    with open_recording(file) as run:
        assert few.train[0] in run.presentations["sample"]


def test_spikes_are_those_of_the_network(few, tmp_path):
    record = [Spikes("hidden"), Probe("hidden", ["v_plus"])]
    chosen = {"record_epochs": (0,), "rule": SPIKING}
    file = trained(few, tmp_path / "run.h5", record, **chosen)
    with open_recording(file) as run:
        times, neurons = run.spikes["hidden.spike_plus"]
        trace = run.traces["hidden.v_plus"]
        assert len(times) > 10 and (np.diff(times) >= 0).all()
        assert set(neurons) <= set(trace.ids)
        step = trace.times[1]
        counted = np.zeros(trace.values.shape, bool)
        counted[np.round(times / step).astype(int), neurons] = True
        dropped = np.diff(trace.values, axis=0) < -0.3  # by its threshold: it fired
        assert (counted[:-1] == dropped).mean() > 0.97


class Killed(BaseException):
    """Stands for the end of the process."""


def test_killed_and_resumed_records_the_same(few, recorded, tmp_path):
    out, record = tmp_path / "run.h5", "hidden.v[0],hidden_to_output.w[0,1]"

    def stop(row):
        if row["epoch"] == 1:
            raise Killed

    with pytest.raises(Killed):
        trained(few, out, record, on_epoch=stop)
    with pytest.raises(InputError, match="begun with another recorder"):
        trained(few, out, "hidden.v[1]", resume=True)
    resumed = trained(few, out, record, resume=True)
    whole = trained(few, tmp_path / "whole.h5", record)
    with h5py.File(resumed) as a, h5py.File(whole) as b:
        for place in ("report", "neuro_ep/recorded", "neuro_ep/presentations"):
            then, now = (read_arrays(file[place]) for file in (b, a))
            assert set(then) == set(now) and len(then) > 2
            for name in then:
                np.testing.assert_array_equal(now[name], then[name])


def test_nothing_is_recorded_by_default(few, tmp_path):
    file = trained(few, tmp_path / "run.h5", ())
    with open_recording(file) as run:
        assert not run.traces and not run.spikes and not run.presentations
    with h5py.File(file) as opened:
        assert set(opened) == {"neuro_ep"}


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"record": "hidden.x"}, "not stored there"),
        ({"record": "hidden.v", "record_epochs": (3,)}, "record_epochs"),
        ({"record": "hidden.v", "record_epochs": (0.5,)}, "record_epochs"),
        ({"record": "hidden.v", "record_epochs": 1}, "record_epochs"),
        ({"record": "hidden.v", "record_samples": "tests"}, "record_samples"),
        ({"record": "hidden.v", "record_samples": "test[9:]"}, "names no sample"),
        ({"record": "hidden.v", "record_samples": [10**6]}, "give rows of digits"),
        ({"record": (), "record_epochs": (1,)}, "nothing is recorded"),
        ({"record": (), "record_samples": "test"}, "nothing is recorded"),
    ],
)
def test_refused_before_anything_is_written(few, tmp_path, choices, said):
    with pytest.raises(InputError, match=said):
        trained(few, tmp_path / "run.h5", **choices)
    assert list(tmp_path.iterdir()) == []


def test_size_is_told_and_no_less_than_it_takes(few, tmp_path, monkeypatch):
    told = []
    how = {"on_record": told.append, "record_epochs": (0, 1, 2)}
    file = trained(few, tmp_path / "run.h5", "hidden.v", **how)
    with h5py.File(file) as run:
        taken = run["report/hidden.v/data"].nbytes
    assert taken <= told[0] < 1.2 * taken
    monkeypatch.setattr(traces.shutil, "disk_usage", lambda folder: Disk)
    with pytest.raises(InputError, match="GB free, and what is to be recorded"):
        trained(few, tmp_path / "none.h5", "hidden.v")


class Disk:
    total, free = 10**12, 100


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_libsonata_reads_the_same(few, tmp_path, dtype):
    """It gives single precision, the file has that of the run."""
    libsonata = pytest.importorskip("libsonata")
    record = [Spikes("hidden"), Probe("hidden", "m", units=[1, 4])]
    chosen = {"record_epochs": (1,), "rule": SPIKING, "dtype": dtype}
    file = trained(few, tmp_path / "run.h5", record, **chosen)
    with open_recording(file) as run:
        trace, spikes = run.traces["hidden.m"], run.spikes["hidden.spike_plus"]
        values, times, ids = trace.values, trace.times, trace.ids
    report = libsonata.ElementReportReader(str(file))["hidden.m"]
    read = report.get()
    assert values.dtype == dtype
    np.testing.assert_array_equal(read.data, values.astype("f4"))
    np.testing.assert_allclose(read.times, times, atol=1e-6)
    assert report.get_node_ids() == ids.tolist() and report.data_units == "mV"
    found = libsonata.SpikeReader(str(file))["hidden.spike_plus"]
    assert found.sorting == "by_time"
    assert [neuron for neuron, _ in found.get()] == spikes[1].tolist()
    np.testing.assert_array_equal([time for _, time in found.get()], spikes[0])
