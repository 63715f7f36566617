"""Trajectories that are run step by step: initial values forward, final ones backward.

One step is drift-kick-drift, inputs, targets and the nudge acting at the kick; this is
leapfrog, and it is retraced exactly after a flip of the momenta. Parameters of the
potential are read at the kicks with weight dt, those of the kinetic energy before and
after the kick with weight dt/2: then the limit of small beta is the exact gradient of
the discrete cost, sum_n dt c(q_{n+1/2}, y_n), at every dt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import Problem, complex_step
from neuro_ep.trajectories.estimate import Estimate, contrast, two_form
from neuro_ep.trajectories.system import POTENTIAL, System


@dataclass(frozen=True)
class Arrival:
    """Where a run ends, q and p (..., N); its cost (...); integral of dH/dtheta."""

    q: np.ndarray
    p: np.ndarray
    cost: np.ndarray
    readings: Parameters


def travel(
    system: System, problem: Problem, q, p, order: Iterable[int], beta=0.0
) -> Arrival:
    """Run through the samples in this order; beta is a number or (copies, 1)."""
    theta, dt = problem.theta, problem.dt
    cost = np.zeros(())
    sums: Parameters = {}
    for n in order:
        x, target = problem.x[n], problem.target[n]
        before = system.readings(("kinetic",), theta, p=p)
        q = q + dt / 2 * system.slope(("kinetic",), "p", theta, p=p)
        during = system.readings(POTENTIAL, theta, q=q, x=x)
        cost = cost + dt * system.value(("cost",), theta, q=q, target=target)
        force = -system.slope(POTENTIAL, "q", theta, q=q, x=x)
        nudge = -beta * system.slope(("cost",), "q", theta, q=q, target=target)
        p = p + dt * (force + nudge)
        after = system.readings(("kinetic",), theta, p=p)
        q = q + dt / 2 * system.slope(("kinetic",), "p", theta, p=p)
        for readings, weight in ((before, dt / 2), (during, dt), (after, dt / 2)):
            for name, reading in readings.items():
                sums[name] = sums.get(name, 0) + weight * reading
    return Arrival(q, p, cost, sums)


def initial_value(
    system: System, problem: Problem, betas: tuple[float, float], held: str
) -> Estimate:
    """Two nudged runs from the same start; the residual at the end does not vanish.

    It asks for how the end depends on every parameter: 2 N P numbers, carried along.
    """
    _refuse(problem, held)
    copies, order = np.array(betas)[:, None], range(problem.steps)
    start = problem.q + 0 * copies, problem.p + 0 * copies
    end = travel(system, problem, *start, order, copies)
    ends = contrast({"q": end.q, "p": end.p}, betas)
    tangents = sensitivities(system, problem, held)
    residual = two_form(tangents, (ends["q"], ends["p"]))
    return Estimate(
        contrast(end.readings, betas),
        system.by_class(residual),
        end.q.size + end.p.size + 2 * system.count + sum(t.size for t in tangents),
    )


def final_value(
    system: System, problem: Problem, betas: tuple[float, float], held: str
) -> Estimate:
    """A free run, the momenta flipped, and two nudged runs back from its end.

    The residual at the end is zero; that at the start is local, and zero as well where
    the momentum is held there: (d2L/dv dtheta)^T dq/dbeta with the velocity held.

    Raises InputError for a kinetic energy that is not even in p.
    """
    _refuse(problem, held)
    if not system.is_reversible:
        kinetic = system.parts["kinetic"].expression
        raise InputError(f"kinetic energy {kinetic}: only one even in p is retraced")
    copies, order = np.array(betas)[:, None], range(problem.steps)
    free = travel(system, problem, problem.q, problem.p, order)
    flipped = free.q + 0 * copies, -free.p + 0 * copies
    back = travel(system, problem, *flipped, reversed(order), copies)
    moved = contrast({"q": back.q}, betas)["q"]
    _, p_theta = start_tangents(system, problem, held)
    return Estimate(
        contrast(back.readings, betas),
        system.by_class(moved @ p_theta),
        back.q.size + back.p.size + 2 * system.count,
    )


def sensitivities(system: System, problem: Problem, held: str):
    """How q and p at the end depend on every parameter, (N, P) each."""
    theta, dt = problem.theta, problem.dt
    q, p = problem.q, problem.p
    dq, dp = start_tangents(system, problem, held)
    for x in problem.x:
        q, dq = _drift(system, theta, q, dq, p, dp, dt / 2)
        curved = system.curvature(POTENTIAL, "q", theta, q=q, x=x)
        mixed = system.flat(system.mixed(POTENTIAL, "q", theta, q=q, x=x), leading=1)
        dp = dp - dt * (curved @ dq + mixed)
        p = p - dt * system.slope(POTENTIAL, "q", theta, q=q, x=x)
        q, dq = _drift(system, theta, q, dq, p, dp, dt / 2)
    return dq, dp


def _drift(system: System, theta: Mapping, q, dq, p, dp, dt: float):
    curved = system.curvature(("kinetic",), "p", theta, p=p)
    mixed = system.flat(system.mixed(("kinetic",), "p", theta, p=p), leading=1)
    moved = q + dt * system.slope(("kinetic",), "p", theta, p=p)
    return moved, dq + dt * (curved @ dp + mixed)


def start_tangents(system: System, problem: Problem, held: str):
    """How q and p at the start depend on every parameter, (N, P) each.

    With the velocity held, p = dK/dv depends on the parameters of the kinetic energy.
    """
    none = np.zeros((len(problem.q), system.count))
    if held == "momentum":
        return none, none
    v = system.slope(("kinetic",), "p", problem.theta, p=problem.p)
    mixed = system.mixed(("motion",), "v", problem.theta, v=v)
    return none, system.flat(mixed, leading=1)


def exact_gradient(system: System, problem: Problem, held: str) -> Parameters:
    """dC/dtheta of the discrete cost by complex step, by class."""
    v = system.slope(("kinetic",), "p", problem.theta, p=problem.p)

    def cost(theta: Parameters) -> np.ndarray:
        count = len(next(iter(theta.values())))
        q, p = np.tile(problem.q, (count, 1)), np.tile(problem.p, (count, 1))
        if held == "velocity":
            p = system.slope(("motion",), "v", theta, v=np.tile(v, (count, 1)))
        tilted = replace(problem, theta=theta)
        return travel(system, tilted, q, p, range(problem.steps)).cost

    known = {name: np.asarray(problem.theta[name]) for name in system.shapes}
    return complex_step(cost, known)


def _refuse(problem: Problem, held: str) -> None:
    """Raise InputError for what is not derived here."""
    if held not in ("momentum", "velocity"):
        raise InputError(f"held = {held!r}: choose momentum or velocity")
    if problem.cost != "kick" or problem.friction:
        raise InputError(
            f"cost = {problem.cost!r}, friction = {problem.friction}: boundary "
            "conditions take cost 'kick' and no friction"
        )
