"""Hamiltonian Echo Backpropagation in numpy: parameters move by their own physics.

Lopez-Pastor & Marquardt 2023, PRX 13, 031020, arXiv 2103.04992; derived here for real
parameters.

    H_tot = H(q, p; theta) + pi**2/(2M)       dtheta/dt = pi/M      dpi/dt = -dH/dtheta

w, k, l, b move, B and m stay. An echo: run, flip every momentum, kick the momentum of
the outputs by -beta dc/dq, run with the inputs in reverse, flip back. To first order

    pi     <- pi + beta dC/dtheta           theta <- theta - beta dC/dpi

Decay: theta <- theta + (pi/mu)(1 - exp(-lambda)), pi <- exp(-lambda) pi. The cost is
that of the last position, "end" in :mod:`neuro_ep.oracle.trajectory`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import (
    Problem,
    complex_step,
    cost_slope,
    coupling_matrix,
    potential_readings,
    potential_slope,
    running_cost,
)

MOVING = ("w", "k", "l", "b")


@dataclass(frozen=True)
class JointState:
    """Neurons q, p (..., N); parameters and their momenta by class."""

    q: np.ndarray
    p: np.ndarray
    theta: Parameters
    pi: Parameters

    def flipped(self) -> JointState:
        """With every momentum reversed."""
        return replace(self, p=-self.p, pi={name: -v for name, v in self.pi.items()})


def start(problem: Problem, pi: Parameters | None = None) -> JointState:
    """The start state; pi is zero unless given."""
    theta = {name: problem.theta[name] for name in MOVING}
    rest = {name: np.zeros_like(value) for name, value in theta.items()}
    return JointState(problem.q, problem.p, theta, pi or rest)


def moved(problem: Problem, state: JointState, inverse_mass: float, x) -> JointState:
    """The state after one pass through the inputs x (K, D), drift-kick-drift."""
    dt, m, fixed = problem.dt, problem.theta["m"], problem.theta["B"]
    for sample in x:
        state = _drift(state, m, inverse_mass, dt / 2)
        couplings = coupling_matrix(state.theta["w"], problem.q.shape[-1])
        theta = state.theta | {"B": fixed}
        slope = potential_slope(theta, couplings, state.q, sample)
        readings = potential_readings(state.q, sample)
        pi = {name: state.pi[name] - dt * readings[name] for name in MOVING}
        state = replace(state, p=state.p - dt * slope, pi=pi)
        state = _drift(state, m, inverse_mass, dt / 2)
    return state


def _drift(state: JointState, m, inverse_mass: float, dt: float) -> JointState:
    theta = {
        name: value + dt * inverse_mass * state.pi[name]
        for name, value in state.theta.items()
    }
    return replace(state, q=state.q + dt * state.p / m, theta=theta)


def echo(problem: Problem, beta: float, inverse_mass: float, pi=None) -> JointState:
    """The state after running, mirror with kick, running back and flipping back."""
    if problem.cost != "end":
        raise InputError(f"cost = {problem.cost!r}: the echo of HEB takes 'end'")
    there = moved(problem, start(problem, pi), inverse_mass, problem.x).flipped()
    kick = -beta * cost_slope(problem, there.q, problem.target[-1])
    there = replace(there, p=there.p + kick)
    return moved(problem, there, inverse_mass, problem.x[::-1]).flipped()


def decayed(state: JointState, mu: float, rate: float) -> JointState:
    """After the decay of the parameters' momenta; rate is lambda."""
    theta = {
        name: value + state.pi[name] / mu * -np.expm1(-rate)
        for name, value in state.theta.items()
    }
    return replace(
        state,
        theta=theta,
        pi={name: np.exp(-rate) * value for name, value in state.pi.items()},
    )


def updated(
    problem: Problem, beta: float, inverse_mass: float, mu: float, rate: float
) -> Parameters:
    """What one echo and decay from rest adds to theta: about beta/mu dC/dtheta."""
    done = decayed(echo(problem, beta, inverse_mass), mu, rate)
    return {name: done.theta[name] - problem.theta[name] for name in MOVING}


def averaged_update(
    problem: Problem, beta: float, inverse_mass: float, mu: float, rate: float
) -> Parameters:
    """Echo and decay with (-beta, mu), then with (beta, -mu): -2 beta/mu dC/dtheta.

    The motion of theta that a single echo adds cancels. Neurons start the second echo
    as they did the first; the decayed momenta are carried over.
    """
    state = decayed(echo(problem, -beta, inverse_mass), mu, rate)
    second = replace(problem, theta={**problem.theta, **state.theta})
    state = decayed(echo(second, beta, inverse_mass, state.pi), -mu, rate)
    return {name: state.theta[name] - problem.theta[name] for name in MOVING}


def exact_gradient(problem: Problem, inverse_mass: float) -> Parameters:
    """dC/dtheta by class, and dC/dpi as ``pi_w`` ..., of the joint motion from rest."""

    def cost(values: Parameters) -> np.ndarray:
        theta = {name: values[name] for name in MOVING}
        pi = {name: values[f"pi_{name}"] for name in MOVING}
        done = moved(
            problem,
            JointState(problem.q, problem.p, theta, pi),
            inverse_mass,
            problem.x,
        )
        return running_cost(problem, done.q[None])

    state = start(problem)
    pi = {f"pi_{name}": value for name, value in state.pi.items()}
    return complex_step(cost, state.theta | pi)
