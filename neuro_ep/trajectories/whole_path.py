"""Trajectories found as a whole: the path on which the discrete action is stationary.

It is a stationary point, not a minimum: Newton's method with damping finds it where
relaxation would not. The Morse index is the number of negative directions; near a
conjugate point one of them is flat and Newton's method fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from neuro_ep.errors import RunError
from neuro_ep.trajectories.action import Course, action_slope, hessian

#: Largest |dA/dQ| of a solution: what is aimed at, and what is accepted.
AIMED, ACCEPTED = 1e-13, 1e-9

ITERATIONS, SMALLEST_STEP = 80, 1e-6

#: Heights of the random arches added to the first guess, one attempt each.
ARCHES = (0.0, 0.3, 0.6, 0.9, 1.2, 0.5, 1.0)


@dataclass(frozen=True)
class Path:
    """A stationary path: Q (K + 1, N), Newton's iterations, largest |dA/dQ| left."""

    q: np.ndarray
    iterations: int
    residual: float


@dataclass(frozen=True)
class Spectrum:
    """Of the action's Hessian: negative eigenvalues, its size, the smallest of all."""

    morse_index: int
    unknowns: int
    flattest: float


def solve(course: Course, beta: float = 0.0, start: np.ndarray | None = None) -> Path:
    """The stationary path next to ``start``, or found from a first guess.

    Raises RunError, naming the condition, where Newton's method does not converge.
    """
    guesses = [start] if start is not None else first_guesses(course)
    left = np.inf
    for guess in guesses:
        path = newton(course, guess, beta)
        if path.residual < ACCEPTED:
            return path
        left = min(left, path.residual)
    duration = course.problem.steps * course.problem.dt
    raise RunError(
        f"{course.condition.name}: Newton's method did not converge from "
        f"{len(guesses)} start(s) at duration {duration:g}, |dA/dQ| {left:.1g} left; "
        "the path may lie near a conjugate point: change the duration"
    )


def first_guesses(course: Course) -> list[np.ndarray]:
    """A line through the positions held, zero where there is none, and arches on it."""
    start, end = (
        course.position[which] if "position" in held else None
        for which, held in enumerate((course.condition.start, course.condition.end))
    )
    zero = np.zeros(course.system.neurons)
    start = (zero if end is None else end) if start is None else start
    end = start if end is None else end
    share = np.linspace(0, 1, course.problem.steps + 1)[:, None]
    line, draw = (1 - share) * start + share * end, np.random.default_rng(0)
    arch = np.sin(np.pi * share)
    return [line + height * arch * draw.normal(size=zero.size) for height in ARCHES]


def newton(course: Course, q: np.ndarray, beta: float) -> Path:
    """Newton's method, the step halved until |dA/dQ| falls."""
    unknown, nodes = course.unknown, course.nodes
    free = q[: nodes.max() + 1].copy()

    def slope_at(free: np.ndarray) -> np.ndarray:
        return action_slope(course, free[nodes], beta).ravel()[course.equations]

    slope = slope_at(free)
    for iteration in range(ITERATIONS):  # noqa: B007 - reported below
        if np.abs(slope).max() < AIMED:
            break
        square = hessian(course, free[nodes], beta)[course.equations][:, unknown]
        direction, size = solved(square, -slope), 1.0
        while size >= SMALLEST_STEP:
            tried = free.copy()
            tried.flat[unknown] += size * direction
            there = slope_at(tried)
            if np.linalg.norm(there) < (1 - 1e-4 * size) * np.linalg.norm(slope):
                break
            size /= 2
        else:
            break  # rounding, or a fold: no step leads down
        free, slope = tried, there
    return Path(free[nodes], iteration, float(np.abs(slope).max()))


def solved(square: scipy.sparse.csc_array, right: np.ndarray) -> np.ndarray:
    """The solution of sparse linear equations; NaN where there is none."""
    try:
        return scipy.sparse.linalg.splu(square.tocsc()).solve(right)
    except RuntimeError:  # exactly singular
        return np.full(right.shape, np.nan)


def spectrum(course: Course, path: Path, beta: float = 0.0) -> Spectrum:
    """Of the action's Hessian over the nodes that are free to move."""
    square = hessian(course, path.q, beta)[course.unknown][:, course.unknown]
    values = scipy.linalg.eigvalsh(square.toarray())
    negative = int((values < 0).sum())
    return Spectrum(negative, len(values), float(np.abs(values).min()))
