"""Equilibrium propagation by spikes: a chain of layers that speak both ways.

Derived here, after EqSpike, Martin et al. 2021, arXiv 2010.07859; the gradient that is
to be told is that of the rates' fixed point,

    s_k = f(a_k),    a_k = s_{k-1} W_{k-1} + s_{k+1} W_k^T + b_k

which :func:`rates_gradient` computes by a linear solve. Spikes S tell of rates:

    tau dv_k/dt + v_k = I_k + b_k + beta (y - f(v_L)) on top
    tau_s dI_k/dt + I_k = S_{k-1} W_{k-1} + S_{k+1} W_k^T
    dg_k/dt = f(v_k),  S where g >= 1, which takes 1 from g
    tau_1 dr_k/dt + r_k = S_k,  tau_2 dq_k/dt + q_k = r_k
    dW_{k-1} = <S_{k-1}^T dq_k/dt + dq_{k-1}/dt^T S_k>/beta,  db_k = <dq_k/dt>/beta

One step of time is that in which a neuron fires once at most. Within it all moves by
what was there before; then neurons fire, currents get their spikes, weights move, and
filters get their spikes. The free phase is followed by one with beta, and by one with
-beta from the same state; the gradient is minus the mean of the changes of both.
Arrays: samples first, then units; weights (n_pre, n_post). No simulation of Brian2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import Array, Parameters
from neuro_ep.oracle.dyadic_graph import Graph, implicit_signal

#: What integrators start from, as a share of threshold.
START = 0.25

#: Activation -> the (name, gain, centre) of one of the oracle, f(gain (a - centre)).
ACTIVATIONS = {"sigmoid": ("sigmoid", 4.0, 0.5), "hard-sigmoid": ("hard-sigmoid", 1, 0)}


@dataclass(frozen=True)
class PhaseTimes:
    """In steps: time constants of membranes, currents and filters; phases."""

    free: int
    nudged: int
    tau: float = 10.0
    tau_s: float = 5.0
    tau_1: float = 30.0
    tau_2: float = 30.0


@dataclass(frozen=True)
class Network:
    """Weights [(n_pre, n_post)], biases [(n_post,)], x (batch, n), y (batch, n)."""

    weights: Sequence[Array]
    biases: Sequence[Array]
    x: Array
    y: Array
    activation: str = "sigmoid"

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise InputError(f"no activation {self.activation!r}; choose of {known}")

    @property
    def f(self) -> Callable[[Array], Array]:
        return {
            "sigmoid": lambda v: 1 / (1 + np.exp(-4 * (v - 0.5))),
            "hard-sigmoid": lambda v: np.clip(v, 0, 1),
        }[self.activation]


@dataclass(frozen=True)
class NeuronState:
    """Of the layers 1 ... L: v, I, r, q, each (batch, n); g of the layers 0 ... L."""

    v: list[Array]
    current: list[Array]
    r: list[Array]
    q: list[Array]
    g: list[Array]


def at_rest(network: Network) -> NeuronState:
    """All at zero but for integrators."""
    batch = len(network.x)
    shapes = [(batch, w.shape[1]) for w in network.weights]
    zero = [np.zeros(shape) for shape in shapes]
    begun = [np.full(shape, START) for shape in [network.x.shape, *shapes]]
    return NeuronState(zero, zero, zero, zero, begun)


def step(
    network: Network, times: PhaseTimes, state: NeuronState, beta: float
) -> tuple[NeuronState, list[Array], list[Array]]:
    """(state after it, spikes of the layers 0 ... L, changes of q of 0 ... L)."""
    rates = [network.x, *(network.f(v) for v in state.v)]
    drive = [i + b for i, b in zip(state.current, network.biases, strict=True)]
    drive[-1] = drive[-1] + beta * (network.y - rates[-1])
    g = [each + rate for each, rate in zip(state.g, rates, strict=True)]
    spikes = [each >= 1 for each in g]
    change = [(r - q) / times.tau_2 for r, q in zip(state.r, state.q, strict=True)]
    moved = NeuronState(
        v=[v + (to - v) / times.tau for v, to in zip(state.v, drive, strict=True)],
        current=_filtered(state.current, arriving(network, spikes), times.tau_s),
        r=_filtered(state.r, spikes[1:], times.tau_1),
        q=[q + dq for q, dq in zip(state.q, change, strict=True)],
        g=[each - spike for each, spike in zip(g, spikes, strict=True)],
    )
    return moved, spikes, [np.zeros_like(network.x), *change]


def arriving(network: Network, spikes: Sequence[Array]) -> list[Array]:
    """Weighted spikes from the layers below and above, of the layers 1 ... L."""
    found = [s @ w for s, w in zip(spikes, network.weights, strict=False)]
    for k, w in enumerate(network.weights[1:]):
        found[k] = found[k] + spikes[k + 2] @ w.T
    return found


def _filtered(traces, entering, tau: float) -> list[Array]:
    pairs = zip(traces, entering, strict=True)
    return [trace + (new - trace) / tau for trace, new in pairs]


def after(network: Network, times: PhaseTimes, steps: int) -> NeuronState:
    """The state after so many steps of the free phase."""
    state = at_rest(network)
    for _ in range(steps):
        state, _, _ = step(network, times, state, 0.0)
    return state


def spiking_gradient(network: Network, times: PhaseTimes, beta: float) -> Parameters:
    """(dW of every layer, db of every layer), means over the batch."""
    free = after(network, times, times.free)
    plus, minus = (nudged(network, times, free, s * beta) for s in (1, -1))
    d_weights, d_biases = (
        [-(a + b) / 2 for a, b in zip(*pair, strict=True)]
        for pair in zip(plus, minus, strict=True)
    )
    return d_weights, d_biases


def nudged(
    network: Network, times: PhaseTimes, state: NeuronState, beta: float
) -> Parameters:
    """How (weights, biases) move in a nudged phase."""
    weights = [np.zeros(w.shape) for w in network.weights]
    biases = [np.zeros(b.shape) for b in network.biases]
    scale = 1 / (beta * len(network.x))
    for _ in range(times.nudged):
        state, spikes, change = step(network, times, state, beta)
        for k in range(len(weights)):
            told = spikes[k].T @ change[k + 1] + change[k].T @ spikes[k + 1]
            weights[k] += scale * told
            biases[k] += scale * change[k + 1].sum(axis=0)
    return weights, biases


def rates_gradient(network: Network) -> Parameters:
    """(dW of every layer, db of every layer) of the cost at the rates' fixed point."""
    layers, graph = _layers(network), rates(network)
    signal = ACTIVATIONS[network.activation][1] * implicit_signal(graph)
    whole = graph.free.T @ signal
    tied = [
        whole[below, above] + whole[above, below].T
        for below, above in zip(layers, layers[1:], strict=False)
    ]
    inward = network.x.T @ signal[:, layers[0]]
    d_weights = [dw / len(signal) for dw in (inward, *tied)]
    return d_weights, [signal[:, layer].mean(axis=0) for layer in layers]


def rates(network: Network) -> Graph:
    """The layers 1 ... L, joined both ways; its units are in terms of f's own."""
    name, gain, centre = ACTIVATIONS[network.activation]
    layers = _layers(network)
    drive = np.tile(np.concatenate(network.biases), (len(network.x), 1))
    drive[:, layers[0]] += network.x @ network.weights[0]
    joined = np.zeros((drive.shape[1], drive.shape[1]))
    for below, above, w in zip(layers, layers[1:], network.weights[1:], strict=False):
        joined[below, above], joined[above, below] = w, w.T
    return Graph(gain * joined, gain * (drive - centre), network.y, name)


def _layers(network: Network) -> list[slice]:
    """Where the units of the layers 1 ... L are, of all."""
    ends = np.cumsum([0, *(w.shape[1] for w in network.weights)]).tolist()
    return [slice(*pair) for pair in zip(ends, ends[1:], strict=False)]
