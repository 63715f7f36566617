"""Dyads on any graph: recurrent, skip and lateral connections in one square matrix.

Hoeier, Kalinin, Ernoult & Zach (MLNCP workshop at NeurIPS 2024); alpha is 1/2. For
general force fields see Scurria et al. 2026, arXiv 2602.03670. With
m = (s+ + s-)/2 and D = s+ - s-, each synapse carries the mean up and the difference
down:

    s+ = f(m W + b + (D W^T - beta g)/2)
    s- = f(m W + b - (D W^T - beta g)/2)        dW = -m^T D/beta,  db = -D/beta

For beta to 0 this is the implicit gradient of the free fixed point s = f(s W + b),

    D = -beta F (1 - W F)^-1 g  (column vectors, F = diag f'),

whatever W: triangular is a chain with skips, symmetric is equilibrium propagation with
nudges +-beta/2, skew couples the two states crosswise.
Arrays: samples first, then units; W (n_pre, n_post). Gradients are means of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neuro_ep.errors import InputError, RunError
from neuro_ep.oracle.backpropagation import Array, activation_named, cost_named

#: Of (W, b).
Gradient = tuple[Array, Array]


@dataclass(frozen=True)
class Graph:
    """N units, the last n_out of which are read out.

    weights  (N, N), from row to column
    drive    (batch, N): biases and what comes in from outside
    y        (batch, n_out)
    frozen   the slope g of the cost is taken at the free fixed point, not at the mean
    output   the activation of the units that are read out; that of all if not given
    """

    weights: Array
    drive: Array
    y: Array
    activation: str = "tanh"
    beta: float = 0.1
    cost: str = "squared-error"
    frozen: bool = True
    output: str | None = None

    def __post_init__(self) -> None:
        activation_named(self.activation), cost_named(self.cost)
        activation_named(self.output or self.activation)
        units = np.shape(self.drive)[-1]
        if np.shape(self.weights) != (units, units):
            raise InputError(f"W is {np.shape(self.weights)}; give {(units, units)}")
        if len(self.y) != len(self.drive) or self.y.shape[1] > units:
            raise InputError(f"y is {self.y.shape}; give (batch, outputs) of the units")
        if not 0 < self.beta < np.inf:
            raise InputError(f"beta is {self.beta}; give a positive number")

    def f(self, a: Array) -> Array:
        return self._by_unit(a, "value")

    def f_slope(self, a: Array) -> Array:
        return self._by_unit(a, "slope")

    def _by_unit(self, a: Array, what: str) -> Array:
        found = getattr(activation_named(self.activation), what)(a)
        outputs = self.y.shape[1]
        last = getattr(activation_named(self.output or self.activation), what)
        found[..., -outputs:] = last(a[..., -outputs:])
        return found

    def slope(self, s: Array) -> Array:
        """g = dcost/ds of every unit, (batch, N); 0 where none is read out."""
        outputs = self.y.shape[1]
        g = np.zeros_like(s)
        g[:, -outputs:] = cost_named(self.cost).slope(s[:, -outputs:], self.y)
        return g

    @cached_property
    def free(self) -> Array:
        """The fixed point s = f(s W + b), (batch, N)."""
        return settled(lambda s: self.f(s @ self.weights + self.drive), self.drive * 0)


def settled(
    update: Callable[[Array], Array],
    start: Array,
    *,
    step: float = 0.2,
    tolerance: float = 1e-14,
    most: int = 5000,
) -> Array:
    """s = update(s), by Euler steps of ds/dt = update(s) - s; RunError without."""
    s = start
    for _ in range(most):
        change = update(s) - s
        if np.abs(change).max() <= tolerance:
            return s
        s = s + step * change
    raise RunError(
        f"the graph does not settle in {most} steps (residual"
        f" {np.abs(change).max():.1e}); take smaller weights or a smaller beta"
    )


def dyads(graph: Graph) -> tuple[Array, Array]:
    """(s+, s-) at their fixed point, each (batch, N)."""
    g = graph.slope(graph.free)

    def update(states: Array) -> Array:
        plus, minus = states
        mean = (plus + minus) / 2
        a = mean @ graph.weights + graph.drive
        nudge = graph.beta * (g if graph.frozen else graph.slope(mean))
        half = ((plus - minus) @ graph.weights.T - nudge) / 2
        return np.stack([graph.f(a + half), graph.f(a - half)])

    plus, minus = settled(update, np.stack([graph.free, graph.free]))
    return plus, minus


def gradient(graph: Graph) -> Gradient:
    """What the dyads learn by."""
    plus, minus = dyads(graph)
    difference = (plus - minus) / graph.beta
    mean, batch = (plus + minus) / 2, len(plus)
    return -mean.T @ difference / batch, -difference.mean(axis=0)


def implicit_gradient(graph: Graph) -> Gradient:
    """The gradient of the mean cost at the free fixed point, by a linear solve."""
    signal = implicit_signal(graph)
    return graph.free.T @ signal / len(signal), signal.mean(axis=0)


def implicit_signal(graph: Graph) -> Array:
    """The gradient of every sample's cost by what drives its units, (batch, N)."""
    s, w = graph.free, graph.weights
    slopes = graph.f_slope(s @ w + graph.drive)
    systems = np.eye(len(w)) - w * slopes[:, None, :]
    adjoint = np.linalg.solve(systems, graph.slope(s)[:, :, None])[:, :, 0]
    return slopes * adjoint


def nudged(graph: Graph, beta: float) -> Array:
    """The fixed point of equilibrium propagation, s = f(s W + b - beta g)."""
    force = graph.drive - beta * graph.slope(graph.free)
    return settled(lambda s: graph.f(s @ graph.weights + force), graph.free)


def centred_ep(graph: Graph) -> Array:
    """Its gradient for tied weights w_ij = w_ji by nudges +-beta/2, (N, N)."""
    if not np.allclose(graph.weights, graph.weights.T):
        raise InputError("W is not symmetric, so there is no energy; symmetrise it")
    plus, minus = (nudged(graph, sign * graph.beta / 2) for sign in (1, -1))
    return -(plus.T @ plus - minus.T @ minus) / (graph.beta * len(plus))
