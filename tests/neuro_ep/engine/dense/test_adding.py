"""Several dense synapses that deliver to one variable, each at its place in a step."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, ms, mV, prefs, set_device

from neuro_ep import DenseSynapses
from neuro_ep.errors import InputError

SOURCE = "x : 1"
TARGET = "dv/dt = (I - v)/(10*ms) : volt\nI : volt"
MODEL = "w : volt\nI_post = w*x_pre : volt (summed)"


@pytest.fixture(params=["numpy", "cython"], autouse=True)
def target(request):
    before = prefs.codegen.target
    set_device("runtime")
    prefs.codegen.target = request.param
    yield
    prefs.codegen.target = before


def groups():
    source = NeuronGroup(6, SOURCE, name="source")
    other = NeuronGroup(4, SOURCE, name="other")
    target = NeuronGroup(10, TARGET, method="euler", name="target")
    source.x, other.x = np.arange(6) / 7 + 0.1, np.arange(4) / 3 - 0.4
    return source, other, target


def joined(source, target, name, **keywords):
    synapses = DenseSynapses(source, target, MODEL, replicas=2, name=name, **keywords)
    shape = (synapses.N_pre, synapses.N_post)
    draw = np.random.default_rng(len(name))
    synapses.w = draw.normal(size=shape) * mV
    return synapses


def delivered(**keywords):
    source, other, target = groups()
    first = joined(source, target, "first")
    second = joined(other, target, "second", **keywords)
    Network(source, other, target, first, second).run(0.1 * ms)
    drives = [
        np.asarray(group.x).reshape(2, -1) @ np.asarray(synapses.w[:, :])
        for group, synapses in ((source, first), (other, second))
    ]
    return np.asarray(target.I).reshape(2, -1), drives


def test_the_later_one_adds():
    found, (first, second) = delivered(adds=["I_post"], sum_order={"I_post": -0.5})
    np.testing.assert_allclose(found, first + second, rtol=1e-12)


def test_its_place_in_the_step_decides():
    """Before the one that sets the variable, an addition is overwritten."""
    found, (first, _) = delivered(adds=["I_post"], sum_order={"I_post": -1.5})
    np.testing.assert_allclose(found, first, rtol=1e-12)


def test_two_that_set_one_variable_are_refused():
    with pytest.raises(Exception) as caught:
        delivered()
    cause = caught.value.__cause__ or caught.value
    assert isinstance(cause, InputError)
    assert "adds=" in str(cause)


@pytest.mark.parametrize("keywords", [{"adds": ["w"]}, {"sum_order": {"I": 3}}])
def test_what_is_no_sum_is_refused(keywords):
    source, _, target = groups()
    with pytest.raises(InputError, match="is not a summed variable"):
        joined(source, target, "first", **keywords)
