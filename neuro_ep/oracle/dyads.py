"""Dual propagation in closed form: every neuron holds two states, a dyad.

Hoeier, Staudt & Zach 2023, arXiv 2302.01228 (dual propagation, at any alpha), and
Hoeier & Zach 2024, arXiv 2402.08573 (its transpose). The layers k = 0 ... L hold s+ and
s-; their mean m_k = alpha s+ + (1 - alpha) s- goes up, their difference D_k = s+ - s-
comes down:

    a_k = m_{k-1} W_{k-1} + b_{k-1}              s+_k = f(a_k + c+ gamma_k u_k)
    u_k = D_{k+1} W_k^T                          s-_k = f(a_k - c- gamma_k u_k)
    dW_{k-1} = -m_{k-1}^T D_k / beta_k           db_{k-1} = -D_k / beta_k

    dual propagation    c+ = alpha,      c- = 1 - alpha
    its transpose       c+ = 1 - alpha,  c- = alpha

with gamma_k = beta_k/beta_{k+1}. Each sample is nudged by its own cost; gradients are
means over the batch. Other conventions: :mod:`.backpropagation`. No simulation is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from neuro_ep.errors import InputError, RunError
from neuro_ep.oracle.backpropagation import Array, Parameters
from neuro_ep.oracle.chain import Chain

ORDERS = ("sequential", "jacobi", "random")


@dataclass(frozen=True)
class Dyads:
    """The two states of every layer 0 ... L, each (batch, n); those of layer 0 are x.

    They may come from here or from a simulation of the chain.
    """

    chain: Chain
    plus: Sequence[Array]
    minus: Sequence[Array]

    @property
    def mean(self) -> list[Array]:
        """What goes up."""
        return [
            _mean(self.chain.alpha, *pair)
            for pair in zip(self.plus, self.minus, strict=True)
        ]

    @property
    def difference(self) -> list[Array]:
        """What comes down."""
        return [p - m for p, m in zip(self.plus, self.minus, strict=True)]


def _mean(alpha: float, plus: Array, minus: Array) -> Array:
    return alpha * plus + (1 - alpha) * minus


# --- inference ---


def closed_form(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    *,
    sweeps: int = 1,
    order: str = "sequential",
    seed: int = 0,
    **setting: Any,
) -> Dyads:
    """The dyads after this many sweeps; `setting` as the fields of `Chain`.

    A sequential sweep is the output and then the hidden layers from above; from the
    second on the hidden layers from below come first. In a jacobi sweep all layers
    move at once; a random one takes each in turn, in an order drawn with `seed`.
    """
    chain = Chain(weights, biases, x, y, **setting)
    dyads = unnudged(chain)
    visits = _visits(len(weights), order, np.random.default_rng(seed))
    for stages in islice(visits, sweeps):
        dyads = swept(dyads, stages)
    return dyads


def settle(
    chain: Chain,
    order: str = "sequential",
    *,
    tolerance: float = 1e-13,
    most: int = 2000,
    seed: int = 0,
) -> Dyads:
    """The fixed point; RunError where `most` sweeps leave a larger residual."""
    dyads = unnudged(chain)
    visits = _visits(len(chain.weights), order, np.random.default_rng(seed))
    for stages in islice(visits, most):
        dyads = swept(dyads, stages)
        if residual(dyads) <= tolerance:
            return dyads
    raise RunError(
        f"the dyads do not settle in {most} sweeps (residual {residual(dyads):.1e});"
        " freeze the slope of the cost, damp the updates, lower beta or take alpha 0.5"
    )


def unnudged(chain: Chain) -> Dyads:
    """Both states as the forward pass leaves them."""
    return Dyads(chain, chain.free_states, chain.free_states)


def residual(dyads: Dyads) -> float:
    """The largest change of any state, were all updated at once."""
    layers = range(1, len(dyads.plus))
    after = swept(dyads, [list(layers)])
    changes = [
        np.abs(new[k] - old[k]).max()
        for new, old in ((after.plus, dyads.plus), (after.minus, dyads.minus))
        for k in layers
    ]
    return float(max(changes))


def swept(dyads: Dyads, stages: Sequence[Sequence[int]]) -> Dyads:
    """After the layers of each stage, in turn; those of one stage move together."""
    plus, minus = list(dyads.plus), list(dyads.minus)
    for stage in stages:
        present = Dyads(dyads.chain, tuple(plus), tuple(minus))
        for layer in stage:
            plus[layer], minus[layer] = updated(present, layer)
    return Dyads(dyads.chain, plus, minus)


def _visits(
    last: int, order: str, random: np.random.Generator
) -> Iterator[list[list[int]]]:
    """The stages of every sweep, without end."""
    if order not in ORDERS:
        raise InputError(f"no order {order!r} of sweeps; choose of {', '.join(ORDERS)}")
    down, up = [[k] for k in range(last, 0, -1)], [[k] for k in range(1, last)]
    sweep = down
    while True:
        if order == "jacobi":
            sweep = [list(range(1, last + 1))]
        elif order == "random":
            sweep = [[int(k)] for k in random.permutation(last) + 1]
        yield sweep
        sweep = up + down


def drive(dyads: Dyads, layer: int) -> Array:
    """a_k, (batch, n_k)."""
    chain = dyads.chain
    below = _mean(chain.alpha, dyads.plus[layer - 1], dyads.minus[layer - 1])
    return below @ chain.weights[layer - 1] + chain.biases[layer - 1]


def updated(dyads: Dyads, layer: int) -> tuple[Array, Array]:
    """(s+, s-) of a layer, by the present states of its neighbours."""
    if layer == len(dyads.chain.weights):
        return _output(dyads, drive(dyads, layer))
    return _hidden(dyads, layer, drive(dyads, layer))


def _hidden(dyads: Dyads, layer: int, a: Array) -> tuple[Array, Array]:
    chain = dyads.chain
    f = chain.activation_of(layer).value
    c_plus, c_minus = chain.gains
    gamma = chain.betas[layer - 1] / chain.betas[layer]
    above = dyads.plus[layer + 1] - dyads.minus[layer + 1]
    u = gamma * (above @ chain.down[layer].T)
    held = chain.damping[layer - 1]
    return (
        f((a + c_plus * u + held * dyads.plus[layer]) / (1 + held)),
        f((a - c_minus * u + held * dyads.minus[layer]) / (1 + held)),
    )


def _output(dyads: Dyads, a: Array) -> tuple[Array, Array]:
    chain = dyads.chain
    (c_plus, c_minus), beta = chain.gains, chain.betas[-1]
    if chain.reference == "prox":
        return (
            (a + c_plus * beta * chain.y) / (1 + c_plus * beta),
            (a - c_minus * beta * chain.y) / (1 - c_minus * beta),
        )
    f, g = chain.activation_of(len(chain.weights)).value, _slope(dyads, a)
    return f(a - c_plus * beta * g), f(a + c_minus * beta * g)


def _slope(dyads: Dyads, a: Array) -> Array:
    """g, the slope of the cost at the reference."""
    chain = dyads.chain
    if chain.reference == "frozen":
        return chain.frozen_slope
    if chain.reference == "drive":
        present = chain.activation_of(len(chain.weights)).value(a)
    else:
        present = _mean(chain.alpha, dyads.plus[-1], dyads.minus[-1])
    return chain.cost_function.slope(present, chain.y)


# --- what is read from the dyads ---


def gradient(dyads: Dyads) -> Parameters:
    """(dW of every layer, db of every layer), means over the batch."""
    means, differences = dyads.mean, dyads.difference
    batch, betas = len(means[0]), dyads.chain.betas
    pairs = list(zip(means[:-1], differences[1:], betas, strict=True))
    return (
        [-s.T @ d / (beta * batch) for s, d, beta in pairs],
        [-d.mean(axis=0) / beta for _, d, beta in pairs],
    )


def prox_factor(chain: Chain) -> float:
    """Times which the gradient by exact prox is, to leading order, the linearised."""
    (c_plus, c_minus), beta = chain.gains, chain.betas[-1]
    return (1 + c_plus * beta) * (1 - c_minus * beta)


def objective(dyads: Dyads) -> Array:
    """The saddle function J of every sample, (batch,); infinite outside the range of f.

    J = alpha l(s+_L) + (1 - alpha) l(s-_L) + sum_k [E_k(s+_k) - E_k(s-_k)]/beta_k
    with E_k(s) = sum G(s) - s.a_k. Dual propagation is where J is least in s+ and
    largest in s-; its transpose, off alpha = 1/2, is not.
    """
    chain = dyads.chain
    cost = chain.cost_function.value
    costs = [cost(states[-1], chain.y) for states in (dyads.plus, dyads.minus)]
    total = _mean(chain.alpha, *costs)
    for layer, beta in enumerate(chain.betas, start=1):
        potential, a = chain.activation_of(layer).potential, drive(dyads, layer)
        energy = [
            (potential(s) - s * a).sum(axis=1)
            for s in (dyads.plus[layer], dyads.minus[layer])
        ]
        total = total + (energy[0] - energy[1]) / beta
    return total
