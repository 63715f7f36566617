"""Chains of networks in time: the exact gradient, and echoes one after the other.

A chain is a tuple of problems of :mod:`.trajectory` from the bottom up. Every one but
the first is given, at the kicks, the positions of all neurons of the one below; what
its ``x`` holds is put there by :func:`driven`. The cost is that of the last.

Sequential echoes (Pourcel & Ernoult 2025, arXiv 2506.05259): the last network echoes
alone, with copies nudged by +beta and -beta. What it leaves along its echo,

    slope_n = -B' (q_plus - q_minus)/(2 beta)

is the slope of the cost with respect to the positions below it at kick n, and nudges
the network below, as -beta dc/dq does the last; and so on down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import (
    CLASSES,
    Problem,
    complex_step,
    cost_slope,
    coupling_matrix,
    draw,
    potential_readings,
    potential_slope,
    reference,
    run,
)

Chain = tuple[Problem, ...]

#: Standard deviation of the start of the upper layers.
START = 0.4


def reference_chain(seed: int, neurons: tuple[int, ...], **known) -> Chain:
    """The reference network, and others above it, with so many neurons each.

    known is what :func:`neuro_ep.oracle.trajectory.reference` takes. Inputs from below
    are weighted so that the drive is as strong as that of two inputs.
    """
    first = reference(seed, neurons=neurons[0], **known)
    chain, rng = [first], np.random.default_rng([seed, 1])
    for below, size in zip(neurons, neurons[1:], strict=False):
        theta, q, p = draw(rng, size, inputs=below, start=START)
        theta["B"] = theta["B"] * np.sqrt(2 / below)
        chain.append(replace(first, theta=theta, q=q, p=p))
    return driven(tuple(chain))


def driven(chain: Chain) -> Chain:
    """The same, every network given the positions of the one below."""
    done = list(chain[:1])
    for problem in chain[1:]:
        done.append(replace(problem, x=run(done[-1]).kicks))
    return tuple(done)


def exact_gradient(chain: Chain) -> tuple[Parameters, ...]:
    """dC/dtheta of every network, by complex step through all of them."""

    def cost(values):
        changed = [
            replace(problem, theta={c: values[f"{number} {c}"] for c in CLASSES})
            for number, problem in enumerate(chain)
        ]
        return run(driven(tuple(changed))[-1]).cost

    values = {
        f"{number} {c}": problem.theta[c]
        for number, problem in enumerate(chain)
        for c in CLASSES
    }
    found = complex_step(cost, values)
    return tuple({c: found[f"{n} {c}"] for c in CLASSES} for n in range(len(chain)))


# --- one after the other -------------------------------------------------------------


@dataclass(frozen=True)
class Parted:
    """[G(beta) - G(-beta)]/2beta by class; kicks: q of both copies, (K, 2, N)."""

    gradient: Parameters
    kicks: np.ndarray


def sequential(chain: Chain, beta: float) -> tuple[Parameters, ...]:
    """The gradients of every network from echoes of one network after the other.

    Raises InputError where the cost is not read at the kicks.
    """
    if chain[-1].cost != "kick":
        raise InputError(f"cost = {chain[-1].cost!r}: one after another echo with kick")
    found, told = [], None
    for problem in reversed(chain):
        parted = echo(problem, beta, told)
        found.append(parted.gradient)
        parting = (parted.kicks[:, 0] - parted.kicks[:, 1]) / (2 * beta)
        told = -parting @ problem.theta["B"]
    return tuple(reversed(found))


def echo(problem: Problem, beta: float, told: np.ndarray | None = None) -> Parted:
    """Two copies that echo, nudged by slopes they are told (K, N), or the cost's."""
    free, theta, dt, m = run(problem), problem.theta, problem.dt, problem.theta["m"]
    couplings = coupling_matrix(theta["w"], problem.q.shape[-1])
    signs = np.array([[beta], [-beta]])
    q, p = free.q + 0 * signs, -free.p + 0 * signs
    kicks = np.empty((problem.steps, *q.shape))
    sums: dict[str, np.ndarray] = {"m": np.zeros_like(p)}
    for n in reversed(range(problem.steps)):
        sums["m"] = sums["m"] - p**2 / (2 * m**2) * dt / 2
        q = q + dt / 2 * p / m
        kicks[n] = q
        for name, reading in potential_readings(q, problem.x[n]).items():
            sums[name] = sums.get(name, 0) + dt * reading
        aim = cost_slope(problem, q, problem.target[n]) if told is None else told[n]
        force = potential_slope(theta, couplings, q, problem.x[n])
        p = p - dt * (force + signs * aim)
        q = q + dt / 2 * p / m
        sums["m"] = sums["m"] - p**2 / (2 * m**2) * dt / 2
    gradient = {c: (both[0] - both[1]) / (2 * beta) for c, both in sums.items()}
    return Parted(gradient, kicks)
