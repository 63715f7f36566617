"""Damped networks, simulated: positions and gradient beside numpy's, and what fails."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.checking import check
from neuro_ep.checking.families import damped
from neuro_ep.errors import InputError
from neuro_ep.models.trajectories.damped import DAMPED, NEURON, SYNAPSE
from neuro_ep.oracle.compare import relative_errors
from neuro_ep.records import moment
from neuro_ep.run.target import select_target
from neuro_ep.trajectories import damped as oracle


@pytest.fixture(autouse=True)
def on_the_numpy_target(on_numpy):
    select_target("numpy")


@pytest.fixture(scope="module")
def network():
    """5 units, T = 20, friction 0.05 to 0.6, the last unit being read."""
    return damped.reference(seed=3)


@pytest.fixture(scope="module")
def exact(network):
    """dC by class, by complex step; stiffness as a symmetric matrix."""
    return damped.exact_gradient(network)


@pytest.mark.parametrize("beta", [1.0, 1e-3, -30.0])
def test_gradient_is_exact_at_any_beta(network, exact, beta):
    found, path = damped.gradient(NEURON, SYNAPSE, network, beta)
    assert max(relative_errors(found, exact).values()) < 1e-7
    expected = oracle.response(network, network.force)
    np.testing.assert_allclose(path, expected, atol=1e-12)


def test_check_passes():
    found = check(DAMPED)
    assert found["passed"], found["failed"]
    assert {"stiffness", "friction", "mass"} == set(found["relative_error"])


def test_check_sees_a_wrong_gradient():
    wrong = with_step("past       = recorded(t + dt, i)", "past = x")
    failed = check(replace(DAMPED, neuron=wrong))["failed"]
    assert any("relative_error of stiffness" in sentence for sentence in failed)


@pytest.mark.exhaustive
def test_compiled_target_agrees(network, exact):
    from neuro_ep.engine.dense.codeobjects import python_headers_available

    if not python_headers_available():
        pytest.skip("no Python.h")
    select_target("cython")
    found, _ = damped.gradient(NEURON, SYNAPSE, network)
    assert max(relative_errors(found, exact).values()) < 1e-7


# --- what must fail ---


def with_step(old, new):
    code = NEURON.regularly[moment.SECOND_HALF]
    assert old in code
    return replace(NEURON, regularly={moment.SECOND_HALF: code.replace(old, new)})


def test_targets_and_answers_must_be_turned_in_time(network, exact):
    """The path paired with the answer at the same time, not at T - t."""
    turned = with_step("past       = recorded(t + dt, i)", "past = x")
    found, _ = damped.gradient(turned, SYNAPSE, network)
    assert relative_errors(found, exact)["stiffness"] > 0.1


def test_the_answer_must_not_have_gain(network, exact):
    code = NEURON.regularly[moment.SECOND_HALF].splitlines(keepends=True)
    nudged = next(line for line in code if line.startswith("v_nudged"))
    left, right = nudged.split("/(")
    gain = left.replace("- friction", "+ friction")
    gain += "/(" + right.replace("+ friction", "- friction")
    found, _ = damped.gradient(with_step(nudged, gain), SYNAPSE, network)
    assert relative_errors(found, exact)["stiffness"] > 0.1


def test_networks_that_are_not_reciprocal_are_refused(network):
    skewed = replace(network, stiffness=network.stiffness + np.triu(np.ones(5), 1))
    with pytest.raises(InputError, match="not symmetric"):
        damped.gradient(NEURON, SYNAPSE, skewed)


def test_beta_of_zero_is_refused(network):
    with pytest.raises(InputError, match="beta = 0"):
        damped.gradient(NEURON, SYNAPSE, network, 0)
