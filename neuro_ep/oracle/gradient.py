"""The gradient of the loss at the free fixed point, in three ways.

Implicit (Scellier & Bengio 2017), with F(s*, theta) = 0, or H = d2E/ds2 at s*:

    dL/dtheta = -(dF/dtheta)^T (dF/ds)^{-T} dl/ds = -(d2E/dtheta ds) H^{-1} dl/ds

By backpropagation through time of the Euler map s -> s + dt F(s) (Ernoult et al. 2020,
the terms of Theorem 1), and in continuous time by the adjoint -expm(-H t) dl/ds.

l is the cost of one sample, 1/2 |read-out - target|^2 or the cross-entropy, without
beta; L is its mean over the batch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuro_ep.errors import RunError
from neuro_ep.oracle.energy import energy_theta, energy_theta_along, hessian
from neuro_ep.oracle.field import (
    Clamp,
    Field,
    Parameters,
    evaluate,
    linearise,
    velocity,
)

#: Largest |ds/dt| of a fixed point, in units of v_unit/tau.
SETTLED = 1e-13

#: A rate at which states have left the range where the physics means anything.
RUNAWAY = 1e6

RELAX_STEP, RELAX_STEPS, NEWTON_FROM, NEWTON_STEPS = 0.2, 5_000, 1e-3, 20


def fixed_point(field: Field, theta: Parameters, clamp: Clamp, start=None):
    """Where the neurons settle from ``start`` (their onset): states (batch, N).

    Relaxation finds the basin, Newton's method the point.

    Raises
    ------
    RunError
        If the network does not settle.
    """
    states = field.onset(len(clamp.x)) if start is None else start
    states = _relaxed(field, theta, states, clamp)
    for _ in range(NEWTON_STEPS):
        rate = velocity(field, theta, states, clamp)
        if np.abs(rate).max() < SETTLED:
            return states
        if not np.abs(rate).max() < 2 * NEWTON_FROM:
            break
        there = linearise(field, theta, states, clamp)
        states = states - np.array(
            [np.linalg.solve(there.jacobian(b), rate[b]) for b in range(len(rate))]
        )
    raise RunError(
        "the network does not settle to a fixed point: max |ds/dt| is "
        f"{np.abs(rate).max():.1e} after relaxation and Newton's method"
    )


def _relaxed(field: Field, theta: Parameters, states, clamp: Clamp):
    """Nearly settled, or as far as the network goes; what runs away is stopped."""
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(RELAX_STEPS):
            rate = velocity(field, theta, states, clamp)
            if not NEWTON_FROM < np.abs(rate).max() < RUNAWAY:
                break
            states = states + RELAX_STEP * rate
    return states


def loss(field: Field, states: np.ndarray, clamp: Clamp) -> float:
    """The cost of the model, summed over outputs, mean over the batch.

    One half of the squared error, or the cross-entropy of the softmax.
    """
    read = _prediction(field, states, clamp)
    if field.cost == "cross-entropy":
        costs = -(clamp.target * np.log(_softmax(read))).sum(axis=1)
    else:
        costs = ((read - clamp.target) ** 2).sum(axis=1) / 2
    return float(costs.mean())


def loss_slope(field: Field, states: np.ndarray, clamp: Clamp) -> np.ndarray:
    """dl/ds of every sample, (batch, N), without the 1/batch of the mean."""
    last = len(field.sizes) - 1
    read = _prediction(field, states, clamp)
    read = _softmax(read) if field.cost == "cross-entropy" else read
    slope = evaluate(field, clamp, field.split(states), last, field.read_out.slope)
    full = np.zeros_like(states)
    full[:, -field.sizes[-1] :] = (read - clamp.target) * slope
    return full


def _softmax(read: np.ndarray) -> np.ndarray:
    shifted = np.exp(read - read.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _prediction(field: Field, states, clamp: Clamp):
    last = len(field.sizes) - 1
    return evaluate(field, clamp, field.split(states), last, field.read_out.value)


def implicit_gradient(field: Field, theta: Parameters, states, clamp: Clamp):
    """dL/dtheta by parameter class at a free fixed point, from the vector field."""
    there = linearise(field, theta, states, clamp)
    slope = loss_slope(field, states, clamp)
    adjoint = np.array(
        [np.linalg.solve(there.jacobian(b).T, slope[b]) for b in range(len(slope))]
    )
    return {name: -value for name, value in there.theta_vjp(adjoint).items()}


def energy_gradient(field: Field, theta: Parameters, states, clamp: Clamp):
    """dL/dtheta by parameter class at a free fixed point, from the energy."""
    slope = loss_slope(field, states, clamp)
    along = np.array(
        [
            np.linalg.solve(hessian(field, theta, states, clamp, b), slope[b])
            for b in range(len(slope))
        ]
    )
    found = energy_theta_along(field, states, clamp, along)
    return {name: -value for name, value in found.items()}


def contrast(field: Field, free, nudged, clamp: Clamp, beta: float) -> Parameters:
    """-(dE/dtheta(nudged) - dE/dtheta(free))/beta: the update of EP for eta = 1."""
    before = energy_theta(field, free, clamp)
    after = energy_theta(field, nudged, clamp)
    return {name: (before[name] - after[name]) / beta for name in before}


def nudged(clamp: Clamp, beta: float) -> Clamp:
    """The same samples with the output nudged."""
    return replace(clamp, nudged=1.0, beta=beta)


# --- step by step ---


def euler(field: Field, theta: Parameters, states, clamp: Clamp, dt: float, steps: int):
    """The trajectory of the Euler map, (steps + 1, batch, N), beginning at states."""
    trajectory = [states]
    for _ in range(steps):
        rate = velocity(field, theta, trajectory[-1], clamp)
        trajectory.append(trajectory[-1] + dt * rate)
    return np.array(trajectory)


def bptt(field: Field, theta: Parameters, trajectory, clamp: Clamp, dt, steps: int):
    """Backpropagation through the last ``steps`` steps of a free Euler trajectory.

    Returns nabla_s (steps + 1, batch, N), the derivative of a sample's loss by its
    state t steps before the end, and nabla_theta by parameter class, (steps + 1,
    n_pre, n_post), by the copy of the parameters that acts there, mean over the batch:

        nabla_s(0) = dl/ds,  nabla_s(t) = (1 + dt dF/ds)^T nabla_s(t - 1)
        nabla_theta(0) = 0,  nabla_theta(t) = dt (dF/dtheta)^T nabla_s(t - 1)
    """
    nabla_s = [loss_slope(field, trajectory[-1], clamp)]
    zero = {edge.name: np.zeros(edge.shape) for edge in field.learned}
    nabla_theta = [zero]
    for t in range(1, steps + 1):
        there = linearise(field, theta, trajectory[-1 - t], clamp)
        terms = there.theta_vjp(nabla_s[-1])
        nabla_theta.append({name: dt * term for name, term in terms.items()})
        nabla_s.append(nabla_s[-1] + dt * there.vjp(nabla_s[-1]))
    by_class = {name: np.array([term[name] for term in nabla_theta]) for name in zero}
    return np.array(nabla_s), by_class


def adjoint(field: Field, theta: Parameters, states, clamp: Clamp, times):
    """-expm(-H t) dl/ds at a free fixed point, (times, batch, N); times in tau.

    By the eigenvectors of H = d2E/ds2, which is symmetric.
    """
    slope = loss_slope(field, states, clamp)
    curves = []
    for sample, start in enumerate(slope):
        rates, modes = np.linalg.eigh(hessian(field, theta, states, clamp, sample))
        decay = np.exp(-np.multiply.outer(np.asarray(times, dtype=float), rates))
        curves.append(-(decay * (modes.T @ start)) @ modes.T)
    return np.stack(curves, axis=1)


def slowest_rate(field: Field, theta: Parameters, states, clamp: Clamp) -> float:
    """The smallest rate, in 1/tau, at which the network returns to a fixed point."""
    there = linearise(field, theta, states, clamp)
    rates = []
    for sample in range(len(states)):
        jacobian = there.jacobian(sample)
        symmetric = np.abs(jacobian - jacobian.T).max() < 1e-10
        modes = np.linalg.eigvalsh if symmetric else np.linalg.eigvals
        rates.append(-modes(jacobian).real.max())
    return float(min(rates))
