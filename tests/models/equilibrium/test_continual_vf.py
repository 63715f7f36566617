"""C-VF as it runs: two weights a connection, their angle, and EP in its limit."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from brian2 import StateMonitor

from neuro_ep import recording, tasks
from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.models.equilibrium.continual_vf import CONTINUAL_VF
from neuro_ep.records.settings import Settings, changed
from neuro_ep.training import train as training

pytestmark = pytest.mark.usefixtures("on_numpy")

TWICE = {"learn": [1, 1, 0, 1], "sign": [1, -1, 1, -1]}
BACK = "output_to_hidden.w"


def settings_of(presented, dynamics="continuous", **choices):
    discrete = presented.DISCRETE if dynamics == "discrete" else {}
    return replace(presented.SHORT, **discrete, **choices)


@pytest.mark.parametrize(
    ("dynamics", "nudging", "choices"),
    [
        ("continuous", "one-sided", {}),
        ("continuous", "symmetric", {"layers": (5, 9, 8, 3), "eta": (0.3, 0.2, 0.1)}),
        ("discrete", "random-sign", {}),
        ("discrete", "symmetric", {"layers": (5, 9, 8, 3), "eta": (0.3, 0.2, 0.1)}),
    ],
)
def test_it_moves_as_written(presented, tmp_path, dynamics, nudging, choices):
    settings = settings_of(presented, dynamics, nudging=nudging, **choices)
    shown = presented.case("continual-vf", settings, tied=False, **TWICE)
    found = presented.changes(shown, presented.present(shown, tmp_path))
    expected = presented.changes(shown, presented.replica(shown))
    error = presented.distance(found, expected)
    print(dynamics, nudging, "error", error)
    assert error < 1e-10
    back = {name for name in found if name.endswith(("to_hidden.w", "to_hidden_1.w"))}
    assert len(back) >= 2  # forward from the input, backward from above
    tied = presented.case("continual-vf", settings, **TWICE)
    others = presented.changes(tied, presented.replica(tied))
    assert presented.distance(found, others) > 1e-2


def test_only_the_projection_from_the_input_telescopes(presented, tmp_path):
    """The change of potential times what precedes it, over the whole nudged phase."""
    settings = settings_of(presented)
    shown = presented.case("continual-vf", settings)
    network, simulation = presented.build(shown)
    clock = network["hidden"].clock
    read = {
        name: StateMonitor(network[name], ["v", "rho"], True, when="end", clock=clock)
        for name in ("hidden", "output")
    }
    network.brian2.add(*read.values())
    result = presented.run(shown, simulation, tmp_path)
    found = presented.changes(shown, result)
    free = network.phase_steps()[0]

    def by_replica(values):
        return np.asarray(values).reshape(presented.BATCH, -1)

    def moved(name):
        v = np.asarray(read[name].v) / presented.MILLI
        return by_replica(v[:, sum(network.phase_steps()) - 1] - v[:, free - 1])

    x = shown.samples[shown.order]
    rho = by_replica(read["hidden"].rho[:, free])  # of the settled state
    scale = 1 / settings.beta / presented.BATCH
    inner = settings.eta[0] * scale * x.T @ moved("hidden")
    outer = settings.eta[1] * scale * rho.T @ moved("output")
    names = "input_to_hidden.w", "hidden_to_output.w"
    assert presented.distance(found, {names[0]: inner}) < 1e-10
    assert presented.distance(found, {names[1]: outer}) > 1e-3


# --- the angle between forward and backward weights ---


def initial_angle(angle, rule=CONTINUAL_VF):
    settings = Settings((10, 300, 290, 3), (0.1,), 0.5, free=4, nudged=2, step=0.5)
    settings = changed(settings, weight_angle=angle)
    weights = training.initial_weights(rule, settings, seed=3)
    forward, backward = weights["hidden_1_to_hidden_2"], weights["hidden_2_to_hidden_1"]
    assert forward.size >= 1e4
    np.testing.assert_array_equal(np.abs(backward), np.abs(forward.T))
    cosine = (forward * backward.T).sum() / (forward**2).sum()
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@pytest.mark.parametrize("angle", [0, 22.5, 45, 90, 135, 180])
def test_weights_begin_at_their_angle(angle):
    found = initial_angle(angle)
    print("angle", angle, "found", found)
    assert abs(found - angle) < 1
    other = 180 - angle if angle != 90 else 70
    assert abs(initial_angle(other) - angle) > 10


def test_forward_weights_are_those_of_continual_ep():
    settings = CONTINUAL_EP.settings("digits")
    tied = training.initial_weights(CONTINUAL_EP, settings, seed=5)
    both = training.initial_weights(CONTINUAL_VF, settings, seed=5)
    assert set(both) - set(tied) == {"output_to_hidden"}
    for name, weights in tied.items():
        np.testing.assert_array_equal(weights, both[name])


# --- the limit of slow plasticity (spec of C-VF: tied weights, discrete time) ---


@pytest.mark.parametrize("beta", [0.05, 0.2])
def test_both_directions_together_are_the_contrast_of_ep(presented, tmp_path, beta):
    """dW_forward + dW_backward^T, up to the product of increments: 2 beta."""
    settings = settings_of(presented, "discrete", beta=beta, eta=(1e-6, 1e-6))
    settings = replace(settings, free=300, nudged=12)
    forward = "hidden_to_output.w"
    shown = presented.case("continual-vf", settings)
    found = presented.changes(shown, presented.present(shown, tmp_path))
    contrast = presented.case("ep", settings)
    expected = presented.changes(contrast, presented.present(contrast, tmp_path))

    def error(change):
        size = np.linalg.norm(expected[forward])
        return np.linalg.norm(change - expected[forward]) / size

    print("beta", beta, "error", error(found[forward] + found[BACK].T))
    assert error(found[forward] + found[BACK].T) < 2 * beta
    assert error(found[forward]) > 5 * error(found[forward] + found[BACK].T)
    apart = presented.case("continual-vf", settings, tied=False)
    wrong = presented.changes(apart, presented.present(apart, tmp_path))
    assert error(wrong[forward] + wrong[BACK].T) > 0.2
    inputs = {"input_to_hidden.w": expected["input_to_hidden.w"]}
    assert presented.distance(found, inputs) < 1e-4


# --- training and recording ---


@pytest.fixture(scope="module")
def few():
    digits = tasks.load("digits")
    return replace(digits, train=digits.train[:60], test=digits.test[:20])


def test_backward_weights_are_trained_and_recorded(few, tmp_path):
    settings = CONTINUAL_VF.settings(
        "digits", layers=(64, 8, 6, 10), eta=(0.1,), epochs=2, free=4, nudged=2
    )
    settings = changed(settings, step=1.0, weight_angle=45)
    training.train(
        CONTINUAL_VF,
        few,
        settings,
        out=tmp_path / "run.h5",
        target="numpy",
        on_warning=str,
    )
    with recording.open_recording(tmp_path / "run.h5") as run:
        forward = ["input_to_hidden_1", "hidden_1_to_hidden_2", "hidden_2_to_output"]
        back = ["hidden_2_to_hidden_1", "output_to_hidden_2"]
        biases = ["bias_hidden_1", "bias_hidden_2", "bias_output"]
        assert set(run.weights) == {*forward, *back, *biases}
        for name in back:
            weights = run.weights[name]
            pre, post = name.split("_to_")
            assert (weights.source_pop, weights.target_pop) == (pre, post)
            assert not np.array_equal(weights.initial, weights.final)
            assert "I_feedback_post" in run.equations[name]
        assert run.weights["output_to_hidden_2"].shape == (10, 6)
        assert run.parameters["weight_angle"]["value"] == 45


def test_an_angle_needs_two_weights(few, tmp_path):
    settings = changed(CONTINUAL_EP.settings("digits"), weight_angle=45)
    with pytest.raises(InputError, match="continual-ep does not read weight_angle"):
        training.train(CONTINUAL_EP, few, settings, out=tmp_path / "run.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("angle", [-1, 181, np.nan])
def test_angle_is_refused(presented, angle):
    with pytest.raises(InputError, match="= .*: give a number from 0 to 180"):
        changed(presented.SHORT, weight_angle=angle)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"plastic_every": 2}, "open at every step"),
        ({"plasticity": "product-rule"}, "no plasticity of C-VF"),
        ({"cost": "cross-entropy"}, "no cost of C-VF"),
    ],
)
def test_refused(presented, choice, said):
    with pytest.raises(InputError, match=said):
        CONTINUAL_VF.model(changed(presented.SHORT, **choice))


# --- compiled ---


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which(os.environ.get("CXX", "g++")) and shutil.which("make")),
    reason="needs a C++ compiler and make",
)
@pytest.mark.exhaustive
def test_standalone_agrees(presented, standalone):
    shown = presented.compiled_cases()[1]
    found = presented.changes(shown, np.load(standalone / "result_1.npz"))
    expected = presented.changes(shown, presented.replica(shown))
    assert presented.distance(found, expected) < 1e-10
