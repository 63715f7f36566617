"""Trajectories and estimates under every condition, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError, RunError
from neuro_ep.models.echo.neuron import ENERGY
from neuro_ep.models.trajectories.boundary_conditions import (
    CBVP,
    CIVP,
    MIXED,
    NATURAL,
    PERIODIC,
    PFVP,
)
from neuro_ep.oracle import compare, trajectory, trajectory_echo
from neuro_ep.records.condition import BoundaryCondition
from neuro_ep.trajectories import action, estimators, marching, whole_path

PAIR = (1e-4, -1e-4)
WHOLE = (CBVP, MIXED, NATURAL, PERIODIC)


def solution(condition, problem):
    course = estimators.course_of(condition, problem)
    return course, whole_path.solve(course)


# --- step by step --------------------------------------------------------------------


def test_march_is_the_oracles_run(system, network):
    there = marching.travel(system, network, network.q, network.p, range(200))
    known = trajectory.run(network)
    np.testing.assert_allclose(there.q, known.q, atol=1e-13)
    np.testing.assert_allclose(there.p, known.p, atol=1e-13)
    assert there.cost == pytest.approx(known.cost, rel=1e-13)


@pytest.mark.parametrize("held", ["momentum", "velocity"])
def test_exact_gradient_is_the_oracles(system, network, held):
    found = marching.exact_gradient(system, network, held)
    known = trajectory.exact_gradient(network, held=held)
    assert compare.relative_error(found, known) < 1e-12


@pytest.mark.parametrize("held", ["momentum", "velocity"])
def test_sensitivities_are_tangents(system, network, held):
    dq, dp = marching.sensitivities(system, network, held)
    vector, v = system.flat(network.theta), network.p / network.theta["m"]
    along = np.random.default_rng(5).normal(size=system.count)
    ends = []
    for step in (1e-5, -1e-5):
        theta = system.by_class(vector + step * along)
        p = v * theta["m"] if held == "velocity" else network.p
        end = trajectory.run(replace(network, theta=theta, p=p))
        ends.append(np.array([end.q, end.p]))
    slope = (ends[0] - ends[1]) / 2e-5
    found = np.array([dq @ along, dp @ along])
    assert np.linalg.norm(found - slope) < 1e-6 * np.linalg.norm(slope)


def test_echo_collects_what_the_free_run_does(system, network):
    """So that the free run can stand for the echo without nudge."""
    order = range(network.steps)
    there = marching.travel(system, network, network.q, network.p, order)
    back = marching.travel(system, network, there.q, -there.p, reversed(order))
    for name in trajectory.CLASSES:
        np.testing.assert_allclose(
            back.readings[name], there.readings[name], rtol=1e-12, atol=1e-12
        )
    np.testing.assert_allclose(back.q, network.q, atol=1e-12)
    np.testing.assert_allclose(back.p, -network.p, atol=1e-12)


def test_final_value_is_the_echo(network):
    """PFVP and reversibility: Hamiltonian echo learning."""
    found = estimators.estimator(PFVP, network)(PAIR)
    known = trajectory_echo.symmetric(network, PAIR[0])
    assert compare.relative_error(found.gradient, known) < 1e-9
    assert compare.flat(found.residual).any() == 0  # with the momentum held


# --- the whole path ------------------------------------------------------------------


@pytest.mark.parametrize("condition", WHOLE, ids=lambda c: c.name)
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_slope_and_hessian_are_those_of_the_action(small, condition, beta):
    course = estimators.course_of(condition, small(1.0))
    nodes = course.nodes
    free = np.random.default_rng(4).normal(size=(nodes.max() + 1, 3))
    along = np.random.default_rng(5).normal(size=free.shape)

    def value(t):
        return action_of(course, (free + t * along)[nodes], beta)

    def slope(t):
        return action.action_slope(course, (free + t * along)[nodes], beta)

    step = 1e-3
    found = (8 * (value(step) - value(-step)) - value(2 * step) + value(-2 * step)) / (
        12 * step
    )
    assert (slope(0) * along).sum() == pytest.approx(found, rel=1e-8)
    rate = (8 * (slope(step) - slope(-step)) - slope(2 * step) + slope(-2 * step)) / (
        12 * step
    )
    known = action.hessian(course, free[nodes], beta) @ along.ravel()
    np.testing.assert_allclose(known, rate.ravel(), rtol=1e-7, atol=1e-8)


def action_of(course, q, beta):
    """A, written out: sum_n h (m v**2/2 - U - beta c)."""
    problem, h = course.problem, course.problem.dt
    middle, v = (q[1:] + q[:-1]) / 2, np.diff(q, axis=0) / h
    total = 0
    for n in range(problem.steps):
        m = problem.theta["m"]
        energy = trajectory.energy(problem, middle[n], m * v[n], problem.x[n])
        kinetic = (m * v[n] ** 2 / 2).sum()
        miss = middle[n][problem.outputs] - problem.target[n]
        total += h * (kinetic - (energy - kinetic) - beta * (miss**2).sum() / 2)
    return total


def test_parameter_slopes_are_those_of_the_action(small):
    course, free = solution(CBVP, small(1.0))
    found = action.readings(course, free.q)
    for name, value in course.problem.theta.items():
        along = np.random.default_rng(6).normal(size=value.shape)
        ends = []
        for step in (1e-4, -1e-4):
            theta = course.problem.theta | {name: value + step * along}
            there = replace(course, problem=replace(course.problem, theta=theta))
            ends.append(action_of(there, free.q, 0.0))
        slope = -(ends[0] - ends[1]) / 2e-4
        assert (found[name] * along).sum() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("condition", WHOLE, ids=lambda c: c.name)
def test_ends_are_as_held(small, condition):
    course, free = solution(condition, small(2.0))
    s_0, p_0, s_T, p_T = estimators.ends(course, free.q, 0.0)
    if condition.joined:
        np.testing.assert_array_equal(s_0, s_T)
        np.testing.assert_allclose(p_0, p_T, atol=1e-12)
    held = [
        (condition.start, s_0, p_0, course.problem.q),
        (condition.end, s_T, p_T, course.problem.p),
    ]
    for names, position, momentum, known in held:
        if "position" in names:
            np.testing.assert_array_equal(position, known)
        if "momentum" in names:
            np.testing.assert_allclose(momentum, 0, atol=1e-12)


def test_a_path_is_a_trajectory(small):
    """From its own start the path is found again, step after step."""
    course, free = solution(MIXED, small(2.0))
    forward = estimators.with_start_held(course, free)
    guess = np.tile(free.q[0], (len(free.q), 1))
    again = whole_path.solve(forward, start=guess)
    np.testing.assert_allclose(again.q, free.q, atol=1e-10)


@pytest.mark.parametrize(
    ("duration", "negative", "unknowns"),
    [(1.0, 0, 27), (2.0, 1, 57), (3.0, 3, 87), (6.0, 6, 177)],
)
def test_morse_index_of_fixed_ends(small, duration, negative, unknowns):
    course, free = solution(CBVP, small(duration))
    found = whole_path.spectrum(course, free)
    assert (found.morse_index, found.unknowns) == (negative, unknowns)


@pytest.mark.parametrize("duration", [1.5, 4.0])
def test_failure_is_named(small, duration):
    course = estimators.course_of(CBVP, small(duration))
    with pytest.raises(RunError, match="glep-cbvp: Newton's method did not converge"):
        whole_path.solve(course)


# --- refusals ------------------------------------------------------------------------


def record(**choices):
    rest = dict.fromkeys(("summary", "source", "residual", "time", "memory"), "")
    return BoundaryCondition(
        name="new", energy=ENERGY, practical=False, **rest, **choices
    )


def test_conditions_say_how_they_are_solved():
    assert CIVP.solved == "forward" and PFVP.solved == "backward"
    assert {condition.solved for condition in WHOLE} == {"whole path"}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"start": ("velocity",), "end": ("position",)}, "'velocity' cannot be held"),
        ({"start": ("position",)}, "1 things are held"),
        ({"start": ("position",), "end": ("position", "momentum")}, "3 things"),
        ({"joined": True, "start": ("position",)}, "or none where the ends are joined"),
    ],
)
def test_conditions_refused(choices, message):
    with pytest.raises(InputError, match=message):
        record(**choices)


def test_problems_refused(network):
    for wrong in (replace(network, cost="step"), replace(network, friction=0.1)):
        with pytest.raises(InputError, match="cost 'kick' and no friction"):
            estimators.estimator(PFVP, wrong)(PAIR)
    with pytest.raises(InputError, match="choose momentum or velocity"):
        estimators.estimator(CIVP, network, "speed")(PAIR)
    theta = network.theta | {"k": np.ones(5)}
    with pytest.raises(InputError, match=r"k has shape \(5,\)"):
        estimators.estimator(PFVP, replace(network, theta=theta))
    unnamed = replace(PFVP, energy=ENERGY | {"neuron": "kappa*q**2"})
    with pytest.raises(InputError, match="'kappa' has no value"):
        estimators.estimator(unnamed, network)


def test_an_odd_kinetic_energy_is_not_retraced(network):
    odd = replace(PFVP, energy=ENERGY | {"kinetic": "(p - m)**2/2"})
    with pytest.raises(InputError, match="only one even in p"):
        estimators.estimator(odd, network)(PAIR)
