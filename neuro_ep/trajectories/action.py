"""The discrete action of a path, its slope and its curvature.

Midpoint variational integrator, step h, nodes Q_0 ... Q_K (Marsden & West 2001), with
Qbar_n = (Q_n + Q_{n+1})/2 and V_n = (Q_{n+1} - Q_n)/h:

    A = sum_n h [ K(V_n) - U(Qbar_n; x_n) - beta c(Qbar_n, y_n) ]
    dA/dQ_n = K'(V_{n-1}) - K'(V_n) + h/2 (F_{n-1} + F_n),   F = -dU/dq - beta dc/dq

a term being absent where its interval is. What is held at an end decides which nodes
are unknown and which equations hold: a node is unknown unless its position is held, and
dA/dQ_0 = -p_0, dA/dQ_K = p_K hold where the momentum is. Joined ends are one node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import Problem
from neuro_ep.records.condition import BoundaryCondition
from neuro_ep.trajectories.system import POTENTIAL, System


@dataclass(frozen=True)
class Course:
    """A problem under a boundary condition: theta, samples, and what the ends hold.

    position and momentum are the values held, (start, end), (N,) each; those that the
    condition does not hold are not read.
    """

    system: System
    problem: Problem
    condition: BoundaryCondition
    position: tuple
    momentum: tuple

    @property
    def nodes(self) -> np.ndarray:
        """(K + 1,) distinct node of each node: K is 0 where the ends are joined."""
        nodes = np.arange(self.problem.steps + 1)
        return nodes % self.problem.steps if self.condition.joined else nodes

    def _where(self, left_out) -> np.ndarray:
        kept = np.ones((self.nodes.max() + 1, self.system.neurons), bool)
        for node, held in ((0, self.condition.start), (-1, self.condition.end)):
            kept[node] = not left_out(held) or self.condition.joined
        return np.flatnonzero(kept)

    @property
    def unknown(self) -> np.ndarray:
        """Entries of the path, flat, that are solved for."""
        return self._where(lambda held: "position" in held)

    @property
    def equations(self) -> np.ndarray:
        """Entries of dA/dQ, flat, that are zero."""
        return self._where(lambda held: "momentum" not in held)


def intervals(course: Course, q: np.ndarray) -> dict[str, np.ndarray]:
    """Midpoints and velocities (K, N), inputs and targets, as the energy reads them."""
    return {
        "q": (q[1:] + q[:-1]) / 2,
        "v": np.diff(q, axis=0) / course.problem.dt,
        "x": course.problem.x,
        "target": course.problem.target,
    }


def forces(course: Course, q: np.ndarray, beta: float) -> np.ndarray:
    """F (K, N)."""
    system, theta, at = course.system, course.problem.theta, intervals(course, q)
    nudge = beta * system.slope(("cost",), "q", theta, **at)
    return -system.slope(POTENTIAL, "q", theta, **at) - nudge


def momenta(course: Course, q: np.ndarray, beta: float) -> tuple:
    """p at the start and at the end (N,): -dA/dQ_0 and dA/dQ_K without the joint."""
    half = course.problem.dt / 2 * forces(course, q, beta)
    p = course.system.slope(
        ("motion",), "v", course.problem.theta, **intervals(course, q)
    )
    return p[0] - half[0], p[-1] + half[-1]


def action_slope(course: Course, q: np.ndarray, beta: float) -> np.ndarray:
    """dA/dQ plus p_0, minus p_K where they are held; (distinct nodes, N)."""
    half = course.problem.dt / 2 * forces(course, q, beta)
    p = course.system.slope(
        ("motion",), "v", course.problem.theta, **intervals(course, q)
    )
    slope = np.zeros((course.nodes.max() + 1, course.system.neurons))
    np.add.at(slope, course.nodes[:-1], half - p)
    np.add.at(slope, course.nodes[1:], half + p)
    if not course.condition.joined:
        slope[0] += course.momentum[0]
        slope[-1] -= course.momentum[1]
    return slope


def hessian(course: Course, q: np.ndarray, beta: float) -> scipy.sparse.csc_array:
    """d2A/dQ2 over the distinct nodes, blocks of N around the diagonal."""
    system, theta, at = course.system, course.problem.theta, intervals(course, q)
    h = course.problem.dt
    inertia = system.curvature(("motion",), "v", theta, **at) / h
    curved = system.curvature(POTENTIAL, "q", theta, **at)
    curved = curved + beta * system.curvature(("cost",), "q", theta, **at)
    near, far = inertia - h / 4 * curved, -inertia - h / 4 * curved
    left, right = course.nodes[:-1], course.nodes[1:]
    return assembled(
        [(left, left, near), (right, right, near)]
        + [(left, right, far), (right, left, far)],
        course.nodes.max() + 1,
        system.neurons,
    )


def assembled(entries, nodes: int, neurons: int) -> scipy.sparse.csc_array:
    """A sparse matrix from (row nodes, column nodes, blocks (K, N, N)); equals add."""
    units, parts = np.arange(neurons), []
    for one, other, blocks in entries:
        row = one[:, None, None] * neurons + units[:, None]
        column = other[:, None, None] * neurons + units
        parts.append([a.ravel() for a in np.broadcast_arrays(blocks, row, column)])
    data, row, column = (np.concatenate(each) for each in zip(*parts, strict=True))
    size = nodes * neurons
    return scipy.sparse.coo_array((data, (row, column)), shape=(size, size)).tocsc()


def cost(course: Course, q: np.ndarray) -> float:
    """C = sum_n h c(Qbar_n, y_n)."""
    theta, at = course.problem.theta, intervals(course, q)
    running = course.system.value(("cost",), theta, **at)
    return float(course.problem.dt * running.sum())


def readings(course: Course, q: np.ndarray) -> Parameters:
    """G = -dA/dtheta by class, the integral of dH/dtheta."""
    system, theta, at = course.system, course.problem.theta, intervals(course, q)
    h = course.problem.dt
    kinetic = system.readings(("motion",), theta, **at)
    found = {name: -h * value.sum(0) for name, value in kinetic.items()}
    for name, value in system.readings(POTENTIAL, theta, **at).items():
        found[name] = found.get(name, 0) + h * value.sum(0)
    return found
