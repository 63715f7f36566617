"""Echoes in numpy: what networks that learn by running backwards should measure.

Recurrent Hamiltonian Echo Learning (Pourcel & Ernoult 2025, arXiv 2506.05259): run
freely, flip the momenta, run again with inputs and targets in reverse while nudged by
-beta dc/dq. With G(beta) = integral of dH/dtheta along the echo, downhill convention,

    one-sided    [G(beta) - G(0)]/beta                 error of order beta
    symmetric    S(beta) = [G(beta) - G(-beta)]/2beta  error of order beta**2
    four-point   [4 S(beta) - S(2 beta)]/3             error of order beta**4

Parameters of U are read at the kicks, with weight dt, masses before and after the kick,
with weight dt/2 each: then the limit is the exact gradient of the discrete cost.

With one friction rate gamma for all neurons (Bosch, Gediz & Tureci 2026; discrete form
derived here) the echo has gain instead, the nudge is exp(gamma tau) times stronger and
readings count exp(-gamma tau), tau since the mirror.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import (
    Problem,
    Run,
    cost_slope,
    coupling_matrix,
    potential_readings,
    potential_slope,
    run,
)


@dataclass(frozen=True)
class Echo:
    """Where an echo ends, q and p as they stand (copies, N), and G by class."""

    q: np.ndarray
    p: np.ndarray
    readings: Parameters


def echo(problem: Problem, betas, free: Run | None = None) -> Echo:
    """One echo, a copy of the network for every beta, from the end of the free run.

    Raises InputError for friction where the cost is not read at the kicks.
    """
    if problem.friction and problem.cost != "kick":
        raise InputError(f"cost = {problem.cost!r}: friction asks for cost 'kick'")
    free, betas = free or run(problem), np.asarray(betas, float)[:, None]
    theta, dt, m = problem.theta, problem.dt, problem.theta["m"]
    couplings = coupling_matrix(theta["w"], problem.q.shape[-1])
    gain = np.exp(problem.friction * dt / 2)
    q = free.q + 0 * betas
    p = -free.p + 0 * betas
    sums: Parameters = {}
    if problem.cost == "end":
        p = p - betas * cost_slope(problem, q, problem.target[-1])
    for n in reversed(range(problem.steps)):
        x, y = problem.x[n], problem.target[n]
        weight = np.exp(-problem.friction * (problem.steps - n - 0.5) * dt)
        if problem.cost == "step":
            p = p - dt * betas * cost_slope(problem, q, y)
        p = gain * p
        _add(sums, {"m": -(p**2) / (2 * m**2)}, weight * dt / 2)
        q = q + dt / 2 * p / m
        _add(sums, potential_readings(q, x), weight * dt)
        p = p - dt * potential_slope(theta, couplings, q, x)
        if problem.cost == "kick":
            p = p - dt / weight * betas * cost_slope(problem, q, y)
        q = q + dt / 2 * p / m
        _add(sums, {"m": -(p**2) / (2 * m**2)}, weight * dt / 2)
        p = gain * p
    return Echo(q, p, sums)


def _add(sums: Parameters, readings: Parameters, weight: float) -> None:
    for name, reading in readings.items():
        sums[name] = sums.get(name, 0) + weight * reading


def symmetric(problem: Problem, beta: float) -> Parameters:
    """[G(beta) - G(-beta)]/2beta by class, and the slopes ``q``, ``p`` of the start.

    dC/dq = -(p(beta) - p(-beta))/2beta and dC/dp = -(q(beta) - q(-beta))/2beta, with p
    as it stands at the end of the echo.
    """
    done = echo(problem, (beta, -beta))
    moved = done.readings | {"q": -done.p, "p": -done.q}
    return {name: (both[0] - both[1]) / (2 * beta) for name, both in moved.items()}


def one_sided(problem: Problem, beta: float) -> Parameters:
    """[G(beta) - G(0)]/beta by class."""
    sums = echo(problem, (beta, 0)).readings
    return {name: (both[0] - both[1]) / beta for name, both in sums.items()}


def four_point(problem: Problem, beta: float) -> Parameters:
    """[4 S(beta) - S(2 beta)]/3 by class, and of the start state."""
    near, far = symmetric(problem, beta), symmetric(problem, 2 * beta)
    return {name: (4 * near[name] - far[name]) / 3 for name in near}


def reversal_error(problem: Problem) -> float:
    """Largest |dq| or |dp| between the start and the end of an echo without nudge."""
    done = echo(problem, (0.0,))
    gaps = np.abs(done.q[0] - problem.q), np.abs(done.p[0] + problem.p)
    return float(np.max(gaps))
