"""Products of neurons with a factor of every synapse are products of matrices.

What they compute is compared with stock synapses in ``tests/agreement/by_hand.py``.
"""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, defaultclock

from neuro_ep import DenseSynapses


def made(*rates, replicas=2, name="dense*"):
    source = NeuronGroup(3 * replicas, "x : 1", name="source")
    target = NeuronGroup(4 * replicas, "y : 1\nslope = 1 - y**2 : 1", name="target")
    states = [
        f"d{name}/dt = ({rate})/second : 1 (clock-driven)"
        for name, rate in zip("wv", rates, strict=False)
    ]
    model = "\n".join([*states, "c : 1", "eta : 1 (shared)"])
    synapses = DenseSynapses(source, target, model, replicas=replicas, name=name)
    return Network(source, target, synapses), synapses


def described(synapses):
    (operation,) = synapses.operations[-1:]
    operation.blocks, operation.arrays = {}, {}
    return operation.describe({})


@pytest.mark.parametrize(
    ("rate", "weighted", "others"),
    [
        ("eta*x_pre*y_post", 0, 1),
        ("x_pre*slope_post - w*x_pre", 0, 2),
        ("c*x_pre*y_post", 1, 0),
        ("(1 - (w/2)**2)*x_pre*y_post", 1, 0),
        ("eta*c*x_pre*slope_post - w/2 + x_pre*y_post", 1, 2),
        ("(c - w)*x_pre", 1, 0),
        ("w*c", 1, 0),
        ("exp(-w)*x_pre + tanh(c*w)*y_post", 2, 0),
    ],
)
def test_products(on_numpy, rate, weighted, others):
    _, synapses = made(rate)
    found = described(synapses)
    assert found["kind"] == "product"
    (state,) = found["states"]
    assert len(state["weighted"]) == weighted
    assert len(state["outer"]) + len(state["scaling"]) == others


@pytest.mark.parametrize(
    "rates",
    [("tanh(w*x_pre)*y_post",), ("x_pre*v*y_post", "w*y_post"), ("exp(x_pre*y_post)",)],
)
def test_where_it_is_slow_one_line_says_so(on_numpy, rates, caplog):
    network, synapses = made(*rates, name="slow*")
    assert described(synapses)["kind"] == "loop"
    told = [r.getMessage() for r in caplog.records if "which is slow" in r.getMessage()]
    assert len(told) == len(rates)
    for rate in rates:
        said = next(text for text in told if rate in text)
        assert f"'{synapses.name}': d" in said and "synapse by synapse" in said


def test_a_wrong_factor_is_found(on_numpy, monkeypatch):
    """The control: without it, weights change as by the plain product."""
    from neuro_ep.engine.dense import plasticity

    def learned():
        network, synapses = made("c*x_pre*y_post")
        network["source"].x, network["target"].y = "1 + i", "2 - i/4"
        synapses.c = np.linspace(0, 2, 12).reshape(3, 4)
        network.run(3 * defaultclock.dt)
        return np.array(synapses.w)

    right, factor = learned(), np.linspace(0, 2, 12).reshape(3, 4)
    split = plasticity.terms_of

    def without_factors(*of, **how):
        return tuple(plasticity.replace(t, matrix=None) for t in split(*of, **how))

    monkeypatch.setattr(plasticity, "terms_of", without_factors)
    wrong = learned()
    np.testing.assert_allclose(wrong * factor, right)
    assert np.abs(right - wrong).max() > 1e-6
