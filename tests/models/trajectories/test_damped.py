"""Damped networks, simulated: positions and gradient beside numpy's, and what fails."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.checking.families import damped
from neuro_ep.errors import InputError
from neuro_ep.models.trajectories.damped import NEURON, SYNAPSE
from neuro_ep.oracle.trajectory import complex_step
from neuro_ep.records import moment
from neuro_ep.run.target import select_target
from neuro_ep.trajectories import damped as oracle

UNITS, STEPS, DT = 5, 400, 0.05
PAIRS = np.triu_indices(UNITS)


@pytest.fixture(autouse=True)
def on_the_numpy_target(on_numpy):
    select_target("numpy")


@pytest.fixture(scope="module")
def network():
    """5 units, T = 20, friction 0.05 to 0.6, the last unit being read."""
    draw = np.random.default_rng(3)
    spread = draw.normal(0, 0.5, (UNITS, UNITS))
    times, units = np.arange(STEPS + 1) * DT, np.arange(UNITS)
    force = np.cos((0.4 + 0.2 * units) * times[:, None] - units)
    force[0] = 0
    return oracle.Damped(
        mass=draw.uniform(0.7, 1.5, UNITS),
        friction=np.linspace(0.05, 0.6, UNITS),
        stiffness=spread @ spread.T + np.eye(UNITS),
        force=force,
        target=0.3 * np.sin(0.8 * times)[:, None],
        dt=DT,
    )


@pytest.fixture(scope="module")
def exact(network):
    """dC by class, by complex step; stiffness as a symmetric matrix."""

    def cost(values):
        stiffness = np.zeros((len(values["mass"]), UNITS, UNITS), complex)
        one, other = PAIRS
        stiffness[:, one, other] = stiffness[:, other, one] = values["stiffness"]
        tilted = replace(network, **values | {"stiffness": stiffness})
        return oracle.cost(tilted, oracle.response(tilted, network.force))

    found = complex_step(
        cost,
        {
            "stiffness": network.stiffness[PAIRS],
            "friction": network.friction,
            "mass": network.mass,
        },
    )
    matrix = np.zeros((UNITS, UNITS))
    matrix[PAIRS] = found["stiffness"]
    matrix = matrix + np.triu(matrix, 1).T
    return found | {"stiffness": matrix}


def errors(found, exact):
    return {
        name: np.linalg.norm(found[name] - exact[name]) / np.linalg.norm(exact[name])
        for name in exact
    }


@pytest.mark.parametrize("beta", [1.0, 1e-3, -30.0])
def test_gradient_is_exact_at_any_beta(network, exact, beta):
    found, path = damped.gradient(NEURON, SYNAPSE, network, beta)
    assert max(errors(found, exact).values()) < 1e-7
    expected = oracle.response(network, network.force)
    np.testing.assert_allclose(path, expected, atol=1e-12)


@pytest.mark.exhaustive
def test_compiled_target_agrees(network, exact):
    from neuro_ep.engine.dense.codeobjects import python_headers_available

    if not python_headers_available():
        pytest.skip("no Python.h")
    select_target("cython")
    found, _ = damped.gradient(NEURON, SYNAPSE, network)
    assert max(errors(found, exact).values()) < 1e-7


# --- what must fail ---


def with_step(old, new):
    code = NEURON.regularly[moment.SECOND_HALF]
    assert old in code
    return replace(NEURON, regularly={moment.SECOND_HALF: code.replace(old, new)})


def test_targets_and_answers_must_be_turned_in_time(network, exact):
    """The path paired with the answer at the same time, not at T - t."""
    turned = with_step("past       = recorded(t + dt, i)", "past = x")
    found, _ = damped.gradient(turned, SYNAPSE, network)
    assert errors(found, exact)["stiffness"] > 0.1


def test_the_answer_must_not_have_gain(network, exact):
    code = NEURON.regularly[moment.SECOND_HALF].splitlines(keepends=True)
    nudged = next(line for line in code if line.startswith("v_nudged"))
    left, right = nudged.split("/(")
    gain = left.replace("- friction", "+ friction")
    gain += "/(" + right.replace("+ friction", "- friction")
    found, _ = damped.gradient(with_step(nudged, gain), SYNAPSE, network)
    assert errors(found, exact)["stiffness"] > 0.1


def test_networks_that_are_not_reciprocal_are_refused(network):
    skewed = replace(network, stiffness=network.stiffness + np.triu(np.ones(5), 1))
    with pytest.raises(InputError, match="not symmetric"):
        damped.gradient(NEURON, SYNAPSE, skewed)


def test_beta_of_zero_is_refused(network):
    with pytest.raises(InputError, match="beta = 0"):
        damped.gradient(NEURON, SYNAPSE, network, 0)
