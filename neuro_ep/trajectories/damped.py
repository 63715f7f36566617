"""Linear damped networks that answer symmetrically: the gradient by a second run.

Berneman & Hexner 2025, arXiv 2506.20402; discrete formulas derived here. Masses M and
frictions Gamma are diagonal, the stiffness K is symmetric, and everything starts at
rest:

    M d2x/dt2 + Gamma dx/dt + K x = f(t)                           first run: x
    M d2x/dt2 + Gamma dx/dt + K x = f(t) - beta dc/dx (x(T - t))   second: x + delta

The response of such a network is symmetric (its action is a convolution), so that the
second run keeps its friction and no momentum is flipped. All is linear: any beta does.

    dC/dK_ij   = integral (delta_i(T - t)/beta) x_j(t) dt    one a pair: (i,j) and (j,i)
    dC/dGamma_i, dC/dM_i: the same with the velocity, the acceleration of x_i

Central differences with step dt and x_0 = x_{-1} = 0; the gradient is exact for them:

    M (x_{n+1} - 2 x_n + x_{n-1})/dt**2 + Gamma (x_{n+1} - x_{n-1})/2dt + K x_n = f_n
    C = sum_{n=1}^{K} dt c(x_n, y_n),     c = 1/2 sum over the last n_out of (x - y)**2
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters


@dataclass(frozen=True)
class Damped:
    """A network and what it is shown.

    mass, friction (N,); stiffness (N, N); force (K + 1, N), row n at time n dt; target
    (K + 1, n_out), whose first row is not read.
    """

    mass: np.ndarray
    friction: np.ndarray
    stiffness: np.ndarray
    force: np.ndarray
    target: np.ndarray
    dt: float


def response(network: Damped, force: np.ndarray) -> np.ndarray:
    """x (..., K + 1, N) at times n dt, from rest; parameters may have leading axes."""
    dt, inertia = network.dt, network.mass / network.dt**2
    lost = network.friction / (2 * dt)
    before = now = np.zeros(np.broadcast_shapes(inertia.shape, force[0].shape))
    path = [now]
    for pushed in force[:-1]:
        pulled = (network.stiffness @ now[..., None])[..., 0]
        push = pushed - pulled + 2 * inertia * now - (inertia - lost) * before
        before, now = now, push / (inertia + lost)
        path.append(now)
    return np.stack(path, axis=-2)


def cost(network: Damped, path: np.ndarray) -> np.ndarray:
    """C (...) of a path (..., K + 1, N)."""
    read = path[..., 1:, -network.target.shape[1] :] - network.target[1:]
    return network.dt * (read**2).sum((-2, -1)) / 2


def cost_slope(network: Damped, path: np.ndarray) -> np.ndarray:
    """dc/dx (K + 1, N); nothing is read at time 0."""
    slope, outputs = np.zeros(path.shape), network.target.shape[1]
    slope[1:, -outputs:] = path[1:, -outputs:] - network.target[1:]
    return slope


def gradient(network: Damped, beta: float = 1.0) -> Parameters:
    """dC by class: ``stiffness`` (N, N), ``friction`` and ``mass`` (N,).

    Off the diagonal, stiffness has what one number for both directions of a pair
    collects, at (i, j) and at (j, i).

    Raises InputError for a stiffness that is not symmetric, and for beta = 0.
    """
    if not np.array_equal(network.stiffness, network.stiffness.T):
        raise InputError(
            "the stiffness is not symmetric: only reciprocal networks learn"
        )
    if beta == 0:
        raise InputError("beta = 0: choose any other number")
    path = response(network, network.force)
    nudge = -beta * cost_slope(network, path)[::-1]
    delta = response(network, network.force + nudge) - path
    return paired(network, path, delta[::-1] / beta)


def paired(network: Damped, path: np.ndarray, answer: np.ndarray) -> Parameters:
    """The integrals of the answer, at T - t, with the path and its derivatives.

    Both are (K + 1, N); the path stands still before its start.
    """
    dt, after, now = network.dt, path[1:], path[:-1]
    before = np.concatenate([np.zeros_like(path[:1]), path[:-2]])
    velocity, acceleration = (
        (after - before) / 2 / dt,
        (after - 2 * now + before) / dt**2,
    )
    answer = answer[:-1]
    stiffness = dt * answer.T @ now
    both = stiffness + stiffness.T - np.diag(np.diag(stiffness))
    return {
        "stiffness": both,
        "friction": dt * (answer * velocity).sum(0),
        "mass": dt * (answer * acceleration).sum(0),
    }
