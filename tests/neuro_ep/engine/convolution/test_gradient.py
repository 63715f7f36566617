"""A convolutional network of dyads learns by the gradient of its cost.

Dual propagation (Hoeier et al. 2023, arXiv 2302.01228) at alpha = 1/2: the mean of the
two states goes up, their difference down, through convolution, average pooling and
dense synapses. With an Euler step of one time constant, the network settles in a few
steps to the closed form. The gradient it is compared with is that of a forward pass by
scipy, by central differences.
"""

import numpy as np
import pytest
from brian2 import Clock, Network, NeuronGroup, ms
from scipy.signal import correlate2d

from neuro_ep import BiasSynapses, ConvSynapses, DenseSynapses, PoolSynapses

SHAPE, CHANNELS, KERNEL, REPLICAS, OUTPUTS = (2, 7, 7), 3, 2, 4, 5
HIDDEN, POOLED = (CHANNELS, 6, 6), CHANNELS * 9
SETTLING = 30  # steps

COMPARTMENTS = """
    dm/dt = (I_up + I_bias - m)/tau : 1
    dd/dt = (I_down - d)/tau : 1
    I_up : 1
    I_bias : 1
    I_down : 1
    tau : second (shared, constant)
"""
INPUT = "x : 1\ns = x : 1\nI_down : 1"
DYADS = f"""{COMPARTMENTS}
    s = (tanh(m + d/2) + tanh(m - d/2))/2 : 1
    delta = tanh(m + d/2) - tanh(m - d/2) : 1
"""
LINEAR = f"""{COMPARTMENTS}
    s = m : 1
    delta = d : 1
"""
OUTPUT = f"""{COMPARTMENTS}
    s = m : 1
    delta = beta*(target - m) : 1
    target : 1
    beta : 1 (shared)
"""
TIED = """
    dw/dt = learning*s_pre*delta_post/tau : 1 (clock-driven)
    I_up_post = w*s_pre : 1 (summed)
    I_down_pre = w*delta_post : 1 (summed)
    learning : 1 (shared)
    tau : second (shared, constant)
"""
BIAS = """
    db/dt = learning*delta_post/tau : 1 (clock-driven)
    I_bias_post = b : 1 (summed)
    learning : 1 (shared)
    tau : second (shared, constant)
"""
POOL = """
    I_up_post = s_pre : 1 (summed)
    I_down_pre = delta_post : 1 (summed)
"""
POOL_FEEDBACK_TOO_STRONG = """
    I_up_post = s_pre : 1 (summed)
    I_down_pre = 1.01*delta_post : 1 (summed)
"""


def parameters():
    """Weights, bias, weights of the output; images and their targets."""
    draw = np.random.default_rng(5)
    learned = {
        "w": draw.normal(size=(SHAPE[0] * KERNEL**2, CHANNELS)) / 3,
        "b": 0.1 * draw.normal(size=(1, CHANNELS)),
        "v": draw.normal(size=(POOLED, OUTPUTS)) / np.sqrt(POOLED),
    }
    images = draw.normal(size=(REPLICAS, *SHAPE))
    return learned, images, draw.normal(size=(REPLICAS, OUTPUTS))


def cost(learned, images, targets):
    """Half the squared error, mean over replicas."""
    kernels = learned["w"].T.reshape(CHANNELS, SHAPE[0], KERNEL, KERNEL)
    maps = [
        [
            sum(map(lambda m, k: correlate2d(m, k, "valid"), one, kernel))
            for kernel in kernels
        ]
        for one in images
    ]
    hidden = np.tanh(np.array(maps) + learned["b"].reshape(-1, 1, 1))
    pooled = hidden.reshape(REPLICAS, CHANNELS, 3, 2, 3, 2).mean(axis=(3, 5))
    output = pooled.reshape(REPLICAS, -1) @ learned["v"]
    return 0.5 * np.sum((output - targets) ** 2) / REPLICAS


def gradient(learned, images, targets, step=1e-5):
    found = {}
    for name, values in learned.items():
        found[name] = np.empty_like(values)
        for index in np.ndindex(values.shape):
            both = []
            for sign in (1, -1):
                moved = {other: array.copy() for other, array in learned.items()}
                moved[name][index] += sign * step
                both.append(cost(moved, images, targets))
            found[name][index] = (both[0] - both[1]) / (2 * step)
    return found


def learned_change(beta, pool=POOL):
    """What one step of plasticity of the settled network adds, over -beta."""
    learned, images, targets = parameters()
    clock = Clock(dt=1 * ms)
    sizes = (np.prod(SHAPE), np.prod(HIDDEN), POOLED, OUTPUTS)
    image, hidden, pooled, output = layers = [
        NeuronGroup(REPLICAS * n, text, method="euler", clock=clock)
        for n, text in zip(sizes, (INPUT, DYADS, LINEAR, OUTPUT), strict=True)
    ]
    one = NeuronGroup(REPLICAS, "", clock=clock)
    image.x, output.target, output.beta = images.ravel(), targets.ravel(), beta
    shared = dict(replicas=REPLICAS, clock=clock)
    convolution = ConvSynapses(
        *(image, hidden, TIED), shape=SHAPE, channels=CHANNELS, kernel=KERNEL, **shared
    )
    bias = BiasSynapses(one, hidden, BIAS, channels=CHANNELS, **shared)
    pooling = PoolSynapses(hidden, pooled, pool, shape=HIDDEN, **shared)
    dense = DenseSynapses(pooled, output, TIED, **shared)
    plastic = {"w": (convolution, "w"), "b": (bias, "b"), "v": (dense, "w")}
    for name, (synapses, variable) in plastic.items():
        setattr(synapses, variable, learned[name])
    for group in [*layers[1:], convolution, bias, dense]:
        group.tau = 1 * ms
    network = Network(*layers, one, convolution, bias, pooling, dense)
    network.run(SETTLING * ms)
    for synapses, _ in plastic.values():
        synapses.learning = 1
    network.run(1 * ms)
    return {
        name: (np.asarray(getattr(synapses, variable)) - learned[name]) / -beta
        for name, (synapses, variable) in plastic.items()
    }


def errors(found):
    truth = gradient(*parameters())
    return {
        name: np.linalg.norm(found[name] - truth[name]) / np.linalg.norm(truth[name])
        for name in truth
    }


@pytest.mark.usefixtures("on_numpy")
def test_second_order_in_beta():
    coarse, fine = (errors(learned_change(beta)) for beta in (0.2, 0.1))
    for name in ("w", "b", "v"):
        assert fine[name] < 1e-3, fine
        assert np.log2(coarse[name] / fine[name]) == pytest.approx(2, abs=0.05)


@pytest.mark.usefixtures("on_numpy")
def test_feedback_slightly_too_strong_is_noticed():
    wrong = errors(learned_change(0.05, POOL_FEEDBACK_TOO_STRONG))
    right = errors(learned_change(0.05))
    assert wrong["w"] > 5 * right["w"] and wrong["b"] > 5 * right["b"]
    assert min(wrong["w"], wrong["b"]) > 5e-3
