"""Synapses that share weights as objects: shapes, values, monitors, what adds."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, defaultclock, ms, mV

import neuro_ep
from neuro_ep.engine.convolution import BiasSynapses, ConvSynapses, PoolSynapses

NEURONS = "x : 1\nI : volt\nJ : volt"
FORWARD = "w : volt\nI_post = w*x_pre : volt (summed)"
SHAPE, CHANNELS, KERNEL = (2, 4, 5), 3, (3, 2)
N_PRE, N_POST, REPLICAS = 40, 3 * 2 * 4, 2

pytestmark = pytest.mark.usefixtures("on_numpy")


def groups():
    pre, post = (NeuronGroup(REPLICAS * n, NEURONS) for n in (N_PRE, N_POST))
    pre.x = np.random.default_rng(1).normal(size=len(pre))
    return pre, post


def convolution(pre, post, model=FORWARD, **keywords):
    keywords = dict(shape=SHAPE, channels=CHANNELS, kernel=KERNEL) | keywords
    return ConvSynapses(pre, post, model, replicas=REPLICAS, **keywords)


def test_public_names():
    assert neuro_ep.ConvSynapses is ConvSynapses
    assert neuro_ep.PoolSynapses is PoolSynapses
    assert neuro_ep.BiasSynapses is BiasSynapses


def test_weights_are_a_matrix_with_a_column_a_kernel():
    synapses = convolution(*groups())
    assert synapses.w.shape == (12, 3) and len(synapses) == synapses.N == 36
    values = np.arange(36.0).reshape(12, 3)
    synapses.w = values * mV
    assert synapses.w[5, 2] == values[5, 2] * mV
    synapses.w[5, 2] = 7 * mV
    synapses.w[:, 0] = np.ones(12) * mV
    values[5, 2], values[:, 0] = 7, 1
    np.testing.assert_array_equal(np.asarray(synapses.w), values * 1e-3)


def test_initial_value_as_text():
    synapses = convolution(*groups())
    assert synapses.N_incoming == 12
    synapses.w = "(10*i + j)*mV/N_incoming"
    expected = (10 * np.arange(12)[:, None] + np.arange(3)) / 12
    np.testing.assert_allclose(np.asarray(synapses.w) * 1e3, expected)


def test_one_channel_responds_to_one_kernel():
    """A kernel that is one at its second row, first column, of the second map."""
    pre, post = groups()
    synapses = convolution(pre, post)
    synapses.w[1 * 6 + 1 * 2 + 0, 1] = 1 * mV
    Network(pre, post, synapses).run(defaultclock.dt)
    found = (np.asarray(post.I) * 1e3).reshape(REPLICAS, 3, 2, 4)
    image = np.asarray(pre.x).reshape(REPLICAS, *SHAPE)
    np.testing.assert_allclose(found[:, 1], image[:, 1, 1:3, 0:4])
    assert not found[:, [0, 2]].any()


def test_monitor_and_run_regularly():
    pre, post = groups()
    model = f"dw/dt = 2*mV/ms : volt (clock-driven)\n{FORWARD.splitlines()[1]}"
    synapses = convolution(pre, post, model)
    synapses.run_regularly("w = clip(w, 0*mV, 0.3*mV)", when="end")
    monitor = StateMonitor(synapses, "w", record=synapses[:2, 1])
    Network(pre, post, synapses, monitor).run(0.4 * ms)
    history = np.tile([0, 0.2, 0.3, 0.3], (2, 1))
    np.testing.assert_allclose(np.asarray(monitor.w) * 1e3, history)


def test_later_synapses_add_to_what_is_there(runtime_target):
    pre, post = groups()
    post.x = np.linspace(-1, 1, len(post))
    one = NeuronGroup(REPLICAS, "")
    first = convolution(pre, post)
    second = convolution(pre, post, adds=["I_post"], sum_order={"I_post": -0.5})
    biases = BiasSynapses(
        one,
        post,
        "b : volt\nI_post = b*x_post : volt (summed)",
        channels=CHANNELS,
        replicas=REPLICAS,
        adds=["I_post"],
        sum_order={"I_post": -0.25},
    )
    both = convolution(pre, NeuronGroup(len(post), NEURONS))
    first.w, second.w = "(i - 5)*mV", "(j - i*j)*mV"
    both.w = "(i - 5 + j - i*j)*mV"
    biases.b = "(1 + j)*mV"
    every = (pre, post, one, first, second, biases, both, both.target)
    Network(*every).run(2 * defaultclock.dt)
    bias = np.tile(np.repeat([1, 2, 3], 8), REPLICAS) * np.asarray(post.x)
    expected = np.asarray(both.target.I) * 1e3 + bias
    np.testing.assert_allclose(np.asarray(post.I) * 1e3, expected, atol=1e-12)


def test_transpose_adds_to_what_is_there(runtime_target):
    pre, post = groups()
    post.x = np.linspace(-1, 1, len(post))
    back = "w : volt\nI_pre = w*x_post : volt (summed)"
    first = convolution(pre, post, back)
    second = convolution(pre, post, back, adds=["I_pre"], sum_order={"I_pre": -0.5})
    both = convolution(NeuronGroup(len(pre), NEURONS), post, back)
    first.w, second.w, both.w = "(i - 5)*mV", "(j - i*j)*mV", "(i - 5 + j - i*j)*mV"
    every = (pre, post, first, second, both, both.source)
    Network(*every).run(2 * defaultclock.dt)
    expected = np.asarray(both.source.I)
    assert np.abs(expected).max() > 1e-4
    np.testing.assert_allclose(np.asarray(pre.I), expected, atol=1e-15)


def test_convolution_then_pooling_keeps_the_mean():
    pre, post = groups()
    pooled = NeuronGroup(REPLICAS * 6, NEURONS)
    pool = PoolSynapses(
        *(post, pooled, "I_post = mV*x_pre : volt (summed)"),
        shape=(3, 2, 4),
        window=2,
        replicas=REPLICAS,
    )
    post.x = np.arange(len(post))
    Network(post, pooled, pool).run(defaultclock.dt)
    found = (np.asarray(pooled.I) * 1e3).reshape(REPLICAS, 3, 1, 2)
    image = np.asarray(post.x).reshape(REPLICAS, 3, 1, 2, 2, 2)
    np.testing.assert_allclose(found, image.mean(axis=(3, 5)))
