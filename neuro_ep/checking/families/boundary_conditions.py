"""Is it the gradient? A boundary condition's estimate beside the exact gradient.

The reference network of :mod:`neuro_ep.oracle.trajectory`, run with the energy that the
condition names. Truth is that of the same discrete cost: by complex step where a
trajectory is run from its start, else by central differences over paths solved anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from neuro_ep.checking.family import Asked, Family
from neuro_ep.oracle.compare import (
    cosine,
    cosines,
    order,
    relative_error,
    relative_errors,
    size,
)
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import Problem, reference
from neuro_ep.records.condition import BoundaryCondition
from neuro_ep.trajectories import estimators, marching, whole_path
from neuro_ep.trajectories.action import Course
from neuro_ep.trajectories.estimate import Estimate
from neuro_ep.trajectories.estimators import Variation
from neuro_ep.trajectories.whole_path import Path

#: The first is the one at which errors are reported.
BETAS = (1e-4, 1e-3)


@dataclass(frozen=True)
class Estimated:
    """The exact gradient of a problem, and a condition's estimates of it."""

    truth: Parameters
    estimate: Callable[[tuple[float, float]], Estimate]

    def error(self, gradient: Mapping) -> float:
        """Relative error over all classes together."""
        return relative_error(gradient, self.truth, tuple(self.truth))


def measure(condition: BoundaryCondition, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how) of a condition.

    On a problem of the caller's; else on the reference network: 6 neurons for 10 units
    of time where it is run, 3 neurons for 2 units where the whole path is solved.

    Raises InputError for bad numbers, or an energy that the condition cannot run, and
    RunError if Newton's method does not converge; it names the condition.
    """
    problem = asked.problem or network(condition, asked.duration, asked.seed)
    how: dict = {
        "betas": list(BETAS),
        "neurons": len(problem.q),
        "duration": problem.steps * problem.dt,
        "step": problem.dt,
    }
    if asked.problem is not None:
        how["seed"] = None
    return quantities(condition, problem), how


def network(
    condition: BoundaryCondition, duration: float | None = None, seed: int | None = None
) -> Problem:
    """The reference network for a condition: see :func:`measure`."""
    whole = condition.solved == "whole path"
    if seed is None:
        seed = 1 if whole else 0
    if duration is None:
        duration = 2.0 if whole else 10.0
    if not whole:
        return reference(seed, duration=duration)
    return reference(seed, neurons=3, duration=duration, dt=0.1, signals="periodic")


def quantities(condition: BoundaryCondition, problem: Problem) -> dict:
    """Everything that is measured of a condition, by name."""
    if condition.solved == "whole path":
        return of_whole_path(*whole(condition, problem))
    # A Lagrangian's state is position and velocity: the free run of a final value
    # problem holds that, so that its local residual counts.
    held = "velocity" if condition.solved == "backward" else "momentum"
    found = subject(condition, problem, held)
    measured = of_estimate(found) | of_residual(found)
    if condition.solved == "backward":
        other = subject(condition, problem, "momentum")
        bulk = other.estimate((BETAS[0], -BETAS[0])).bulk
        measured["relative_error_momentum_held"] = other.error(bulk)
    return measured


def subject(
    condition: BoundaryCondition, problem: Problem, held: str = "momentum"
) -> Estimated:
    """A condition with the truth about a problem; held as for ``estimator``."""
    if condition.solved == "whole path":
        return whole(condition, problem)[0]
    system = estimators.system_of(condition, problem)
    truth = marching.exact_gradient(system, problem, held)
    return Estimated(truth, estimators.estimator(condition, problem, held))


def whole(condition: BoundaryCondition, problem: Problem):
    """The subject, with the course, the free path and its variation."""
    course = estimators.course_of(condition, problem)
    free = whole_path.solve(course)
    varied = estimators.variation(course, free)
    estimated = partial(estimators.whole_path_estimate, course, free)
    truth = course.system.by_class(varied.gradient)
    return Estimated(truth, estimated), course, free, varied


def of_estimate(found: Estimated) -> dict:
    """Errors of the estimate, symmetric and one-sided, and their order in beta."""
    symmetric = [found.estimate((beta, -beta)) for beta in BETAS]
    one_sided = [found.estimate((beta, 0.0)) for beta in BETAS]
    best, truth = symmetric[0].gradient, found.truth
    errors = [found.error(estimate.gradient) for estimate in symmetric]
    errors_one_sided = [found.error(estimate.gradient) for estimate in one_sided]
    return {
        "relative_error": relative_errors(best, truth, truth),
        "cosine": cosines(best, truth, truth),
        "relative_error_total": errors[0],
        "relative_error_one_sided": errors_one_sided[0],
        "order_in_beta": order(BETAS, errors),
        "order_in_beta_one_sided": order(BETAS, errors_one_sided),
        "stored": symmetric[0].stored,
    }


def of_residual(found: Estimated) -> dict:
    """What the residual is worth: without it, and with the wrong sign."""
    estimate, truth = found.estimate((BETAS[0], -BETAS[0])), found.truth
    wrong = {n: estimate.bulk[n] + estimate.residual[n] for n in truth}
    return {
        "residual_share": size(estimate.residual) / size(truth),
        "relative_error_without_residual": found.error(estimate.bulk),
        "cosine_without_residual": cosine(estimate.bulk, truth, tuple(truth)),
        "relative_error_wrong_sign": found.error(wrong),
    }


def of_whole_path(
    found: Estimated, course: Course, free: Path, varied: Variation
) -> dict:
    """A path solved as a whole, and the same path with its start held instead."""
    betas = (BETAS[0], -BETAS[0])
    rest = estimators.residual(course, free, betas, varied)
    spectrum = whole_path.spectrum(course, free)
    return {
        **of_estimate(found),
        "residual_share": float(np.linalg.norm(rest)) / size(found.truth),
        **start_held(course, free, betas),
        "morse_index": spectrum.morse_index,
        "unknowns": spectrum.unknowns,
        "flattest": spectrum.flattest,
        "newton_iterations": free.iterations,
        "newton_residual": free.residual,
    }


def start_held(course: Course, free: Path, betas: tuple[float, float]) -> dict:
    """The same path as an initial value problem, without its residual and with it."""
    forward = estimators.with_start_held(course, free)
    varied = estimators.variation(forward, free)
    bulk = estimators.whole_path_estimate(forward, free, betas).bulk
    vector = course.system.flat(bulk)
    corrected = vector - estimators.residual(forward, free, betas, varied)

    return {
        "relative_error_start_held": relative_error(vector, varied.gradient),
        "relative_error_start_held_corrected": relative_error(
            corrected, varied.gradient
        ),
    }


#: What is measured of every condition.
QUANTITIES = {
    "relative_error": "of the symmetric estimate at the smallest beta, by class",
    "cosine": "of that estimate and the exact gradient, by class",
    "relative_error_total": "the same error, all classes together",
    "relative_error_one_sided": "of the one-sided estimate, all classes together",
    "order_in_beta": "slope of log error against log beta",
    "order_in_beta_one_sided": "the same slope of the one-sided estimate",
    "residual_share": "|R(T) - R(0)| over |gradient|",
}

STORED = {"stored": "numbers that the estimate keeps at once"}

RUN = Family(
    "boundary conditions, run",
    QUANTITIES
    | {
        "relative_error_momentum_held": "of a final value problem without residual",
        "relative_error_without_residual": "of the estimate without its residual",
        "cosine_without_residual": "of the estimate without its residual",
        "relative_error_wrong_sign": "of the estimate with its residual added",
    }
    | STORED,
    0,
    {},
    measure,
    reads=("seed", "duration", "problem"),
    controls=("relative_error_without_residual", "relative_error_wrong_sign"),
)

WHOLE_PATH = Family(
    "boundary conditions, whole path",
    QUANTITIES
    | {
        "relative_error_start_held": "the same path, nudged as an initial value "
        "problem, without its residual",
        "relative_error_start_held_corrected": "the same with its residual",
        "morse_index": "directions in which the path is a maximum, of so many unknowns",
        "unknowns": "numbers that describe a path",
        "flattest": "smallest eigenvalue of the Hessian by size",
        "newton_iterations": "iterations of Newton's method for the free path",
        "newton_residual": "what they leave",
    }
    | STORED,
    1,
    {},
    measure,
    reads=("seed", "duration", "problem"),
    controls=("relative_error_start_held",),
)
