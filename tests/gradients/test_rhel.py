"""Echoes compute the gradient of the discrete cost; what is wrong in them is seen."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import prefs

from neuro_ep.checking import check
from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.checking.families import echo
from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.oracle import compare, trajectory, trajectory_echo
from neuro_ep.oracle.trajectory import CLASSES
from neuro_ep.records import moment
from neuro_ep.run.target import on_target, select_target


@pytest.fixture(scope="module")
def measured():
    """What ``neuro-ep check`` measures of the rule."""
    return check(RHEL)


@pytest.fixture
def on_numpy():
    with on_target("numpy"):
        yield


@pytest.fixture
def problem():
    return trajectory.reference(0)


# --- check 1: reversal ---


@pytest.mark.parametrize("dt", [0.2, 0.1, 0.05, 0.025])
def test_reversal_at_every_step_length(on_numpy, dt):
    built = probing.probe(RHEL, trajectory.reference(0, dt=dt))
    assert probing.reversal(built) <= 1e-12


def quiet(duration, dt):
    """A network that is not chaotic, with a constant input."""
    problem = trajectory.reference(0, duration=duration, dt=dt)
    theta = dict(problem.theta, w=0.2 * problem.theta["w"])
    return replace(problem, theta=theta, x=np.tile([0.5, -0.3], (problem.steps, 1)))


def test_reversal_of_a_long_run(on_numpy):
    assert probing.reversal(probing.probe(RHEL, quiet(100.0, 0.1))) <= 1e-9


def test_energy_error_is_bounded_and_of_second_order(on_numpy):
    gaps = []
    for dt in (0.2, 0.1, 0.05):
        problem = trajectory.reference(0, duration=100.0, dt=dt)
        problem = replace(problem, x=np.tile([0.5, -0.3], (problem.steps, 1)))
        state = probing.show(
            probing.probe(RHEL, problem), probing.BETA, nudged=False
        ).state
        run = slice(0, problem.steps)
        energy = trajectory.energy(
            problem, state["q_plus"][run], state["p_plus"][run], problem.x[0]
        )
        start = trajectory.energy(problem, problem.q, problem.p, problem.x[0])
        gaps.append(np.abs(energy - start).max() / abs(start))
    np.testing.assert_allclose(gaps, [2.6e-2, 6.6e-3, 1.7e-3], rtol=0.1)


# --- checks 2, 3, 4, 7, 8, 12, 16 ---


def test_every_claim_of_the_rule_holds(measured):
    for name, (low, high) in RHEL.bounds.items():
        value = measured[name]
        for part in value.values() if isinstance(value, dict) else [value]:
            assert low <= part <= high, name


@pytest.mark.parametrize("cost", ["kick", "end"])
def test_larger_beta(on_numpy, cost):
    problem = trajectory.reference(0, cost=cost)
    estimate = probing.show(probing.probe(RHEL, problem), 1e-3).gradient
    errors = compare.relative_errors(
        estimate, trajectory.exact_gradient(problem), CLASSES
    )
    assert max(errors.values()) <= 1e-3


def test_order_in_beta(measured):
    assert 10 ** measured["order_in_beta_symmetric"] == pytest.approx(100, abs=20)
    assert 10 ** measured["order_in_beta"] == pytest.approx(10, abs=2)


def test_error_does_not_depend_on_dt(measured):
    for name in CLASSES:
        fine = measured["relative_error_fine"][name]
        assert measured["relative_error_coarse"][name] == pytest.approx(fine, rel=0.1)


def test_the_simulated_estimate_is_that_of_the_oracle(on_numpy, problem):
    """Not only close to the gradient: the same number at a large beta."""
    for nudging in ("symmetric", "one-sided"):
        estimate = probing.show(probing.probe(RHEL, problem, nudging), 0.1).gradient
        formula = getattr(trajectory_echo, nudging.replace("-", "_"))
        expected = formula(problem, 0.1)
        assert compare.relative_error(estimate, expected) < 1e-10


# --- check 5: order in dt ---


def test_cost_is_of_second_order_in_dt(on_numpy):
    def cost(dt):
        built = probing.probe(RHEL, trajectory.reference(0, duration=2.0, dt=dt))
        return probing.show(built, probing.BETA, nudged=False).cost

    truth = cost(0.1 / 16)
    gaps = [abs(cost(dt) - truth) for dt in (0.1, 0.05)]
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(2, abs=0.2)


# --- check 6: sign ---


def test_sign_of_beta_does_not_matter(on_numpy, problem):
    built = probing.probe(RHEL, problem)
    up, down = (
        probing.show(built, 1e-2, sign=np.array([sign])).gradient
        for sign in (1.0, -1.0)
    )
    assert compare.relative_error(up, down) < 1e-9


def test_a_step_downhill_lowers_the_cost(on_numpy, problem):
    built = probing.probe(RHEL, problem)
    shown = probing.show(built, probing.BETA)
    rate = 1e-3 / np.linalg.norm(compare.flat(shown.gradient))
    theta = {c: problem.theta[c] - rate * shown.gradient[c] for c in CLASSES}
    lower = trajectory.run(replace(problem, theta=theta)).cost
    assert lower < shown.cost
    expected = 1e-3 * np.linalg.norm(compare.flat(shown.gradient))
    assert shown.cost - lower == pytest.approx(expected, rel=0.05)


# --- check 8: the guard of symmetry ---


def test_directed_weights_are_refused(on_numpy, problem):
    built = probing.probe(RHEL, problem)
    with pytest.raises(InputError, match="one weight, give a symmetric matrix"):
        probing.show(built, probing.BETA, w=echo.directed(problem))


# --- wrong integrators ---

# The whole drift before the kick, in the echo as in the run.
DRIFT_FIRST = """
p_plus  = (1 - 2*mirror)*p_plus
q_minus = (1 - mirror)*q_minus + mirror*q_plus
p_minus = (1 - mirror)*p_minus + mirror*p_plus
q_plus  = q_plus + p_plus/m*dt/tau
q_minus = q_minus + p_minus/m*dt/tau
r_plus  = tanh(q_plus)
r_minus = tanh(q_minus)
"""


def symplectic_euler(settings):
    model = RHEL.model(settings)
    return replace(
        model, output=replace(model.output, regularly={moment.FIRST_HALF: DRIFT_FIRST})
    )


def test_symplectic_euler_in_the_same_order_must_fail(on_numpy, problem):
    """It is symplectic, but its echo is not its reverse."""
    built = probing.probe(replace(RHEL, model=symplectic_euler), problem)
    estimate = probing.show(built, probing.BETA).gradient
    error = compare.relative_error(estimate, trajectory.exact_gradient(problem))
    assert error > 0.05
    assert probing.reversal(built) > 0.05


def test_the_wrong_integrator_differs_in_the_drift_alone():
    settings = probing.settings_for(trajectory.reference(0), "symmetric")
    wrong, right = symplectic_euler(settings), RHEL.model(settings)
    assert right.output.regularly[moment.FIRST_HALF] == hamiltonian.DRIFT
    assert replace(wrong, output=right.output) == right


# --- check 17: targets ---


def test_simulated_states_are_those_of_numpy(on_numpy, problem):
    built, free = probing.probe(RHEL, problem), trajectory.run(problem)
    state = probing.show(built, probing.BETA).state
    end = problem.steps - 1
    assert np.abs(state["q_plus"][end] - free.q).max() <= 1e-13
    assert np.abs(state["p_plus"][end] - free.p).max() <= 1e-13


@pytest.mark.slow
@pytest.mark.exhaustive
def test_compiled_program_agrees(on_numpy, problem):
    expected = probing.show(probing.probe(RHEL, problem), probing.BETA)
    select_target("standalone")
    try:
        found = probing.show(probing.probe(RHEL, problem), probing.BETA)
    finally:
        select_target("numpy")
    assert found.cost == pytest.approx(expected.cost, rel=1e-11)
    errors = compare.relative_errors(found.gradient, expected.gradient)
    assert max(errors.values()) <= 1e-5


def test_float32(measured):
    assert prefs.core.default_float_dtype == np.float64
    assert 1e-6 < measured["float32_error"] <= 1e-3
