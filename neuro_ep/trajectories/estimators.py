"""The estimate that a boundary condition gives, by how its trajectory is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import Problem
from neuro_ep.records.condition import HELD, BoundaryCondition
from neuro_ep.trajectories import action, marching, whole_path
from neuro_ep.trajectories.action import Course
from neuro_ep.trajectories.estimate import Estimate, contrast, two_form
from neuro_ep.trajectories.system import System
from neuro_ep.trajectories.whole_path import Path

#: Central differences of fourth order, over solutions found anew: place and weight.
STENCIL, DIFFERENCE = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12)), 1e-3


def system_of(condition: BoundaryCondition, problem: Problem) -> System:
    """The condition's energy for this problem's network.

    Raises InputError where the problem lacks values of its parameters.
    """
    sizes = len(problem.q), problem.x.shape[1], problem.target.shape[1]
    system = System(condition.energy, *sizes)
    for name, shape in system.shapes.items():
        if name not in problem.theta:
            raise InputError(f"the energy's parameter {name!r} has no value")
        if np.shape(problem.theta[name]) != shape:
            found = np.shape(problem.theta[name])
            raise InputError(f"{name} has shape {found}: the energy asks for {shape}")
    return system


def estimator(
    condition: BoundaryCondition, problem: Problem, held: str = "momentum"
) -> Callable[[tuple[float, float]], Estimate]:
    """Two values of beta -> the estimate of the gradient from their difference.

    held is what an initial value problem, or the free run, holds at its start besides
    the position: "momentum" or "velocity".

    Raises InputError for what is not derived, RunError where Newton's method fails.
    """
    system = system_of(condition, problem)
    march = {"forward": marching.initial_value, "backward": marching.final_value}
    if condition.solved in march:
        run = march[condition.solved]
        return lambda betas: run(system, problem, betas, held)
    course = course_of(condition, problem)
    free = whole_path.solve(course)
    return lambda betas: whole_path_estimate(course, free, betas)


# --- the whole path at once ----------------------------------------------------------


def course_of(condition: BoundaryCondition, problem: Problem) -> Course:
    """The problem with q and p as positions of its two ends, momenta being zero."""
    system, rest = system_of(condition, problem), np.zeros_like(problem.q)
    return Course(system, problem, condition, (problem.q, problem.p), (rest, rest))


def whole_path_estimate(
    course: Course, free: Path, betas: tuple[float, float]
) -> Estimate:
    """From two nudged paths next to the free one; it takes the residual to be zero."""
    paths = [whole_path.solve(course, beta, free.q).q for beta in betas]
    bulk = contrast(stacked([action.readings(course, q) for q in paths]), betas)
    kept = sum(q.size for q in paths) + action.hessian(course, free.q, 0.0).nnz
    nothing = {name: np.zeros_like(value) for name, value in bulk.items()}
    return Estimate(bulk, nothing, kept + 2 * course.system.count)


def stacked(sums: list[Parameters]) -> Parameters:
    """By class, one row each."""
    return {name: np.stack([one[name] for one in sums]) for name in sums[0]}


@dataclass(frozen=True)
class Variation:
    """How paths depend on parameters: the gradient (P,), and (s, p) at both ends.

    start and end hold (N, P) each.
    """

    gradient: np.ndarray
    start: tuple[np.ndarray, np.ndarray]
    end: tuple[np.ndarray, np.ndarray]


def variation(course: Course, free: Path) -> Variation:
    """By central differences over paths that are solved for anew."""
    system, theta = course.system, system_vector(course)
    rows = []
    for k in range(system.count):
        slopes = np.zeros(1)
        for place, weight in STENCIL:
            there = theta.copy()
            there[k] += place * DIFFERENCE
            slopes = slopes + weight / DIFFERENCE * measured(course, free, there)
        rows.append(slopes)
    table = np.array(rows).T
    s_0, p_0, s_T, p_T = np.split(table[1:], 4)
    return Variation(table[0], (s_0, p_0), (s_T, p_T))


def system_vector(course: Course) -> np.ndarray:
    """The parameters of the course as one vector."""
    return course.system.flat(course.problem.theta)


def measured(course: Course, free: Path, theta: np.ndarray) -> np.ndarray:
    """The cost, then s and p at both ends, of the path with these parameters."""
    problem = replace(course.problem, theta=course.system.by_class(theta))
    there = replace(course, problem=problem)
    q = whole_path.solve(there, start=free.q).q
    return np.concatenate([[action.cost(there, q)], *ends(there, q, 0.0)])


def ends(course: Course, q: np.ndarray, beta: float) -> tuple[np.ndarray, ...]:
    """s and p at the start, s and p at the end, (N,) each."""
    p_0, p_T = action.momenta(course, q, beta)
    return q[0], p_0, q[-1], p_T


def residual(
    course: Course, free: Path, betas: tuple[float, float], by_theta: Variation
) -> np.ndarray:
    """R(T) - R(0) (P,), measured from paths beside the free one."""
    paths = [ends(course, whole_path.solve(course, b, free.q).q, b) for b in betas]
    s_0, p_0, s_T, p_T = (
        (one - other) / (betas[0] - betas[1]) for one, other in zip(*paths, strict=True)
    )
    at_end = two_form(by_theta.end, (s_T, p_T))
    return at_end - two_form(by_theta.start, (s_0, p_0))


def with_start_held(course: Course, free: Path) -> Course:
    """The same trajectory as an initial value problem: what nudging must not do.

    Its free path is the same; its estimate without residual is wrong.
    """
    s_0, p_0, *_ = ends(course, free.q, 0.0)
    return replace(
        course,
        condition=replace(course.condition, start=HELD, end=(), joined=False),
        position=(s_0, None),
        momentum=(p_0, 0.0),
    )
