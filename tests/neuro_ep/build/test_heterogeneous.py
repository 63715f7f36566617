"""Parameters of which every neuron or every synapse has a value of its own."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV, second

from neuro_ep import (
    InputError,
    build_network,
    find_rule,
    load_dataset,
    load_network,
    on_target,
    train,
)
from neuro_ep.recording import open_recording

RULE = find_rule("continual-ep")
SHORT = {"layers": (64, 6, 10), "epochs": 1, "batch": 4, "free": 6, "nudged": 3}
FADING = {
    "of": "synapse",
    "lines": "fading : 1",
    "update": "w = w - fading*w",
}


def rule(of, lines, values, **more):
    """Continual EP with another parameter of one kind of neurons or synapses."""

    def model(settings):
        found = RULE.model(settings)
        kind = getattr(found, of)
        equations = f"{kind.equations}\n{lines}"
        kind = replace(kind, equations=equations, heterogeneous=values, **more)
        return replace(found, **{of: kind})

    return replace(RULE, model=model)


def built(*of, seed=0, **more):
    chosen = rule(*of, **more)
    with on_target("numpy"):
        return build_network(chosen, chosen.settings("digits", **SHORT), seed=seed)


def test_text_of_neurons():
    """The neurons of every sample are the same; the seed draws them."""
    text = "10*exp(0.3*randn())*ms + i*second"
    found = [built("hidden", "h : second", {"h": text}, seed=n) for n in (0, 0, 1)]
    first, again, other = (np.array(net["hidden"].h).reshape(4, 6) for net in found)
    assert (first == first[0]).all()
    np.testing.assert_array_equal(first, again)
    spread = first[0] - np.arange(6)
    assert 0.003 < spread.min() < spread.max() < 0.03
    assert (first != other).all()


def test_text_of_synapses():
    text = {"h": "i + 100*j", "k": "rand()*mV"}
    network = built("synapse", "h : 1\nk : volt", text)
    found = np.asarray(network["hidden_to_output"].h)
    np.testing.assert_array_equal(
        found, np.arange(6)[:, None] + 100 * np.arange(10)[None]
    )
    k = [np.asarray(network[name].k).ravel() for name in network.projections]
    assert 0 <= min(map(np.min, k)) < max(map(np.max, k)) < 1e-3
    assert not np.isin(k[1], k[0]).any()


def test_numbers_and_arrays():
    values = {"h": np.arange(6.0), "k": 3 * mV, "m": np.arange(6) * ms}
    network = built("hidden", "h : 1\nk : volt\nm : second", values)
    np.testing.assert_array_equal(network["hidden"].h[:6], np.arange(6))
    assert set(np.asarray(network["hidden"].k)) == {3e-3}
    np.testing.assert_allclose(network["hidden"].m[6:12] / ms, np.arange(6))


@pytest.mark.parametrize(
    ("lines", "values", "said"),
    [
        ("h : 1", {"h": "nonesuch*i"}, "'nonesuch' is not known there"),
        ("h : 1", {"h": "poisson(3)"}, "'poisson' is not known there"),
        ("h : 1", {"h": "1 +"}, "'hidden.h' = '1 .'"),
        ("h : 1", {"h": "1*mV"}, "another unit"),
        ("h : volt", {"h": "1"}, "another unit"),
        ("h : volt", {"h": 1 * second}, "another unit"),
        ("h : 1", {"h": "1/(i - i)"}, "not finite"),
        ("h : 1", {"h": float("nan")}, "not finite"),
        ("h : 1", {"h": np.arange(5.0)}, r"shape \(5,\); give \(6,\)"),
        ("h : 1", {"h": ["a"]}, r"h = \['a'\]: give text, a number or an array"),
        ("h : 1", {"h": np.array(["a"])}, "another unit"),
        ("h : 1", ["h"], "give parameter -> its values"),
        ("h : 1", {"k": 1}, "'hidden.k' is given values of its own"),
        ("h : 1 (shared)", {"h": 1}, "is no parameter that could"),
        ("h : 1", {"v": 1 * mV}, "is no parameter that could"),
    ],
)
def test_refused(lines, values, said):
    with pytest.raises(InputError, match=said):
        built("hidden", lines, values)


def test_arrays_are_recorded(tmp_path):
    """The network that is taken out has them again; and says the same."""
    digits = load_dataset("digits")
    few = replace(digits, train=digits.train[:12], test=digits.test[:8])
    values = {"gain": np.linspace(0.5, 2, 6), "delay": np.arange(1.0, 7) * ms}
    lines = "gain : 1\ndelay : second\nseen = gain*v + 0*v*delay/second : volt"
    uneven = rule("hidden", lines, values)
    settings = uneven.settings("digits", **SHORT)
    how = {"target": "numpy", "on_warning": str}
    result = train(uneven, few, settings, out=tmp_path / "run.h5", **how)
    network = load_network(result.file)
    inputs, labels = few.inputs[few.test], few.labels[few.test]
    assert network.score(inputs, labels) == result.test_accuracy
    traces = network.present(inputs[:1], record="hidden.gain,hidden.delay")
    np.testing.assert_allclose(traces["hidden.gain"][0, 0], values["gain"])
    np.testing.assert_allclose(traces["hidden.delay"][0, 0] / ms, np.arange(1.0, 7))


def test_training_draws_them_with_its_seed(tmp_path):
    """The same in the network that is taken out; other rates, other weights."""
    digits = load_dataset("digits")
    few = replace(digits, train=digits.train[:12], test=digits.test[:8])

    def final(text, seed, name):
        uneven = rule(
            FADING["of"], FADING["lines"], {"fading": text}, update=FADING["update"]
        )
        how = {"target": "numpy", "on_warning": str, "seed": seed}
        settings = uneven.settings("digits", **SHORT)
        file = train(uneven, few, settings, out=tmp_path / name, **how).file
        with open_recording(file) as run:
            return file, run.weights["input_to_hidden"].final

    file, first = final("1e-2*rand()", 0, "a.h5")
    _, again = final("1e-2*rand()", 0, "b.h5")
    _, even = final("5e-3", 0, "c.h5")
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - even).max() > 1e-4
    network = load_network(file, target="numpy")
    inputs, labels = few.inputs[:2], few.labels[:2]
    traces = [
        network.present(inputs, labels, record="input_to_hidden.fading", learn=True)
        for _ in range(2)
    ]
    rates = traces[0]["input_to_hidden.fading"]
    assert 0 < rates.min() < rates.max() < 1e-2 and np.ptp(rates[0, 0]) > 5e-3
    np.testing.assert_array_equal(*(t["input_to_hidden.fading"] for t in traces))
