"""What groups are called does not decide the order in which they are updated.

Brian2 breaks ties of slot and order by name; dense synapses take the place of stock
ones that have their default name, whatever they are called.
"""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, start_scope

from neuro_ep import DenseSynapses

pytestmark = pytest.mark.usefixtures("on_numpy")

NEURONS = "dv/dt = (1 + a - v)/ms : 1\na : 1"
TEXT = "dw/dt = v_pre*v_post/ms : 1 (clock-driven)\na_post = w + v_pre : 1 (summed)"
NAMES = np.random.default_rng(3).permutation(
    ["a", "A", "n", "neurongroup_a", "synapses", "synapses_9", "z", "Z9", "x_", "dense"]
)


def weights(kind, name=None, order=0, neurons=(None, None), neuron_order=0):
    """The weight after three steps, of two neurons that are updated as well."""
    start_scope()
    pre, post = (
        NeuronGroup(
            1,
            NEURONS,
            method="euler",
            order=neuron_order,
            **({} if called is None else {"name": called}),
        )
        for called in neurons
    )
    keywords = {"order": order} | ({} if name is None else {"name": name})
    made = kind(pre, post, TEXT, method="euler", **keywords)
    if kind is Synapses:
        made.connect()
    Network(pre, post, made).run(0.3 * ms)
    return float(np.ravel(made.w)[0])


@pytest.mark.parametrize("order", [-2, -1, 0, 1])
@pytest.mark.parametrize("neuron_order", [0, 1])
def test_the_default_name_of_both(order, neuron_order):
    keywords = {"order": order, "neuron_order": neuron_order}
    assert weights(DenseSynapses, **keywords) == pytest.approx(
        weights(Synapses, **keywords), rel=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_any_name_gives_what_the_default_name_of_stock_gives(name):
    found = weights(DenseSynapses, name)
    assert found == pytest.approx(weights(Synapses), rel=1e-12)


@pytest.mark.parametrize("neurons", [("a", "b"), ("t", "z"), ("a", "z"), ("tt", "s")])
def test_names_of_neurons_decide_as_with_stock(neurons):
    found = weights(DenseSynapses, neurons=neurons)
    assert found == pytest.approx(weights(Synapses, neurons=neurons), rel=1e-12)


def test_stock_synapses_of_other_names_differ():
    """Otherwise nothing is shown above."""
    assert weights(Synapses, "a") != pytest.approx(weights(Synapses, "z"), rel=1e-3)
    assert weights(Synapses, neurons=("a", "b")) != pytest.approx(
        weights(Synapses, neurons=("t", "z")), rel=1e-3
    )


def chained(names):
    """Two dense synapses: the second reads what the first has changed."""
    start_scope()
    group = NeuronGroup(1, "x : 1\na : 1\nb : 1", name="neurons")
    group.x = 1
    first, second = (
        DenseSynapses(group, group, text, name=name)
        for name, text in zip(
            names,
            (
                "w : 1\na_post = w*x_pre : 1 (summed)",
                "w : 1\nb_post = w*a_pre : 1 (summed)",
            ),
            strict=True,
        )
    )
    first.w, second.w = 2, 3
    Network(group, first, second).run(0.1 * ms)
    return float(group.b[0])


@pytest.mark.parametrize("names", [("a", "z"), ("z", "a"), ("d_10", "d_9")])
def test_dense_synapses_run_in_the_order_in_which_they_are_made(names):
    assert chained(names) == 6
