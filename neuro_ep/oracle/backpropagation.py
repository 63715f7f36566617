"""Backpropagation through a chain of layers, written out.

    s_0 = x,    a_k = s_{k-1} W_{k-1} + b_{k-1},    s_k = f(a_k),    s_L = f_L(a_L)

Cost of a sample: one half of the squared error of s_L, or the cross-entropy of its
softmax; gradients are means over the batch.
Arrays: samples first, then units; weights (n_pre, n_post). Numbers have no units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, xlogy

from neuro_ep.errors import InputError

Array = np.ndarray
#: Of every layer: (weights or their gradients, biases or their gradients).
Parameters = tuple[list[Array], list[Array]]


@dataclass(frozen=True)
class Activation:
    """f(a) = argmin_s G(s) - s a, with f' and the convex potential G.

    quadratic: G is s**2/2 inside the range of f.
    """

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    potential: Callable[[Array], Array]
    quadratic: bool = True


def _parabola(s: Array, low: float, high: float) -> Array:
    return np.where((s >= low) & (s <= high), s**2 / 2, np.inf)


ACTIVATIONS = {
    "identity": Activation(lambda a: a, np.ones_like, lambda s: s**2 / 2),
    "relu": Activation(
        lambda a: np.maximum(a, 0),
        lambda a: (a > 0).astype(a.dtype),
        lambda s: _parabola(s, 0, np.inf),
    ),
    "hard-sigmoid": Activation(
        lambda a: np.clip(a, 0, 1),
        lambda a: ((a > 0) & (a < 1)).astype(a.dtype),
        lambda s: _parabola(s, 0, 1),
    ),
    "sigmoid": Activation(
        expit,
        lambda a: expit(a) * expit(-a),
        lambda s: xlogy(s, s) + xlogy(1 - s, 1 - s),
        quadratic=False,
    ),
    "tanh": Activation(
        np.tanh,
        lambda a: 1 - np.tanh(a) ** 2,
        lambda s: (xlogy(1 + s, 1 + s) + xlogy(1 - s, 1 - s)) / 2,
        quadratic=False,
    ),
}


@dataclass(frozen=True)
class Cost:
    """Of the output s (batch, n) and the target y (batch, n).

    value  (batch,)
    slope  dvalue/ds, (batch, n)
    """

    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]


def _softmax(s: Array) -> Array:
    weight = np.exp(s - s.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def _cross_entropy(s: Array, y: Array) -> Array:
    top = s.max(axis=1)
    log_sum = top + np.log(np.exp(s - top[:, None]).sum(axis=1))
    return log_sum * y.sum(axis=1) - (y * s).sum(axis=1)


COSTS = {
    "squared-error": Cost(
        lambda s, y: ((s - y) ** 2).sum(axis=1) / 2, lambda s, y: s - y
    ),
    "cross-entropy": Cost(
        _cross_entropy, lambda s, y: _softmax(s) * y.sum(axis=1, keepdims=True) - y
    ),
}


def activation_named(name: str) -> Activation:
    """InputError where there is none."""
    if name not in ACTIVATIONS:
        raise InputError(f"no activation {name!r}; choose of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def cost_named(name: str) -> Cost:
    """InputError where there is none."""
    if name not in COSTS:
        raise InputError(f"no cost {name!r}; choose of {', '.join(COSTS)}")
    return COSTS[name]


def random_network(
    layers: Sequence[int],
    random: np.random.Generator,
    *,
    gain: float = 1.0,
    bias: float = 0.1,
) -> Parameters:
    """Normal weights with variance gain**2/n_pre, normal biases with this deviation."""
    weights = [
        gain * random.standard_normal((n_pre, n_post)) / np.sqrt(n_pre)
        for n_pre, n_post in zip(layers, layers[1:], strict=False)
    ]
    return weights, [bias * random.standard_normal(n) for n in layers[1:]]


def forward(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    activation: str,
    output: str = "identity",
) -> tuple[list[Array], list[Array]]:
    """(a_1 ... a_L, s_0 ... s_L), each (batch, n)."""
    names = [activation] * (len(weights) - 1) + [output]
    drives, states = [], [x]
    for w, b, name in zip(weights, biases, names, strict=True):
        drives.append(states[-1] @ w + b)
        states.append(activation_named(name).value(drives[-1]))
    return drives, states


def loss(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    activation: str,
    cost: str = "cross-entropy",
    output: str = "identity",
) -> float:
    """Mean cost of the batch."""
    states = forward(weights, biases, x, activation, output)[1]
    return float(cost_named(cost).value(states[-1], y).mean())


def error_signals(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    activation: str,
    cost: str = "cross-entropy",
    output: str = "identity",
) -> list[Array]:
    """delta_k = -dcost/da_k of every sample, k = 1 ... L, each (batch, n)."""
    drives, states = forward(weights, biases, x, activation, output)
    slope = activation_named(output).slope(drives[-1])
    deltas = [-slope * cost_named(cost).slope(states[-1], y)]
    hidden = activation_named(activation).slope
    for w, a in zip(reversed(weights[1:]), reversed(drives[:-1]), strict=True):
        deltas.insert(0, hidden(a) * (deltas[0] @ w.T))
    return deltas


def backpropagation(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    activation: str,
    cost: str = "cross-entropy",
    output: str = "identity",
) -> Parameters:
    """Gradients of the mean cost: (dW of every layer, db of every layer)."""
    states = forward(weights, biases, x, activation, output)[1]
    deltas = error_signals(weights, biases, x, y, activation, cost, output)
    return (
        [-s.T @ d / len(x) for s, d in zip(states, deltas, strict=False)],
        [-d.mean(axis=0) for d in deltas],
    )


def descend(
    gradient: Callable[[list[Array], list[Array], Array, Array], Parameters],
    weights: Sequence[Array],
    biases: Sequence[Array],
    batches: Iterable[tuple[Array, Array]],
    rate: float,
) -> Parameters:
    """Plain gradient descent, one step a batch (x, y), in the order given.

    gradient(weights, biases, x, y) is backpropagation or what should equal it.
    """
    weights, biases = list(weights), list(biases)
    for x, y in batches:
        d_weights, d_biases = gradient(weights, biases, x, y)
        weights = [w - rate * d for w, d in zip(weights, d_weights, strict=True)]
        biases = [b - rate * d for b, d in zip(biases, d_biases, strict=True)]
    return weights, biases
