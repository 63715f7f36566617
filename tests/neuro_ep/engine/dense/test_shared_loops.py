"""Loops over many neurons are shared by threads; others, and random ones, are not."""

import pytest
from brian2 import Network, NeuronGroup, defaultclock, get_device, prefs, set_device

from neuro_ep.engine.dense.shared_loops import (
    LARGE,
    SharedLoopsCodeObject,
    neuron_code_object_class,
)

SHARED = "neuro_ep::together"


@pytest.fixture
def standalone():
    set_device("cpp_standalone", build_on_run=False)
    get_device().reinit()
    get_device().activate(build_on_run=False)
    yield
    get_device().reinit()
    set_device("runtime")
    prefs.codegen.target = "numpy"


def state_update_of(n: int, equations: str) -> str:
    """The C++ of a group's state update."""
    group = NeuronGroup(
        n, equations, method="euler", codeobj_class=neuron_code_object_class()
    )
    network = Network(group)
    network.run(defaultclock.dt, namespace={})
    return str(group.state_updater.codeobj.code.cpp_file)


def test_only_large_groups_are_shared(standalone):
    decay = "dv/dt = -v/(10*ms) : 1"
    assert SHARED in state_update_of(LARGE, decay)
    assert SHARED not in state_update_of(LARGE - 1, decay)


def test_noise_is_drawn_by_one_thread(standalone):
    noisy = "dv/dt = -v/(10*ms) + xi*(10*ms)**-0.5 : 1"
    assert SHARED not in state_update_of(LARGE, noisy)


def test_other_targets_choose_themselves():
    set_device("runtime")
    assert neuron_code_object_class() is None


def test_class_is_known_to_standalone(standalone):
    assert neuron_code_object_class() is SharedLoopsCodeObject
