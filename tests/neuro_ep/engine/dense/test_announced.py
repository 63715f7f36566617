"""A held source is announced only where nothing but the presentations can set it."""

import pytest
from brian2 import Network, NeuronGroup, get_device, set_device

from neuro_ep.engine.dense import DenseSynapses


@pytest.fixture
def standalone():
    set_device("cpp_standalone", build_on_run=False)
    get_device().reinit()
    get_device().activate(build_on_run=False)
    yield
    get_device().reinit()
    set_device("runtime")


@pytest.mark.parametrize(
    ("code", "announced"), [("", True), ("x_post += 1", False), ("I_pre += 1", True)]
)
def test_events_may_set_a_source(standalone, code, announced):
    source = NeuronGroup(4, "x : 1")
    target = NeuronGroup(3, "I : 1", threshold="I > 1", reset="")
    held = DenseSynapses(source, target, "w : 1\nI_post = w*x_pre : 1 (summed)")
    others = DenseSynapses(target, source, "u : 1", on_pre=code or None)
    network = Network(source, target, held, others)
    assert held in network.objects and held.held is not None
    assert held.announced is announced
