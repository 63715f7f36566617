"""Plots show what the files say."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import (
    InputError,
    Probe,
    Spikes,
    find_rule,
    load_dataset,
    open_recording,
    train,
)

pytest.importorskip("matplotlib").use("Agg")
from neuro_ep.analysis import plots  # noqa: E402 (matplotlib first)

RULE = "spiking-dual-propagation"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    digits, folder = load_dataset("digits"), tmp_path_factory.mktemp("plots")
    few = replace(digits, train=digits.train[:12], test=digits.test[:8])
    settings = find_rule(RULE).settings(
        "digits", layers=(64, 6, 10), epochs=2, batch=4, free=6, nudged=3
    )
    record = [Probe("hidden", ["m", "d"], units=[0, 3, 5]), Spikes("hidden")]
    found = []
    for seed in range(2):
        out = folder / f"{seed}.h5"
        how = {"target": "numpy", "record": record, "record_epochs": (0, 2)}
        train(RULE, few, settings, out=out, seed=seed, on_warning=str, **how)
        found.append(out)
    return found


def test_learning_curves(files):
    axes, found = plots.learning_curves(files, "test_cost")
    last = []
    for file in files:
        with open_recording(file) as run:
            last.append(run.training["test_cost"][-1])
    assert found["mean"][-1] == pytest.approx(np.mean(last)) and found["runs"] == 2
    assert found["deviation"][-1] == pytest.approx(np.std(last, ddof=1))
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(np.mean(last))
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), found["epochs"])
    again, _ = plots.learning_curves(files[:1], axes=axes)
    assert again is axes and len(axes.lines) == 2
    assert plots.learning_curves(files[0])[1]["runs"] == 1
    with pytest.raises(InputError, match="has no loss; it has"):
        plots.learning_curves(files, "loss")
    with pytest.raises(InputError, match="no files"):
        plots.learning_curves([])


def test_weight_map(files):
    axes, largest = plots.weight_map(files[0], "hidden_to_output")
    with open_recording(files[0]) as run:
        weights = run.weights["hidden_to_output"].final
    assert largest == pytest.approx(np.abs(weights).max())
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    with pytest.raises(InputError, match="has no nonesuch"):
        plots.weight_map(files[0], "nonesuch")


def test_firing_rates(files):
    axes, mean = plots.firing_rates(files[0], "hidden.spike_plus")
    with open_recording(files[0]) as run:
        times, neurons = run.spikes["hidden.spike_plus"]
        seconds = run.presentations["t_end"].max() / 1e3
    heights = [bar.get_height() for bar in axes.patches]
    assert len(heights) == 6
    assert sum(heights) == pytest.approx(len(times) / 4 / seconds)
    assert mean == pytest.approx(np.mean([h for h in heights if h > 0]))
    with pytest.raises(InputError, match="has no spikes of output"):
        plots.firing_rates(files[0], "output")


def test_traces_of_a_sample(files):
    with open_recording(files[0]) as run:
        shown, trace = run.presentations, run.traces["hidden.m"]
        values, times = trace.values, trace.times
        taught = np.flatnonzero((shown["epoch"] == 2) & (shown["learn"] == 1))
        sample = shown["sample"][taught[2], 1]  # the second one of a batch
    axes, spans = plots.sample_traces(files[0], "hidden.m", epoch=2, sample=sample)
    rows = [row for row in taught if sample == shown["sample"][row, 1]]
    begin, end = shown["t_start"][rows[0]], shown["t_end"][rows[-1]]
    inside = (times > begin - 0.1) & (times < end - 0.1)
    right = values[inside][:, 3:6]
    lines = [line.get_ydata() for line in axes[0].lines]
    np.testing.assert_allclose(np.array(lines).T, right)
    assert spans["hidden.m"] == pytest.approx(np.ptp(right))
    assert len(axes) == 3  # and both kinds of spikes
    assert len(plots.sample_traces(files[0])[0]) == 4
    with pytest.raises(InputError, match="no trace of hidden.x; it has hidden"):
        plots.sample_traces(files[0], "hidden.x")
    with pytest.raises(InputError, match="no sample 5000 in epoch 2"):
        plots.sample_traces(files[0], sample=5000)
    with pytest.raises(InputError, match="in epoch 1; it has epochs 0, 2"):
        plots.sample_traces(files[0], epoch=1, sample=sample)


def test_confusion_matrix(files):
    axes, right = plots.confusion_matrix(files[0])
    with open_recording(files[0]) as run:
        assert right == run.training["test_accuracy"][-1]
        found = run.predictions
    counts = np.asarray(axes.images[0].get_array())
    pair = found["label"][0], found["predicted"][0]
    same = (found["label"] == pair[0]) & (found["predicted"] == pair[1])
    assert counts[pair] == same.sum() and counts.sum() == 8
    assert [text.get_text() for text in axes.texts].count("0") == (counts == 0).sum()


@pytest.fixture(scope="module")
def echoes(tmp_path_factory):
    """beta -> a run of echo learning, in double precision."""
    data, folder = load_dataset("digits-rows"), tmp_path_factory.mktemp("echoes")
    few = replace(data, train=data.train[:8], test=data.test[:4])
    found = {}
    for beta in (1e-9, 0.01, 0.02):
        settings = find_rule("rhel").settings(
            "digits-rows", layers=(8, 16), epochs=1, batch=4, beta=beta
        )
        out = folder / f"{beta}.h5"
        how = {"record": "output.q_plus[0:3],output.q_minus[2]", "dtype": "float64"}
        train("rhel", few, settings, out=out, target="numpy", on_warning=str, **how)
        found[beta] = out
    return found


def test_echo_return(echoes):
    """Back to rounding where it is not nudged; else by beta, to first order."""
    axes, missed = plots.echo_return(echoes[1e-9], "output.q_plus", epoch=1)
    assert 1e-12 < missed < 1e-7 and len(axes.lines) == 3
    ways = [plots.echo_return(echoes[b], "output.q_plus")[1] for b in (0.01, 0.02)]
    assert ways[1] / ways[0] == pytest.approx(2, rel=0.1) and ways[0] > 1e-4
    with pytest.raises(InputError, match="no output.p in a run and its echo"):
        plots.echo_return(echoes[0.01], "output.p")
    with pytest.raises(InputError, match="no sample with the phase echo in epoch 0"):
        plots.echo_return(echoes[0.01], "output.q_plus", epoch=0)


def test_echo_return_of_a_rule_without_echoes(files):
    with pytest.raises(InputError, match="no sample with the phase echo in epoch 2"):
        plots.echo_return(files[0], "hidden.m")
