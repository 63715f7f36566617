"""Oscillators in numpy: modes that are known, and slopes by finite differences."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle import trajectory, trajectory_oscillators
from neuro_ep.oracle.trajectory import CLASSES, Problem


def two(start, dt=0.01, steps=500):
    """Two equal masses, tied to walls and to each other, without input."""
    theta = {
        "w": np.array([0.7]),
        **{"k": np.full(2, 1.3), "m": np.full(2, 0.9)},
        **{"l": np.zeros(2), "b": np.zeros(2), "B": np.zeros((2, 1))},
    }
    none = np.zeros((steps, 1))
    return Problem(theta, np.array(start), np.zeros(2), none, none, dt)


@pytest.mark.parametrize(
    ("start", "stiffness"), [((1.0, 1.0), 1.3), ((1.0, -1.0), 1.3 + 2 * 0.7)]
)
def test_normal_modes(start, stiffness):
    """Together they feel the walls alone, against each other twice the spring."""
    problem = two(start)
    found = trajectory_oscillators.run(problem)
    t = (np.arange(problem.steps) + 0.5) * problem.dt
    expected = np.cos(np.sqrt(stiffness / 0.9) * t)[:, None] * np.array(start)
    np.testing.assert_allclose(found.kicks, expected, atol=2e-4)


def test_hardening_and_force_balance():
    """At rest under a force b, k q + l q**3 = b."""
    theta = {"k": 2.0, "l": 0.5, "b": 2.0 * 0.3 + 0.5 * 0.3**3, "B": np.zeros((1, 1))}
    theta = {name: np.atleast_1d(value) for name, value in theta.items()}
    nothing = np.zeros((1, 1)), np.array([0.3]), np.zeros(1)
    assert trajectory_oscillators.force(theta, *nothing) == pytest.approx(0, abs=1e-15)


def test_gradient_beside_finite_differences():
    problem = trajectory.reference(3, neurons=3, duration=4.0)
    problem = replace(problem, theta=dict(problem.theta, w=np.array([0.3, 0.5, 0.2])))
    exact = trajectory_oscillators.exact_gradient(problem)
    for name in CLASSES:
        slope = np.zeros_like(problem.theta[name])
        for place in np.ndindex(slope.shape):
            costs = []
            for shift in (1e-5, -1e-5):
                theta = {k: v.copy() for k, v in problem.theta.items()}
                theta[name][place] += shift
                moved = replace(problem, theta=theta)
                costs.append(trajectory_oscillators.run(moved).cost)
            slope[place] = (costs[0] - costs[1]) / 2e-5
        np.testing.assert_allclose(exact[name], slope, rtol=1e-6, atol=1e-8)


def test_some_classes_only():
    problem = two((1.0, 0.5), steps=5)
    assert set(trajectory_oscillators.exact_gradient(problem, ("w",))) == {"w"}


@pytest.mark.parametrize("choice", [{"cost": "end"}, {"friction": 0.1}])
def test_what_is_refused(choice):
    with pytest.raises(InputError, match="no friction"):
        trajectory_oscillators.run(replace(two((1.0, 1.0)), **choice))
