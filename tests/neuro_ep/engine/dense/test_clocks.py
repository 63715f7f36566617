"""Clocks of dense synapses are those that stock synapses would have."""

import numpy as np
import pytest
from brian2 import Clock, Network, NeuronGroup, Synapses, ms

from neuro_ep import DenseSynapses

pytestmark = pytest.mark.usefixtures("on_numpy")

MODEL = """
    dw/dt = (x_pre - 0.1*w)/ms : 1 (clock-driven)
    a_post = w*x_pre : 1 (summed)
    b_pre = w*x_post : 1 (summed)
"""
NEURONS = """
    dx/dt = (1 - x)/ms : 1
    seen = t/ms*a + b : 1
    a : 1
    b : 1
"""


def run(kind, **clocks):
    pre = NeuronGroup(3, NEURONS, dt=0.05 * ms, method="euler")
    post = NeuronGroup(2, NEURONS, dt=0.2 * ms, method="euler")
    if kind is Synapses:
        clocks["method"] = "euler"
    made = kind(pre, post, MODEL, **clocks)
    if kind is Synapses:
        made.connect()
    made.w = 0.5
    Network(pre, post, made).run(2 * ms)
    return np.concatenate([np.ravel(made.w), post.a[:], pre.b[:]])


@pytest.mark.parametrize(
    "named",
    [
        dict,
        lambda: {"dt": 0.2 * ms},
        lambda: {"clock": Clock(dt=0.05 * ms)},
    ],
)
def test_where_neurons_have_steps_of_their_own(named):
    np.testing.assert_allclose(
        run(DenseSynapses, **named()), run(Synapses, **named()), rtol=1e-13
    )


def test_another_clock_gives_other_weights():
    """The control: the comparison sees which clock it is."""
    assert not np.allclose(run(Synapses, dt=0.2 * ms), run(Synapses), rtol=1e-6)
