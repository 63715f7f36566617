"""The vector field ds/dt = F(s, theta) of a layered network, and its derivatives.

Every neuron has one state (a potential or an activity) and reads sums over synapses:

    ds_j/dt = f(s_j, I_j),   I_j = B(s_j) sum_i w_ij A(s_i)    (forward, or feedback)

``f``, ``A`` and ``B`` come from the equation text; their derivatives are symbolic. With
C = df/dI the Jacobian dF/ds has the blocks C_j B_j w_ij A'_i beside its diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from neuro_ep.oracle.equations import Equation, resolved, symbol

#: What a neuron is told from outside; 0 where its equations do not name it.
TOLD = ("x", "target", "nudged", "beta")

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class Clamp:
    """What is presented: x (batch, n_in), target (batch, n_out); the nudging."""

    x: np.ndarray
    target: np.ndarray
    nudged: float = 0.0
    beta: float = 1.0


@dataclass(frozen=True)
class Neuron:
    """The equations of a layer: ``state`` is None for the clamped input."""

    equations: Mapping[str, Equation]
    constants: Mapping[str, float]
    state: str | None
    onset: float

    def value(self, name: str) -> sympy.Expr:
        """A name of the equations, in the state and what the neuron is told."""
        return resolved(self.equations, symbol(name), self.constants)

    @property
    def rate(self) -> sympy.Expr:
        """ds/dt, in the state, the sums, and what the neuron is told."""
        assert self.state is not None, "the clamped input does not move"
        found = self.equations[self.state].expression
        return resolved(self.equations, found, self.constants)


@dataclass(frozen=True)
class Factor:
    """A function of the neurons at one end of a synapse, with two derivatives."""

    value: Callable
    slope: Callable
    bend: Callable


@dataclass(frozen=True)
class PairProduct:
    """w_ij * pre(s_i) * post(s_j), and the sum that it is part of, if any."""

    pre: Factor
    post: Factor
    side: str = ""
    target: str = ""


@dataclass(frozen=True)
class Projection:
    """Synapses from layer ``pre`` (None: the unit that biases come from) to ``post``.

    ``unit`` is 1 SI unit of the weight in units of the oracle; None where there is no
    weight and all products count once.
    """

    name: str
    pre: int | None
    post: int
    shape: tuple[int, int]
    sums: tuple[PairProduct, ...]
    energy: tuple[PairProduct, ...]
    unit: float | None = 1.0

    def matrix(self, theta: Parameters) -> np.ndarray:
        """The weights, (n_pre, n_post)."""
        return np.ones(self.shape) if self.unit is None else theta[self.name]


@dataclass(frozen=True)
class Field:
    """A network as functions; assembled by :func:`neuro_ep.oracle.assembly.assemble`.

    ``rates[k]`` is (f, df/ds, {sum: df/dI}, names of the sums) of layer k and
    ``energies[k]`` what it adds to the energy by itself.
    """

    sizes: tuple[int, ...]
    neurons: tuple[Neuron, ...]
    rates: tuple
    edges: tuple[Projection, ...]
    read_out: Factor
    energies: tuple
    cost: str

    @property
    def learned(self) -> list[Projection]:
        """The edges that have weights."""
        return [edge for edge in self.edges if edge.unit is not None]

    def split(self, states: np.ndarray) -> list[np.ndarray]:
        """States (batch, N) by layer; the clamped input is an empty placeholder."""
        cuts = np.cumsum(self.sizes[1:])[:-1]
        return [np.zeros((len(states), 1)), *np.split(states, cuts, axis=-1)]

    def onset(self, batch: int) -> np.ndarray:
        """States (batch, N) where a presentation begins."""
        values = [
            np.full((batch, n), neuron.onset)
            for n, neuron in zip(self.sizes[1:], self.neurons[1:], strict=True)
        ]
        return np.hstack(values)


# --- values ---


def told(field: Field, clamp: Clamp, layer: int | None) -> tuple:
    """What a layer is told from outside, in the order of TOLD."""
    x = clamp.x if layer == 0 else 0.0
    target = clamp.target if layer == len(field.sizes) - 1 else 0.0
    return x, target, clamp.nudged, clamp.beta


def evaluate(field: Field, clamp: Clamp, by_layer, layer: int | None, function):
    """A compiled factor on the neurons of a layer, as (batch, n)."""
    batch = len(clamp.x)
    n = 1 if layer is None else field.sizes[layer]
    state = 0.0 if layer is None else by_layer[layer]
    value = function(state, *told(field, clamp, layer))
    return np.broadcast_to(np.asarray(value, dtype=float), (batch, n))


def sums(field: Field, theta: Parameters, by_layer, clamp: Clamp) -> dict:
    """(layer, name of the sum) -> (batch, n)."""
    total: dict = {
        (layer, name): np.zeros((len(clamp.x), field.sizes[layer]))
        for layer in range(1, len(field.sizes))
        for name in field.rates[layer][3]
    }
    for edge in field.edges:
        w = edge.matrix(theta)
        for product in edge.sums:
            pre = evaluate(field, clamp, by_layer, edge.pre, product.pre.value)
            post = evaluate(field, clamp, by_layer, edge.post, product.post.value)
            forward = product.side == "post"
            key = (edge.post if forward else edge.pre, product.target)
            if key in total:
                total[key] += post * (pre @ w) if forward else pre * (post @ w.T)
    return total


def velocity(field: Field, theta: Parameters, states, clamp: Clamp) -> np.ndarray:
    """ds/dt (batch, N) in units of 1/tau."""
    by_layer = field.split(states)
    total = sums(field, theta, by_layer, clamp)
    rates = []
    for layer in range(1, len(field.sizes)):
        f, _, _, names = field.rates[layer]
        values = [total[layer, name] for name in names]
        value = f(by_layer[layer], *told(field, clamp, layer), *values)
        rates.append(np.broadcast_to(value, by_layer[layer].shape))
    return np.concatenate(rates, axis=1)


# --- derivatives ---


@dataclass(frozen=True)
class Bend:
    """One product of an edge where the field is linearised; (batch, n) each.

    ``gate`` is df/dI of the layer that the sum reaches, ``sum`` the matrix product.
    """

    edge: Projection
    forward: bool
    gate: np.ndarray
    near: np.ndarray
    near_slope: np.ndarray
    far: np.ndarray
    far_slope: np.ndarray
    sum: np.ndarray


@dataclass(frozen=True)
class Linearisation:
    """dF/ds and dF/dtheta at given states; ``own`` is df/ds by layer."""

    field: Field
    theta: Parameters
    own: list
    bends: list[Bend]

    def vjp(self, adjoint: np.ndarray) -> np.ndarray:
        """(dF/ds)^T adjoint, (batch, N)."""
        given = self.field.split(adjoint)
        back = [np.zeros((len(adjoint), n)) for n in self.field.sizes]
        for layer in range(1, len(back)):
            back[layer] += self.own[layer] * given[layer]
        for bend in self.bends:
            near, far, w = _ends(bend, self.theta)
            reach = bend.gate * given[near]
            back[near] += reach * bend.near_slope * bend.sum
            if far is not None:
                back[far] += bend.far_slope * ((reach * bend.near) @ w.T)
        return np.concatenate(back[1:], axis=1)

    def theta_vjp(self, adjoint: np.ndarray) -> Parameters:
        """(dF/dtheta)^T adjoint by parameter class, mean over the batch."""
        given = self.field.split(adjoint)
        total = {edge.name: np.zeros(edge.shape) for edge in self.field.learned}
        for bend in self.bends:
            if bend.edge.unit is None:
                continue
            near, _, _ = _ends(bend, self.theta)
            outer = bend.far.T @ (bend.gate * given[near] * bend.near) / len(adjoint)
            total[bend.edge.name] += outer if bend.forward else outer.T
        return total

    def jacobian(self, sample: int) -> np.ndarray:
        """dF/ds of one sample, (N, N), row i the derivatives of F_i."""
        cuts = np.concatenate([[0, 0], np.cumsum(self.field.sizes[1:])])
        full = np.zeros((cuts[-1], cuts[-1]))

        def block(row, column):
            rows = slice(cuts[row], cuts[row + 1])
            return full[rows, cuts[column] : cuts[column + 1]]

        for layer in range(1, len(self.field.sizes)):
            np.fill_diagonal(block(layer, layer), self.own[layer][sample])
        for bend in self.bends:
            near, far, w = _ends(bend, self.theta)
            gate = bend.gate[sample]
            own = block(near, near)
            own += np.diag(gate * bend.near_slope[sample] * bend.sum[sample])
            if far:
                rows = (gate * bend.near[sample])[:, None]
                block(near, far)[:] += rows * w.T * bend.far_slope[sample]
        return full


def _ends(bend: Bend, theta: Parameters):
    """(layer reached, layer read, matrix from the one read to the one reached)."""
    edge, w = bend.edge, bend.edge.matrix(theta)
    return (edge.post, edge.pre, w) if bend.forward else (edge.pre, edge.post, w.T)


def linearise(field: Field, theta: Parameters, states, clamp: Clamp) -> Linearisation:
    """The derivatives of the field at states (batch, N)."""
    by_layer = field.split(states)
    total = sums(field, theta, by_layer, clamp)
    own: list = [None]
    gates: dict = {}
    for layer in range(1, len(field.sizes)):
        _, slope, by_sum, names = field.rates[layer]
        values = [total[layer, name] for name in names]
        arguments = (by_layer[layer], *told(field, clamp, layer), *values)
        shape = by_layer[layer].shape
        own.append(np.broadcast_to(slope(*arguments), shape))
        for name in names:
            gates[layer, name] = np.broadcast_to(by_sum[name](*arguments), shape)
    bends = []
    for edge in field.edges:
        for product in edge.sums:
            forward = product.side == "post"
            near, far = (edge.post, edge.pre) if forward else (edge.pre, edge.post)
            if (near, product.target) not in gates:
                continue
            near_end, far_end = (
                (product.post, product.pre) if forward else (product.pre, product.post)
            )
            w = edge.matrix(theta) if forward else edge.matrix(theta).T
            read = evaluate(field, clamp, by_layer, far, far_end.value)
            bends.append(
                Bend(
                    edge,
                    forward,
                    gates[near, product.target],
                    evaluate(field, clamp, by_layer, near, near_end.value),
                    evaluate(field, clamp, by_layer, near, near_end.slope),
                    read,
                    evaluate(field, clamp, by_layer, far, far_end.slope),
                    read @ w,
                )
            )
    return Linearisation(field, theta, own, bends)
