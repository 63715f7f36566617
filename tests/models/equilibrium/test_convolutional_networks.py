"""Networks of maps: the rules on convolutions, beside finite differences of the loss.

The oracle here is scipy's correlation and central differences; it shares nothing with
the synapses that are tested.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import correlate

from neuro_ep.build.network import build_network
from neuro_ep.checking.presented import present
from neuro_ep.errors import InputError
from neuro_ep.models.dyads import dual_propagation
from neuro_ep.models.dyads.dual_propagation import DUAL_PROPAGATION
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.models.equilibrium.continual_vf import CONTINUAL_VF
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

BATCH, LABELS = 2, np.array([0, 2])
DYADS = Settings(
    layers=(16, 32, 8, 3),
    image=(1, 4, 4),
    filters=("2c3p1", "a2", "all"),
    eta=(1.0,),
    beta=1e-3,
    free=0,
    nudged=1,
    step=1,
    batch=BATCH,
    nudging="one-sided",
    activation="tanh",
    dynamics="discrete",
)
EP = Settings(
    layers=(16, 8, 3),
    image=(1, 4, 4),
    filters=("2c3s2p1", "all"),
    eta=(1e-8,),
    beta=1e-3,
    free=60,
    nudged=60,
    step=0.2,
    batch=BATCH,
    nudging="symmetric",
    activation="tanh",
)


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(0).random((BATCH, 16))


def update(rule, settings, weights, inputs, target="numpy"):
    select_target(target)
    simulation = device.simulation(build_network(rule, settings))
    known = {name: value * 1e-3 for name, value in weights.items()}
    found = present(simulation, known, inputs, LABELS, eta=settings.eta[0])
    return {name: change * 1e3 for name, change in found.update.items()}


def drawn(shapes, scale):
    draw = np.random.default_rng(1)
    return {name: scale * draw.normal(size=shape) for name, shape in shapes.items()}


def convolved(image, kernels, stride):
    """(n, n) and (9, channels) to (channels, rows, columns), with padding of 1."""
    padded = np.pad(image, 1)
    maps = [correlate(padded, k.reshape(3, 3), "valid") for k in kernels.T]
    return np.stack(maps)[:, ::stride, ::stride]


def descent(loss, weights):
    """Minus the gradient of a loss of the weights, by central differences."""
    slopes = {name: np.zeros_like(value) for name, value in weights.items()}
    for name, value in weights.items():
        for index in np.ndindex(value.shape):
            both = []
            for step in (1e-6, -1e-6):
                moved = value.copy()
                moved[index] += step
                both.append(loss({**weights, name: moved}))
            slopes[name][index] = -(both[0] - both[1]) / 2e-6
    return slopes


def relative(found, truth):
    gap = [(found[name] - truth[name]).ravel() for name in truth]
    size = [value.ravel() for value in truth.values()]
    return np.linalg.norm(np.concatenate(gap)) / np.linalg.norm(np.concatenate(size))


# --- dyads: a convolution, an average, all to all ------------------------------------


@pytest.fixture(scope="module")
def dyad_weights():
    shapes = {
        "input_to_hidden_1": (9, 2),
        "bias_hidden_1": (1, 2),
        "hidden_2_to_output": (8, 3),
        "bias_output": (1, 3),
    }
    return drawn(shapes, 0.4)


def dyad_loss(inputs):
    def loss(weights):
        total = 0.0
        for image, label in zip(inputs.reshape(-1, 4, 4), LABELS, strict=True):
            drive = convolved(image, weights["input_to_hidden_1"], 1)
            maps = np.tanh(drive + weights["bias_hidden_1"].T[:, :, None])
            pooled = maps.reshape(2, 2, 2, 2, 2).mean(axis=(2, 4)).ravel()
            output = pooled @ weights["hidden_2_to_output"] + weights["bias_output"][0]
            total += 0.5 * ((output - np.eye(3)[label]) ** 2).sum() / BATCH
        return total

    return loss


@pytest.fixture(scope="module")
def dyad_descent(inputs, dyad_weights):
    return descent(dyad_loss(inputs), dyad_weights)


def test_convolutional_dyads_follow_the_gradient(inputs, dyad_weights, dyad_descent):
    found = update(DUAL_PROPAGATION, DYADS, dyad_weights, inputs)
    assert relative(found, dyad_descent) < 1e-6


def test_a_flipped_kernel_does_not(inputs, dyad_weights, dyad_descent):
    """The control: the network sees through its kernels turned by 180 degrees."""
    flipped = dyad_weights["input_to_hidden_1"][::-1]
    wrong = {**dyad_weights, "input_to_hidden_1": flipped}
    found = update(DUAL_PROPAGATION, DYADS, wrong, inputs)
    assert relative(found, dyad_descent) > 0.05


def test_a_stronger_average_does_not(inputs, dyad_weights, dyad_descent, monkeypatch):
    """The control: averages that are 1 % too large, up and down."""
    larger = dual_propagation.POOL.replace("v_unit*s_", "1.01*v_unit*s_")
    monkeypatch.setattr(dual_propagation, "POOL", larger)
    found = update(DUAL_PROPAGATION, DYADS, dyad_weights, inputs)
    assert relative(found, dyad_descent) > 1e-3


@pytest.mark.exhaustive
@pytest.mark.parametrize("target", ["standalone", "cython"])
def test_compiled_targets_agree(inputs, dyad_weights, dyad_descent, target):
    found = update(DUAL_PROPAGATION, DYADS, dyad_weights, inputs, target)
    select_target("numpy")
    same = update(DUAL_PROPAGATION, DYADS, dyad_weights, inputs)
    assert relative(found, same) < 1e-9


# --- continual EP: a convolution with a stride, all to all ---------------------------


@pytest.fixture(scope="module")
def ep_weights():
    shapes = {
        "input_to_hidden": (9, 2),
        "bias_hidden": (1, 2),
        "hidden_to_output": (8, 3),
        "bias_output": (1, 3),
    }
    return drawn(shapes, 0.25)


def ep_loss(inputs):
    """The cost where dv/dt = -v + rho'(v) I vanishes, by iteration."""

    def loss(weights):
        total, w = 0.0, weights["hidden_to_output"]
        for image, label in zip(inputs.reshape(-1, 4, 4), LABELS, strict=True):
            drive = convolved(image, weights["input_to_hidden"], 2)
            below = (drive + weights["bias_hidden"].T[:, :, None]).ravel()
            hidden, output = np.zeros(8), np.zeros(3)
            for _ in range(400):
                slope = 1 - np.tanh(hidden) ** 2
                total_in = below + w @ np.tanh(output)
                last = np.tanh(hidden) @ w + weights["bias_output"][0]
                hidden = 0.5 * (hidden + slope * total_in)
                output = 0.5 * (output + (1 - np.tanh(output) ** 2) * last)
            total += 0.5 * ((output - np.eye(3)[label]) ** 2).sum() / BATCH
        return total

    return loss


def test_convolutional_continual_ep_follows_the_gradient(inputs, ep_weights):
    found = update(CONTINUAL_EP, EP, ep_weights, inputs)
    assert relative(found, descent(ep_loss(inputs), ep_weights)) < 1e-4


def test_a_large_nudge_does_not(inputs, ep_weights):
    """The control: nudging to one side that is not small."""
    wrong = changed(EP, beta=1.0, nudging="one-sided", eta=(1e-3,))
    found = update(CONTINUAL_EP, wrong, ep_weights, inputs)
    assert relative(found, descent(ep_loss(inputs), ep_weights)) > 0.02


# --- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"filters": ("2c3p1", "a2")}, "3 projections"),
        ({"filters": ("2k3", "a2", "all")}, "'2k3' is none"),
        ({"filters": ("all", "a2", "all")}, "layer 1 has none"),
        ({"filters": ("2c9", "a2", "all")}, "larger than the maps"),
        ({"layers": (16, 32, 9, 3)}, "give it 8 units"),
        ({"image": (4, 4)}, "channels, height and width"),
    ],
)
def test_filters_that_do_not_fit_are_refused(choices, message):
    with pytest.raises(InputError, match=message):
        changed(DYADS, **choices)


def test_rules_without_averages_or_with_backward_weights_refuse():
    pooled = replace(EP, layers=(16, 4, 3), filters=("a2", "all"))
    with pytest.raises(InputError, match="convolution with a stride"):
        build_network(CONTINUAL_EP, pooled)
    with pytest.raises(InputError, match="backward weights"):
        build_network(CONTINUAL_VF, replace(EP, nudging="one-sided"))
