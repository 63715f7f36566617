"""Networks in time: a reference network, its discrete cost and the exact gradient.

The Hamiltonian network of Pourcel & Ernoult 2025, arXiv 2506.05259, written out once
more in numpy and in full, so that what is simulated or derived elsewhere has something
independent to agree with:

    H(q, p) = sum_i p_i**2/(2 m_i) + U(q),      r_i = tanh(q_i)
    U = sum_i [ k_i q_i**2/2 + l_i q_i**4/4 - b_i q_i ]
        + sum_{i<j} w_ij r_i r_j - sum_{i,d} B_id q_i x_d

One step of length dt is drift-kick-drift: half a drift, a kick by the force at the
middle, half a drift. Inputs act at the kicks, t = (n + 1/2) dt. The cost is

    "kick"   sum_n dt c(q_{n+1/2}, y_n),  y at (n + 1/2) dt      second order in dt
    "step"   sum_n dt c(q_{n+1}, y_n),    y at (n + 1) dt        first order in dt
    "end"    c(q_K, y_{K-1}),             y at (n + 1) dt
    c(q, y) = 1/2 sum over the last n_out neurons of (q - y)**2

The gradient is that of the discrete cost, by complex step (Squire & Trapp 1998): every
direction in one run, along a leading axis.

Parameters are a dict by class: ``w`` (pairs,) with i < j row by row, one number a pair;
``k``, ``l``, ``b``, ``m`` (N,); ``B`` (N, D). Every array may have leading axes more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters

#: Parameter classes in the order in which they are drawn.
CLASSES = ("w", "k", "l", "b", "B", "m")

COSTS = ("kick", "step", "end")

#: Of the complex step: its square is lost in float64 beside 1.
TILT = 1e-30

INPUTS = 2


@dataclass(frozen=True)
class Problem:
    """A network, where it starts, and what it is shown.

    theta by class, see above; q, p (N,) at the start; x (K, D) and target (K, n_out),
    one row a step; friction, a rate common to all neurons, is lost at both ends of a
    step. Raises InputError for bad costs, steps and lengths.
    """

    theta: Mapping[str, np.ndarray]
    q: np.ndarray
    p: np.ndarray
    x: np.ndarray
    target: np.ndarray
    dt: float
    cost: str = "kick"
    friction: float = 0.0

    def __post_init__(self):
        if self.cost not in COSTS:
            raise InputError(f"cost = {self.cost!r}: choose from {', '.join(COSTS)}")
        if len(self.x) != len(self.target):
            raise InputError(
                f"{len(self.x)} inputs and {len(self.target)} targets: one each a step"
            )
        if not 0 < self.dt < np.inf:
            raise InputError(f"dt = {self.dt}: choose a number above 0")

    @property
    def steps(self) -> int:
        return len(self.x)

    @property
    def outputs(self) -> slice:
        """The neurons that the cost reads: the last ones."""
        return slice(self.q.shape[-1] - self.target.shape[-1], None)


@dataclass(frozen=True)
class Run:
    """The end, q and p (..., N); the cost (...); kicks: q at the kicks (K, ..., N)."""

    q: np.ndarray
    p: np.ndarray
    cost: np.ndarray
    kicks: np.ndarray


# --- the reference network -----------------------------------------------------------


def reference(
    seed: int = 0,
    *,
    neurons: int = 6,
    duration: float = 10.0,
    dt: float = 0.05,
    cost: str = "kick",
    signals: str = "wandering",
    friction: float = 0.0,
) -> Problem:
    """The reference network with parameters drawn from a seed.

    signals
        "wandering", two inputs without a common period and two outputs, or "periodic",
        two inputs and one output, all with the period of the run.

    Raises InputError for a duration that is no whole number of steps.
    """
    steps = round(duration / dt)
    if steps < 1 or abs(steps * dt - duration) > 1e-9 * duration:
        raise InputError(f"duration = {duration}: choose a multiple of dt = {dt}")
    theta, q, p = draw(np.random.default_rng(seed), neurons)
    kicks = (np.arange(steps) + 0.5) * dt
    read = kicks if cost == "kick" else kicks + dt / 2
    x, target = sampled(signals, kicks, read, duration)
    return Problem(theta, q, p, x, target, dt, cost, friction)


def draw(
    rng: np.random.Generator, neurons: int, inputs: int = INPUTS, start: float = 0.5
) -> tuple[Parameters, np.ndarray, np.ndarray]:
    """Parameters by class, then q and p (neurons,) of this standard deviation."""
    theta = {
        "w": rng.normal(0, 0.6, neurons * (neurons - 1) // 2),
        "k": rng.uniform(0.6, 1.6, neurons),
        "l": rng.uniform(0.1, 0.4, neurons),
        "b": rng.normal(0, 0.3, neurons),
        "B": rng.normal(0, 0.8, (neurons, inputs)),
        "m": rng.uniform(0.7, 1.5, neurons),
    }
    return theta, rng.normal(0, start, neurons), rng.normal(0, start, neurons)


def sampled(signals: str, kicks, read, period: float):
    """Inputs (K, 2) at the kicks and targets (K, n_out) where the cost reads them."""
    if signals == "wandering":
        x = [
            np.sin(1.3 * kicks) + 0.4 * np.cos(2.9 * kicks + 1),
            np.cos(0.7 * kicks) * np.sin(2.1 * kicks),
        ]
        target = [0.5 * np.sin(0.9 * read), 0.4 * np.cos(1.4 * read)]
    elif signals == "periodic":
        turn = 2 * np.pi / period
        x = [
            np.sin(turn * kicks) + 0.4 * np.cos(2 * turn * kicks + 1),
            0.7 * np.cos(turn * kicks),
        ]
        target = [0.5 * np.sin(turn * read + 0.3)]
    else:
        raise InputError(f"signals = {signals!r}: choose wandering or periodic")
    return np.stack(x, axis=1), np.stack(target, axis=1)


# --- its physics ---------------------------------------------------------------------


def coupling_matrix(w: np.ndarray, neurons: int) -> np.ndarray:
    """(..., pairs) -> (..., N, N), symmetric with zero diagonal."""
    one, other = np.triu_indices(neurons, 1)
    matrix = np.zeros((*w.shape[:-1], neurons, neurons), w.dtype)
    matrix[..., one, other] = matrix[..., other, one] = w
    return matrix


def potential_slope(theta: Mapping, couplings, q, x) -> np.ndarray:
    """dU/dq (..., N); couplings (..., N, N), x (..., D)."""
    r = np.tanh(q)
    coupled = (couplings @ r[..., None])[..., 0]
    driven = (theta["B"] @ x[..., None])[..., 0]
    own = theta["k"] * q + theta["l"] * q * q * q - theta["b"]
    return own + (1 - r * r) * coupled - driven


def potential_readings(q, x) -> Parameters:
    """dU/dtheta by class at positions (..., N) and inputs (D,)."""
    one, other = np.triu_indices(q.shape[-1], 1)
    r = np.tanh(q)
    return {
        "w": r[..., one] * r[..., other],
        "k": q**2 / 2,
        "l": q**4 / 4,
        "b": -q,
        "B": -q[..., :, None] * x,
    }


def energy(problem: Problem, q, p, x) -> np.ndarray:
    """H (...) at positions and momenta (..., N) and an input (D,)."""
    theta, readings = problem.theta, potential_readings(q, x)
    kinetic = (p**2 / (2 * theta["m"])).sum(-1)
    linear = sum(
        (theta[name] * readings[name]).sum(-1) for name in ("w", "k", "l", "b")
    )
    return kinetic + linear + (theta["B"] * readings["B"]).sum((-2, -1))


def cost_slope(problem: Problem, q, y) -> np.ndarray:
    """dc/dq (..., N)."""
    slope = np.zeros(q.shape, q.dtype)
    slope[..., problem.outputs] = q[..., problem.outputs] - y
    return slope


def run(problem: Problem) -> Run:
    """The free run, with every leading axis that parameters and start state have.

    Raises InputError where a parameter class is missing.
    """
    if missing := set(CLASSES) - set(problem.theta):
        raise InputError(f"theta has no {', '.join(sorted(missing))}")
    theta, dt, m = problem.theta, problem.dt, problem.theta["m"]
    couplings = coupling_matrix(theta["w"], problem.q.shape[-1])
    lost = np.exp(-problem.friction * dt / 2)
    q, p, kicks, steps = problem.q, problem.p, [], []
    for x in problem.x:
        p = lost * p
        middle = q + dt / 2 * p / m
        p = p - dt * potential_slope(theta, couplings, middle, x)
        q = middle + dt / 2 * p / m
        p = lost * p
        kicks.append(middle)
        steps.append(q)
    read = {"kick": kicks, "step": steps, "end": steps[-1:]}[problem.cost]
    return Run(q, p, running_cost(problem, np.stack(read)), np.stack(kicks))


def running_cost(problem: Problem, read) -> np.ndarray:
    """C (...) of the positions (reads, ..., N) that the cost reads."""
    weight = 1.0 if problem.cost == "end" else problem.dt
    y = problem.target[-len(read) :]
    y = y.reshape(len(read), *(1,) * (read.ndim - 2), -1)
    return weight * ((read[..., problem.outputs] - y) ** 2).sum((0, -1)) / 2


# --- the exact gradient --------------------------------------------------------------


def exact_gradient(problem: Problem, *, held: str = "momentum") -> Parameters:
    """dC/dtheta by class, and dC/dq, dC/dp of the start state as ``q`` and ``p``.

    held
        What stays at the start when a mass changes: "momentum", or "velocity", with
        which p = m v moves with m.
    """
    if held not in ("momentum", "velocity"):
        raise InputError(f"held = {held!r}: choose momentum or velocity")

    def cost(values: Parameters) -> np.ndarray:
        p = values["p"]
        if held == "velocity":
            p = p * values["m"] / problem.theta["m"]
        return run(replace(problem, theta=values, q=values["q"], p=p)).cost

    values = {name: problem.theta[name] for name in CLASSES}
    return complex_step(cost, values | {"q": problem.q, "p": problem.p})


def complex_step(function, values: Mapping[str, np.ndarray]) -> Parameters:
    """The gradient of a function of named arrays, every direction in one call.

    function is given the arrays with one leading axis more, and returns (directions,).
    """
    total, done, tilted = sum(value.size for value in values.values()), 0, {}
    for name, value in values.items():
        tilt = np.zeros((total, value.size), complex)
        tilt[done + np.arange(value.size), np.arange(value.size)] = TILT * 1j
        tilted[name] = value + tilt.reshape(total, *value.shape)
        done += value.size
    slopes = np.split(
        function(tilted).imag / TILT,
        np.cumsum([value.size for value in values.values()])[:-1],
    )
    return {
        name: slope.reshape(value.shape)
        for (name, value), slope in zip(values.items(), slopes, strict=True)
    }
