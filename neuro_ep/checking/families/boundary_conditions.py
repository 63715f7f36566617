"""Is it the gradient? A boundary condition's estimate beside the exact gradient.

The reference network of :mod:`neuro_ep.oracle.trajectory`, run with the energy that the
condition names. Truth is that of the same discrete cost: by complex step where a
trajectory is run from its start, else by central differences over paths solved anew.

What is measured (a number, or one a parameter class)
    relative_error, cosine        of the symmetric estimate at the smallest beta
    relative_error_total          over all classes together, and one-sided as
    relative_error_one_sided
    order_in_beta, order_in_beta_one_sided
                                  slope of log error against log beta
    residual_share                |R(T) - R(0)| / |gradient|
    relative_error_momentum_held  of a final value problem whose residual is zero

Wrong on purpose: each has to fail by a margin
    relative_error_without_residual, relative_error_wrong_sign
    relative_error_start_held     the same path, nudged as an initial value problem;
                                  with its residual it is right again:
                                  relative_error_start_held_corrected

Of paths solved as a whole: morse_index (of so many ``unknowns``), flattest eigenvalue,
newton_iterations and newton_residual.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from neuro_ep.checking import broken
from neuro_ep.errors import InputError
from neuro_ep.oracle.compare import cosine, relative_error
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

#: The order in which tables show what was measured.
MEASURED = (
    "relative_error",
    "cosine",
    "relative_error_total",
    "relative_error_one_sided",
    "order_in_beta",
    "order_in_beta_one_sided",
    "residual_share",
    "relative_error_momentum_held",
    "relative_error_without_residual",
    "cosine_without_residual",
    "relative_error_wrong_sign",
    "relative_error_start_held",
    "relative_error_start_held_corrected",
    "morse_index",
    "unknowns",
    "flattest",
    "newton_iterations",
    "newton_residual",
    "stored",
)

#: What is nothing but a gradient that must be wrong.
CONTROLS = (
    "relative_error_without_residual",
    "relative_error_wrong_sign",
    "relative_error_start_held",
)


@dataclass(frozen=True)
class Subject:
    """The exact gradient of a problem, and a condition's estimates of it."""

    truth: Parameters
    estimate: Callable[[tuple[float, float]], Estimate]

    def error(self, gradient: Mapping) -> float:
        """Relative error over all classes together."""
        return relative_error(gradient, self.truth, tuple(self.truth))


def check(
    condition: BoundaryCondition,
    problem: Problem | None = None,
    *,
    duration: float | None = None,
    seed: int | None = None,
) -> dict:
    """Measure a condition against the exact gradient; a flat record, ready for JSON.

    problem
        A network of one's own; else the reference network: 6 neurons for 10 units of
        time where it is run, 3 neurons for 2 units where the whole path is solved.

    Keys: what is measured (see above), ``passed``, ``failed`` (one sentence a broken
    claim), ``bounds``, ``controls`` (which of them are wrong on purpose), and how it
    was measured.

    Raises
    ------
    InputError
        For bad numbers, or an energy that the condition cannot run.
    RunError
        If Newton's method does not converge; it names the condition.
    """
    started = time.monotonic()
    if seed is not None and seed < 0:
        raise InputError(f"seed = {seed}: choose a whole number from 0")
    problem = problem or network(condition, duration, seed)
    measured = measure(condition, problem)
    failed = broken(measured, condition.bounds)
    return {
        "rule": condition.name,
        "passed": not failed,
        "failed": failed,
        **measured,
        "bounds": dict(condition.bounds),
        "controls": [name for name in CONTROLS if name in measured],
        "betas": list(BETAS),
        "neurons": len(problem.q),
        "duration": problem.steps * problem.dt,
        "step": problem.dt,
        "seconds": round(time.monotonic() - started, 2),
    }


def network(
    condition: BoundaryCondition, duration: float | None = None, seed: int | None = None
) -> Problem:
    """The reference network for a condition: see :func:`check`."""
    whole = condition.solved == "whole path"
    if seed is None:
        seed = 1 if whole else 0
    if duration is None:
        duration = 2.0 if whole else 10.0
    if not whole:
        return reference(seed, duration=duration)
    return reference(seed, neurons=3, duration=duration, dt=0.1, signals="periodic")


def measure(condition: BoundaryCondition, problem: Problem) -> dict:
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
) -> Subject:
    """A condition with the truth about a problem; held as for ``estimator``."""
    if condition.solved == "whole path":
        return whole(condition, problem)[0]
    system = estimators.system_of(condition, problem)
    truth = marching.exact_gradient(system, problem, held)
    return Subject(truth, estimators.estimator(condition, problem, held))


def whole(condition: BoundaryCondition, problem: Problem):
    """The subject, with the course, the free path and its variation."""
    course = estimators.course_of(condition, problem)
    free = whole_path.solve(course)
    varied = estimators.variation(course, free)
    estimated = partial(estimators.whole_path_estimate, course, free)
    truth = course.system.by_class(varied.gradient)
    return Subject(truth, estimated), course, free, varied


def of_estimate(found: Subject) -> dict:
    """Errors of the estimate, symmetric and one-sided, and their order in beta."""
    symmetric = [found.estimate((beta, -beta)) for beta in BETAS]
    one_sided = [found.estimate((beta, 0.0)) for beta in BETAS]
    best, truth = symmetric[0].gradient, found.truth
    errors = [found.error(estimate.gradient) for estimate in symmetric]
    errors_one_sided = [found.error(estimate.gradient) for estimate in one_sided]
    return {
        "relative_error": {n: relative_error(best, truth, (n,)) for n in truth},
        "cosine": {n: cosine(best, truth, (n,)) for n in truth},
        "relative_error_total": errors[0],
        "relative_error_one_sided": errors_one_sided[0],
        "order_in_beta": slope(errors),
        "order_in_beta_one_sided": slope(errors_one_sided),
        "stored": symmetric[0].stored,
    }


def of_residual(found: Subject) -> dict:
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
    found: Subject, course: Course, free: Path, varied: Variation
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

    def error(found: np.ndarray) -> float:
        gap = np.linalg.norm(found - varied.gradient)
        return float(gap / np.linalg.norm(varied.gradient))

    return {
        "relative_error_start_held": error(vector),
        "relative_error_start_held_corrected": error(corrected),
    }


def slope(errors) -> float:
    """The exponent p of error = c beta**p, fitted."""
    return float(np.polyfit(np.log(BETAS), np.log(errors), 1)[0])


def size(gradient: Mapping) -> float:
    """The norm over all classes."""
    return float(np.sqrt(sum(np.sum(value**2) for value in gradient.values())))


def table(found: Mapping) -> str:
    """The record of a check as lines of text, one a parameter class or number."""
    facts = ", ".join(f"{name} {found[name]:g}" for name in ("duration", "step"))
    first = f"{found['rule']} on {found['neurons']} neurons: {facts}"
    lines = [f"{first}, beta {found['betas'][0]:g}, {found['seconds']} s", ""]
    for name in MEASURED:
        if name not in found:
            continue
        values = found[name] if isinstance(found[name], dict) else {"": found[name]}
        bound = found["bounds"].get(name)
        claimed = f"{bound[0]:g} to {bound[1]:g}" if bound else "not claimed"
        wrong = "   (wrong on purpose)" if name in found["controls"] else ""
        for part, value in values.items():
            lines.append(f"{name:36} {part:4} {value:12.4g}   {claimed}{wrong}")
    verdict = "passed" if found["passed"] else "FAILED"
    return "\n".join([*lines, "", verdict, *found["failed"]])
