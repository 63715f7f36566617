"""A trained network shows samples and is looked into."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Quantity, mV

from neuro_ep import (
    InputError,
    Probe,
    Spikes,
    find_rule,
    load_dataset,
    load_network,
    train,
)

SHORT = {"layers": (64, 6, 10), "epochs": 1, "batch": 4}


def digits():
    data = load_dataset("digits")
    return replace(data, train=data.train[:12], test=data.test[:8])


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """By rule: a network that has learned for a moment."""
    folder, found = tmp_path_factory.mktemp("presenting"), {}
    for name in ("continual-ep", "spiking-dual-propagation"):
        settings = find_rule(name).settings("digits", **SHORT)
        file = folder / f"{name}.h5"
        train(name, digits(), settings, out=file, target="numpy", on_warning=str)
        found[name] = load_network(file, target="numpy")
    return found


@pytest.fixture(scope="module")
def network(networks):
    return networks["continual-ep"]


@pytest.fixture(scope="module")
def shown():
    data = digits()
    return data.inputs[data.test[:3]], data.labels[data.test[:3]]


def test_free_and_nudged(network, shown):
    inputs, labels = shown
    record = [Probe("hidden", ["v"], units=[0, 4]), Probe("output", "v", every=3)]
    traces = network.present(inputs, labels, record=record)
    trace, (free, nudged) = traces["hidden.v"], traces.phases[0]
    assert isinstance(trace, Quantity) and trace.shape[::2] == (3, 2)
    assert traces["output.v"].shape == (3, -(-trace.shape[1] // 3), 10)
    assert [free[0], nudged[0]] == ["free", "nudged"] or free[3] == 0 != nudged[3]
    step = traces.times["hidden.v"][1]
    assert nudged[2] == pytest.approx(trace.shape[1] * step)
    begin = round(nudged[1] / step)
    values = np.asarray(trace)
    assert (values[:, 0] == 0).all()  # from rest, each of them
    settling = np.abs(np.diff(values[:, :begin], axis=1))
    assert settling[:, -1].max() < settling[:, 0].max()
    output = np.asarray(traces["output.v"])
    right = output[np.arange(3), :, labels]
    assert (right[:, -1] > right[:, begin // 3 - 1]).all()  # nudged to their class


def test_without_labels_it_is_free(network, shown):
    inputs, labels = shown
    free = network.present(inputs, record="hidden.v")
    whole = network.present(inputs, labels, record="hidden.v")
    assert all(len(phases) == 1 for phases in free.phases)
    steps = free["hidden.v"].shape[1]
    np.testing.assert_array_equal(free["hidden.v"], whole["hidden.v"][:, :steps])
    np.testing.assert_allclose(free.read_out, network.read_out(inputs), atol=1e-5)


def test_it_learns_only_if_asked_and_forgets_it(network, shown):
    inputs, labels = shown[0][[0, 0]], shown[1][[0, 0]]
    record = [Probe("hidden_to_output", "w", every="presentation")]
    before = {name: values.copy() for name, values in network.weights.items()}
    still = network.present(inputs, labels, record=record)["hidden_to_output.w"]
    moved = network.present(inputs, labels, record=record, learn=True)
    moved = moved["hidden_to_output.w"]
    assert still.shape == (2, 1, 60)
    np.testing.assert_array_equal(still[0], still[1])
    assert np.abs(moved[1] - moved[0]).max() > 1e-6 * mV
    np.testing.assert_array_equal(moved[0], still[0])
    for name, values in network.weights.items():
        np.testing.assert_array_equal(values, before[name])


def test_spikes(networks, shown):
    traces = networks["spiking-dual-propagation"].present(
        *shown, record=[Spikes("hidden", units=[0, 5]), Probe("hidden", "m")]
    )
    assert set(traces.spikes) == {"hidden.spike_plus", "hidden.spike_minus"}
    times, neurons = traces.spikes["hidden.spike_plus"][0]
    assert len(times) == len(neurons) > 0 and set(neurons) <= {0, 5}
    assert 0 <= times.min() <= times.max() <= traces.phases[0][-1][2]


def test_plot(networks, shown):
    pytest.importorskip("matplotlib").use("Agg")
    traces = networks["spiking-dual-propagation"].present(
        *shown, record=[Spikes("hidden"), Probe("hidden", ["m", "d"])]
    )
    axes = traces.plot(sample=2)
    assert len(axes) == 4
    assert [len(panel.lines) for panel in axes] == [6, 6, 1, 1]
    assert axes[0].get_ylabel() == "mV" and axes[-1].get_xlabel() == "time (ms)"
    times, neurons = traces.spikes["hidden.spike_minus"][2]
    (raster,) = (p.lines[0] for p in axes if p.get_title("left").endswith("minus"))
    np.testing.assert_array_equal(raster.get_ydata(), neurons)
    np.testing.assert_allclose(raster.get_xdata(), 1e3 * times)
    assert len(traces.plot("hidden.m")) == 3  # and the spikes
    with pytest.raises(InputError, match="no trace of 'hidden.x'"):
        traces.plot("hidden.x")
    with pytest.raises(InputError, match="sample = 3"):
        traces.plot(sample=3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"record": "hidden.x"}, "not stored there"),
        ({"record": ()}, "names nothing"),
        ({"labels": None, "learn": True}, "needs labels"),
        ({"labels": [1, 2]}, "2 labels for 3 samples"),
        ({"labels": [1, 2, 10]}, "label 10: the network knows"),
        ({"labels": [1, 2, -1]}, "label -1"),
        ({"inputs": np.zeros((3, 5))}, "of shape"),
        ({"inputs": np.full((3, 64), np.nan)}, "missing or infinite"),
        ({"target": "gpu"}, "gpu"),
    ],
)
def test_refused(network, shown, given, said):
    usual = {"inputs": shown[0], "labels": shown[1], "record": "hidden.v"}
    with pytest.raises(InputError, match=said):
        network.present(**{**usual, **given})


def test_a_recording_of_a_run_that_recorded_can_be_taken_out(shown, tmp_path):
    settings = find_rule("ep").settings("digits", **SHORT)
    how = {"target": "numpy", "on_warning": str, "record": "hidden.v"}
    file = train("ep", digits(), settings, out=tmp_path / "run.h5", **how).file
    assert load_network(file, target="numpy").read_out(shown[0]).shape == (3, 10)
