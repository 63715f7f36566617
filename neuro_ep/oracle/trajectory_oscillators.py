"""Oscillators coupled by springs: their runs, and the exact gradient of a cost of them.

As :mod:`neuro_ep.oracle.trajectory`, from which the records and the classes are, with
another energy of a pair:

    U = 1/2 sum k_i q_i**2 + 1/4 sum l_i q_i**4 - sum b_i q_i - sum q_i B_id x_d
        + 1/2 sum_{i<j} w_ij (q_i - q_j)**2

Drift-kick-drift; the cost is read at the kicks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import (
    CLASSES,
    Problem,
    Run,
    complex_step,
    coupling_matrix,
    running_cost,
)


def force(theta: Mapping, springs, q, x) -> np.ndarray:
    """-dU/dq (..., N); springs (..., N, N) symmetric, x (..., D)."""
    stretched = (springs * (q[..., None, :] - q[..., :, None])).sum(-1)
    driven = (theta["B"] @ x[..., None])[..., 0]
    return stretched + driven + theta["b"] - theta["k"] * q - theta["l"] * q**3


def run(problem: Problem) -> Run:
    """The free run, with every leading axis that parameters and start state have.

    Raises InputError for costs that are not read at the kicks, and for friction.
    """
    if problem.cost != "kick" or problem.friction:
        raise InputError(
            f"cost = {problem.cost!r}, friction = {problem.friction}: of oscillators "
            "the cost is read at the kicks, and there is no friction"
        )
    theta, dt, q, p = problem.theta, problem.dt, problem.q, problem.p
    springs, kicks = coupling_matrix(theta["w"], q.shape[-1]), []
    for x in problem.x:
        middle = q + dt / 2 * p / theta["m"]
        p = p + dt * force(theta, springs, middle, x)
        q = middle + dt / 2 * p / theta["m"]
        kicks.append(middle)
    passed = np.stack(np.broadcast_arrays(*kicks))
    return Run(q, p, running_cost(problem, passed), passed)


def exact_gradient(problem: Problem, classes: Sequence[str] = CLASSES) -> Parameters:
    """dC/dtheta of the discrete cost by class, by complex step."""

    def cost(values: Parameters) -> np.ndarray:
        return run(replace(problem, theta={**problem.theta, **values})).cost

    return complex_step(cost, {name: problem.theta[name] for name in classes})
