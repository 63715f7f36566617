"""Dual propagation in continuous time, by Euler steps.

Each dyad is two leaky compartments, basal m and apical d, an exact change of variables
from two potentials u+- (m = c- u+ + c+ u-, d = u+ - u-; derived here):

    tau_m dm_k/dt + m_k = sbar_{k-1} W_{k-1} + b_{k-1}
    tau_d dd_k/dt + d_k = gamma_k D_{k+1} W_k^T,      d_L:  -beta g
    s+ = f(m + c+ d),  s- = f(m - c- d),  sbar = alpha s+ + (1 - alpha) s-,  D = s+ - s-

Its fixed point is that of the closed form, :mod:`.dyads`. Times are in units of one
time constant tau.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import Array
from neuro_ep.oracle.chain import Chain
from neuro_ep.oracle.compare import relative_error
from neuro_ep.oracle.dyads import Dyads, drive, gradient, updated

#: A time constant: one for all, or one for each of the layers 1 ... L, a number or (n,)
Times = float | Sequence[float | Array]


@dataclass(frozen=True)
class Compartments:
    """m and d of the layers 1 ... L, each (batch, n)."""

    m: Sequence[Array]
    d: Sequence[Array]


def at_rest(chain: Chain) -> Compartments:
    """All zero."""
    shapes = [(len(chain.x), w.shape[1]) for w in chain.weights]
    return Compartments([np.zeros(s) for s in shapes], [np.zeros(s) for s in shapes])


def read_out(chain: Chain, state: Compartments) -> Dyads:
    """The dyads that these compartments show."""
    c_plus, c_minus = chain.gains
    plus, minus = [chain.x], [chain.x]
    for layer, (m, d) in enumerate(zip(state.m, state.d, strict=True), start=1):
        f = chain.activation_of(layer).value
        plus.append(f(m + c_plus * d))
        minus.append(f(m - c_minus * d))
    return Dyads(chain, plus, minus)


def step(
    chain: Chain,
    state: Compartments,
    dt: float,
    tau_m: Times = 1.0,
    tau_d: Times = 1.0,
) -> Compartments:
    """After one Euler step. Reference `drive` is here the basal compartment m_L."""
    if chain.reference == "prox":
        raise InputError("no exact prox here; take reference 'mean', or rate_form")
    dyads = read_out(chain, state)
    basal, apical = _targets(dyads, state)
    return Compartments(
        _relaxed(state.m, basal, dt, tau_m), _relaxed(state.d, apical, dt, tau_d)
    )


def run(
    chain: Chain,
    dt: float = 0.1,
    steps: int = 600,
    tau_m: Times = 1.0,
    tau_d: Times = 1.0,
) -> Dyads:
    """The dyads after these steps from rest."""
    state = at_rest(chain)
    for _ in range(steps):
        state = step(chain, state, dt, tau_m, tau_d)
    return read_out(chain, state)


def _targets(dyads: Dyads, state: Compartments) -> tuple[list[Array], list[Array]]:
    """Where m and d of every layer are heading."""
    chain, means, differences = dyads.chain, dyads.mean, dyads.difference
    betas, projections = chain.betas, zip(chain.weights, chain.biases, strict=True)
    basal = [s @ w + b for s, (w, b) in zip(means, projections, strict=False)]
    apical = [
        (betas[k - 1] / betas[k]) * (differences[k + 1] @ chain.down[k].T)
        for k in range(1, len(basal))
    ]
    return basal, [*apical, -betas[-1] * _slope(dyads, state)]


def _slope(dyads: Dyads, state: Compartments) -> Array:
    chain = dyads.chain
    if chain.reference == "frozen":
        return chain.frozen_slope
    if chain.reference == "mean":
        present = dyads.mean[-1]
    else:
        present = chain.activation_of(len(chain.weights)).value(state.m[-1])
    return chain.cost_function.slope(present, chain.y)


def _relaxed(
    values: Sequence[Array], targets: Sequence[Array], dt: float, tau: Times
) -> list[Array]:
    taus = tau if isinstance(tau, Sequence) else [tau] * len(targets)
    return [
        value + dt / t * (target - value)
        for value, target, t in zip(values, targets, taus, strict=True)
    ]


def rate_form(chain: Chain, dt: float = 0.1, steps: int = 600) -> Dyads:
    """The dyads after Euler steps of tau ds+-/dt + s+- = f(...), from x and zeros.

    With reference `prox` the output is pulled by y - s+- itself, and leaves for
    infinity unless c- beta < 1.
    """
    shapes = [(len(chain.x), w.shape[1]) for w in chain.weights]
    states = [[chain.x, *(np.zeros(shape) for shape in shapes)] for _ in range(2)]
    for _ in range(steps):
        dyads = Dyads(chain, *states)
        targets = [_rates(dyads, k) for k in range(1, len(shapes) + 1)]
        states = [
            [chain.x, *_relaxed(old[1:], [pair[which] for pair in targets], dt, 1.0)]
            for which, old in enumerate(states)
        ]
    return Dyads(chain, *states)


def _rates(dyads: Dyads, layer: int) -> tuple[Array, Array]:
    """Where s+ and s- of a layer are heading."""
    chain = dyads.chain
    if layer < len(chain.weights) or chain.reference != "prox":
        return updated(dyads, layer)
    (c_plus, c_minus), beta = chain.gains, chain.betas[-1]
    a = drive(dyads, layer)
    return (
        a + c_plus * beta * (chain.y - dyads.plus[-1]),
        a - c_minus * beta * (chain.y - dyads.minus[-1]),
    )


# --- in time ---


def settling_errors(
    chain: Chain, truth: Dyads, dt: float = 0.1, steps: int = 500
) -> Array:
    """Of dW of the worst layer after every step from rest, (steps,).

    The error of a layer is the norm of the difference from dW of `truth`, over that.
    """
    right = gradient(truth)[0]
    state, errors = at_rest(chain), []
    for _ in range(steps):
        state = step(chain, state, dt)
        errors.append(_worst(gradient(read_out(chain, state))[0], right))
    return np.array(errors)


def settling_time(errors: Array, share: float, dt: float = 0.1) -> float:
    """When, in tau, errors stay at or below `share`; NaN where they end above it."""
    above = np.flatnonzero(errors > share)
    last = above[-1] + 1 if above.size else 0
    return float((last + 1) * dt) if last < len(errors) else np.nan


def _worst(found: Sequence[Array], truth: Sequence[Array]) -> float:
    return max(relative_error(a, b) for a, b in zip(found, truth, strict=True))


def stream(
    chains: Iterable[Chain], duration: float, gate: float = 1.0, dt: float = 0.1
) -> list[list[Array]]:
    """What is learned of samples that follow each other without a pause.

    chains    one network with one presentation after the other
    duration  of a presentation, in tau
    gate      the share of it, at its end, in which weights learn
    Returns, for each presentation, the mean over that time of dW of every layer.
    """
    learned, state = [], None
    steps = round(duration / dt)
    opens = steps - round(gate * steps)
    for chain in chains:
        state = at_rest(chain) if state is None else state
        total = [np.zeros(w.shape) for w in chain.weights]
        for k in range(steps):
            state = step(chain, state, dt)
            if k >= opens:
                change = gradient(read_out(chain, state))[0]
                total = [
                    t + c / (steps - opens) for t, c in zip(total, change, strict=True)
                ]
        learned.append(total)
    return learned
