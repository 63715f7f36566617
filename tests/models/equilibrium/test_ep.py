"""EP as it runs: the contrast of settled states, and continual EP in its limit."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from brian2 import StateMonitor

from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.ep import EQUILIBRIUM_PROPAGATION
from neuro_ep.records.settings import changed

pytestmark = pytest.mark.usefixtures("on_numpy")

TWICE = {"learn": [1, 1, 0, 1], "sign": [1, -1, 1, -1]}


def settings_of(presented, dynamics="continuous", **choices):
    discrete = presented.DISCRETE if dynamics == "discrete" else {}
    return replace(presented.SHORT, **discrete, **choices)


def update(presented, folder, rule, settings, **options):
    """What every learned variable gains in one presentation."""
    shown = presented.case(rule, settings, **options)
    return presented.changes(shown, presented.present(shown, folder))


# --- the contrast ---


@pytest.mark.parametrize(
    ("dynamics", "nudging", "choices"),
    [
        ("continuous", "one-sided", {}),
        ("continuous", "symmetric", {"activation": "tanh"}),
        ("continuous", "random-sign", {"layers": (5, 9, 8, 3), "eta": (0.3, 0.2, 0.1)}),
        ("continuous", "symmetric", {"cost": "cross-entropy"}),
        ("discrete", "one-sided", {}),
        ("discrete", "symmetric", {"activation": "tanh"}),
        ("discrete", "random-sign", {"cost": "cross-entropy"}),
    ],
)
def test_update_is_the_contrast(presented, tmp_path, dynamics, nudging, choices):
    settings = settings_of(presented, dynamics, nudging=nudging, **choices)
    shown = presented.case("ep", settings, **TWICE)
    found = presented.changes(shown, presented.present(shown, tmp_path))
    expected = presented.changes(shown, presented.replica(shown))
    error = presented.distance(found, expected)
    print(dynamics, nudging, choices, "error", error)
    assert error < 1e-10
    others = {"beta": 0.41, "free": 10, "nudged": 4, "nudging": "symmetric"}
    if nudging == "symmetric":
        others["nudging"] = "one-sided"
    if "activation" not in choices:  # the softmax of small outputs is nearly linear
        others["cost"] = "squared-error" if "cost" in choices else "cross-entropy"
    for name, value in others.items():  # the second implementation sees each of them
        other = shown._replace(settings=replace(settings, **{name: value}))
        wrong = presented.changes(shown, presented.replica(other))
        assert presented.distance(found, wrong) > 1e-5, name


@pytest.mark.parametrize("nudging", ["one-sided", "symmetric"])
def test_weights_change_in_the_last_step_only(presented, tmp_path, nudging):
    settings = settings_of(presented, nudging=nudging, free=3, nudged=2)
    shown = presented.case("ep", settings, learn=[1, 0, 1])
    network, simulation = presented.build(shown)
    synapses = network["hidden_to_output"]
    clock = network["hidden"].clock
    monitor = StateMonitor(synapses, "w", synapses[:, :], when="end", clock=clock)
    network.brian2.add(monitor)
    presented.run(shown, simulation, tmp_path)
    free, *nudged = network.phase_steps()
    moved = np.abs(np.diff(np.asarray(monitor.w), axis=1)).max(axis=0) > 0
    whole = free + sum(nudged)
    assert np.flatnonzero(moved).tolist() == [whole - 2, 2 * whole + free - 2]


def test_random_sign_is_one_sided_with_its_sign(presented, tmp_path):
    settings = settings_of(presented)
    up = update(presented, tmp_path, "ep", settings, sign=[1])
    signed = replace(settings, nudging="random-sign")
    same = update(presented, tmp_path, "ep", signed, sign=[1])
    other = update(presented, tmp_path, "ep", signed, sign=[-1])
    assert presented.distance(up, same) == 0
    assert presented.distance(up, other) > 1e-3


# --- cost ---


@pytest.mark.parametrize("dynamics", ["continuous", "discrete"])
@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
def test_recorded_cost_is_the_one_that_is_descended(
    presented, tmp_path, dynamics, cost
):
    """The cost of the settled state, from output neurons that are read directly."""
    shown = presented.case("ep", settings_of(presented, dynamics, cost=cost), learn=[0])
    network, simulation = presented.build(shown)
    result = presented.run(shown, simulation, tmp_path)
    read_out = network.model.read_out
    output = network["output"].variables[read_out].get_value()
    unit = 1 if dynamics == "discrete" else presented.MILLI
    output = output.reshape(presented.BATCH, -1) / unit
    target = np.eye(3)[shown.labels]
    logs = np.log(np.exp(output).sum(axis=1, keepdims=True)) - output
    costs = {
        "squared-error": ((output - target) ** 2).sum(axis=1).mean() / 2,
        "cross-entropy": (target * logs).sum(axis=1).mean(),
    }
    # one step further on than the read-out, which has settled to some digits
    found = result[f"{presented.P}cost"][0]
    assert found == pytest.approx(costs.pop(cost), rel=0.02)
    assert abs(found / costs.popitem()[1] - 1) > 0.1


# --- continual EP in the limit of slow plasticity ---


@pytest.mark.parametrize("nudging", ["one-sided", "symmetric"])
@pytest.mark.parametrize("dynamics", ["continuous", "discrete"])
def test_continual_updates_add_up_to_the_contrast(
    presented, tmp_path, dynamics, nudging
):
    """Eta times 1e-5, rescaled; the error is of first order in eta."""

    def updates(scale):
        eta = tuple(scale * rate for rate in presented.SHORT.eta)
        settings = settings_of(presented, dynamics, nudging=nudging, eta=eta)
        for rule in ("ep", "continual-ep"):
            found = update(presented, tmp_path, rule, settings)
            yield {name: value / scale for name, value in found.items()}

    errors = {}
    scales = (1, 1e-1, 1e-2, 1e-5) if nudging == "one-sided" else (1, 1e-5)
    for scale in scales:
        contrast, continual = updates(scale)
        errors[scale] = presented.distance(continual, contrast)
    print(dynamics, nudging, errors)
    assert errors[1e-5] < 1e-4
    assert errors[1] > 1e-3
    if nudging == "one-sided":
        assert errors[1e-1] / errors[1e-2] == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("nudging", ["one-sided", "symmetric"])
@pytest.mark.parametrize("dynamics", ["continuous", "discrete"])
@pytest.mark.exhaustive
def test_plasticity_every_few_steps(presented, tmp_path, dynamics, nudging):
    """It is what the second implementation says, and the same in the slow limit.

    The nudged phase is no multiple of the interval.
    """
    length = 5 if dynamics == "discrete" else 1.25
    every = settings_of(
        presented, dynamics, nudging=nudging, nudged=length, plastic_every=3
    )
    shown = presented.case("continual-ep", every, **TWICE)
    rare = presented.changes(shown, presented.present(shown, tmp_path))
    expected = presented.changes(shown, presented.replica(shown))
    assert presented.distance(rare, expected) < 1e-10
    each = shown._replace(settings=replace(every, plastic_every=1))
    always = presented.changes(each, presented.present(each, tmp_path))
    assert presented.distance(rare, always) > 1e-3
    slow = replace(every, eta=(3e-7, 2e-7))
    rare = update(presented, tmp_path, "continual-ep", slow)
    always = update(presented, tmp_path, "continual-ep", replace(slow, plastic_every=1))
    assert presented.distance(rare, always) < 1e-5


# --- phases that end once they have settled ---


@pytest.mark.parametrize("rule", ["ep", "continual-ep"])
def test_settling_saves_steps_and_changes_little(presented, tmp_path, rule):
    full = settings_of(presented, free=60, nudged=60, nudging="symmetric")
    full = replace(full, eta=(3e-3, 2e-3))

    def shown(tolerance):
        case = presented.case(rule, replace(full, tolerance=tolerance))
        result = presented.present(case, tmp_path)
        return presented.changes(case, result), result[f"{presented.P}taken"][0]

    expected, steps = shown(0)
    settled, taken = shown(1e-7)
    loose, fewest = shown(0.1)
    print(rule, steps, taken, fewest, presented.distance(settled, expected))
    assert steps == 240
    assert 20 < taken < 200 and fewest < taken / 2
    assert presented.distance(settled, expected) < 1e-5
    assert presented.distance(loose, expected) > 1e-2


# --- refusals ---


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"plastic_every": 2}, "once a presentation"),
        ({"plasticity": "product-rule"}, "no plasticity of EP"),
        ({"activation": "tan"}, "did you mean 'tanh'"),
        ({"dynamics": "discret"}, "did you mean 'discrete'"),
        ({"dynamics": "discrete"}, "step of 1 time constant"),
        ({"cost": "crossentropy"}, "did you mean 'cross-entropy'"),
    ],
)
def test_refused(presented, choice, said):
    with pytest.raises(InputError, match=said):
        EQUILIBRIUM_PROPAGATION.model(changed(presented.SHORT, **choice))


# --- compiled ---


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which(os.environ.get("CXX", "g++")) and shutil.which("make")),
    reason="needs a C++ compiler and make",
)
@pytest.mark.exhaustive
def test_standalone_agrees(presented, standalone):
    shown = presented.compiled_cases()[0]
    found = presented.changes(shown, np.load(standalone / "result_0.npz"))
    expected = presented.changes(shown, presented.replica(shown))
    assert presented.distance(found, expected) < 1e-10
