"""Dual propagation by spikes: each dyad is two compartments and two spike generators.

Derived here; the rule is that of Hoeier, Staudt & Zach 2023, arXiv 2302.01228, its
compartments those of :mod:`.compartments`. A hidden dyad speaks in spikes S+ and S-;
its two states are these, filtered:

    S+-  spikes of a generator driven by f(m + c+ d) or f(m - c- d), so many a step
    s+-  = S+- * kappa,  kappa(t) = exp(-t/tau_s)/tau_s

    tau dm_k/dt + m_k = sbar_{k-1} W_{k-1} + b_{k-1}
    tau dd_k/dt + d_k = D_{k+1} W_k^T,             d_L:  -beta g at the mean
    sbar = alpha s+ + (1 - alpha) s-,  D = s+ - s-,  dW_{k-1} = -<sbar_{k-1}^T D_k>/beta

Input and output are analog. Filtering spikes where they arise or where they arrive is
the same: weights rest, and are read after, a presentation. One step of time is that in
which a generator fires once at most; within it compartments move by what was there
before, generators fire, their spikes enter the filters, and then weights are read.
Arrays and conventions: :mod:`.backpropagation`. No simulation of Brian2 is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import Array, Parameters
from neuro_ep.oracle.chain import Chain
from neuro_ep.oracle.dyads import Dyads, gradient

#: Of a dyad: what belongs to s+ and what belongs to s-.
Pair = Sequence[Array]

#: What integrators of both generators of a dyad start from, as a share of threshold.
START = 0.25


@dataclass(frozen=True)
class WindowTimes:
    """In steps: time constants of compartments and filters, burn-in and window."""

    tau: float = 20.0
    tau_s: float = 5.0
    burn_in: int = 300
    window: int = 400


@dataclass(frozen=True)
class DyadState:
    """m, d of the layers 1 ... L; v, S * kappa of the generators of 1 ... L - 1.

    Each is (batch, n).
    """

    m: list[Array]
    d: list[Array]
    v: list[Pair]
    s: list[Pair]


#: (v after integration, drives, random) -> (spikes, v after them)
Fire = Callable[[Pair, Pair, np.random.Generator], tuple[Pair, Pair]]


def _subtractive(v, _drives, _random):
    """Integrate and fire; what is above threshold is carried over (sigma-delta)."""
    spikes = [each >= 1 for each in v]
    return spikes, [each - spike for each, spike in zip(v, spikes, strict=True)]


def _hard(v, _drives, _random):
    """Integrate and fire; what is above threshold is lost."""
    spikes = [each >= 1 for each in v]
    return spikes, [np.where(s, 0.0, each) for each, s in zip(v, spikes, strict=True)]


def _shared_noise(v, drives, random):
    """With probability f, by one random number for both generators of a dyad."""
    number = random.random(drives[0].shape)
    return [number < drive for drive in drives], v


def _independent_noise(v, drives, random):
    """With probability f, by a random number of each generator's own."""
    return [random.random(drive.shape) < drive for drive in drives], v


#: How generators turn drives into spikes, by name.
ENCODERS: dict[str, Fire] = {
    "subtractive": _subtractive,
    "hard": _hard,
    "shared-noise": _shared_noise,
    "independent-noise": _independent_noise,
}


def at_rest(chain: Chain, start: tuple[float, float] = (START, START)) -> DyadState:
    """Compartments and filters at zero, integrators at `start`, those of s+ and s-."""
    shapes = [(len(chain.x), w.shape[1]) for w in chain.weights]
    return DyadState(
        [np.zeros(shape) for shape in shapes],
        [np.zeros(shape) for shape in shapes],
        [[np.full(shape, v) for v in start] for shape in shapes[:-1]],
        [[np.zeros(shape), np.zeros(shape)] for shape in shapes[:-1]],
    )


def read_out(chain: Chain, state: DyadState) -> Dyads:
    """The filtered spikes of hidden dyads; the states of analog output dyads."""
    c_plus, c_minus = chain.gains
    m, d = state.m[-1], state.d[-1]
    plus = [chain.x, *(pair[0] for pair in state.s), m + c_plus * d]
    minus = [chain.x, *(pair[1] for pair in state.s), m - c_minus * d]
    return Dyads(chain, plus, minus)


def integrated(chain: Chain, state: DyadState, times: WindowTimes) -> DyadState:
    """After all has moved by the state there was, before anything fires."""
    basal, apical = _targets(read_out(chain, state))
    leak = 1 - 1 / times.tau_s
    driven = zip(state.v, drives(chain, state), strict=True)
    return DyadState(
        [m + (to - m) / times.tau for m, to in zip(state.m, basal, strict=True)],
        [d + (to - d) / times.tau for d, to in zip(state.d, apical, strict=True)],
        [[v + f for v, f in zip(*pairs, strict=True)] for pairs in driven],
        [[leak * each for each in pair] for pair in state.s],
    )


def drives(chain: Chain, state: DyadState) -> list[Pair]:
    """f(m + c+ d) and f(m - c- d) of the hidden layers."""
    (c_plus, c_minus), f = chain.gains, chain.activation_of(1).value
    hidden = zip(state.m[:-1], state.d[:-1], strict=True)
    return [[f(m + c_plus * d), f(m - c_minus * d)] for m, d in hidden]


def _targets(dyads: Dyads) -> tuple[list[Array], list[Array]]:
    """Where m and d of every layer are heading."""
    chain, means, differences = dyads.chain, dyads.mean, dyads.difference
    projections = zip(means, chain.weights, chain.biases, strict=False)
    basal = [s @ w + b for s, w, b in projections]
    apical = [
        differences[k + 1] @ chain.down[k].T for k in range(1, len(chain.weights))
    ]
    slope = chain.cost_function.slope(means[-1], chain.y)
    return basal, [*apical, -chain.betas[-1] * slope]


def fired(
    state: DyadState, rates: list[Pair], times: WindowTimes, fire: Fire, random
) -> tuple[DyadState, list[Pair]]:
    """After the generators of all layers; and their spikes."""
    layers = zip(state.v, rates, strict=True)
    spikes, v = zip(*(fire(*layer, random) for layer in layers), strict=True)
    s = [
        _entered(traces, now, times.tau_s)
        for traces, now in zip(state.s, spikes, strict=True)
    ]
    return replace(state, v=list(v), s=s), list(spikes)


def _entered(traces: Pair, spikes: Pair, tau_s: float) -> Pair:
    return [s + now / tau_s for s, now in zip(traces, spikes, strict=True)]


def steps(
    chain: Chain, times: WindowTimes, encoder: str, state: DyadState, seed: int = 0
) -> Iterator[tuple[DyadState, list[Pair]]]:
    """Without end: the state after a step, and the spikes in it."""
    if encoder not in ENCODERS:
        raise InputError(f"no encoder {encoder!r}; choose of {', '.join(ENCODERS)}")
    random = np.random.default_rng(seed)
    while True:
        rates = drives(chain, state)
        state = integrated(chain, state, times)
        state, spikes = fired(state, rates, times, ENCODERS[encoder], random)
        yield state, spikes


def spiking_gradient(
    chain: Chain,
    times: WindowTimes,
    encoder: str = "subtractive",
    start: tuple[float, float] = (START, START),
    seed: int = 0,
) -> Parameters:
    """(dW of every layer, db of every layer), means over batch and window."""
    found = steps(chain, times, encoder, at_rest(chain, start), seed)
    window = islice(found, times.burn_in, times.burn_in + times.window)
    d_weights = [np.zeros(w.shape) for w in chain.weights]
    d_biases = [np.zeros(b.shape) for b in chain.biases]
    for state, _ in window:
        read = gradient(read_out(chain, state))
        for totals, parts in zip((d_weights, d_biases), read, strict=True):
            for total, part in zip(totals, parts, strict=True):
                total += part / times.window
    return d_weights, d_biases
