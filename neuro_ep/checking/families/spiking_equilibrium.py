"""Equilibrium propagation by spikes beside the gradient of rates, and what does worse.

Subject: 20-64-10, sigmoid, squared error, 20 samples of random inputs in [0, 1]; both
signs of beta after a free phase. Each sample tells of the gradient with errors of its
own, by the beats of two spike trains; they are averaged.

Controls are those of this network, whatever the layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.families.dyads import SEED, Weights, descent
from neuro_ep.checking.families.spikes import QUANTITIES, SpikingFamily
from neuro_ep.checking.family import Family
from neuro_ep.oracle.spiking_ep import (
    Network,
    PhaseTimes,
    rates_gradient,
    spiking_gradient,
)
from neuro_ep.records.settings import Settings, changed

LAYERS, BATCH = (20, 64, 10), 20

#: Lengths in time constants of 10 steps.
STEP, FREE, NUDGED, BETA = 0.1, 30.0, 15.0, 0.3

#: What must not give the gradient, by name.
WRONG: dict[str, dict[str, Any]] = {
    "hard_reset": {"dynamics": "hard-reset"},
    "independent_noise": {"dynamics": "noise"},
    "short_window": {"nudged": 1},
    "no_derivative": {"plasticity": "hebbian", "nudging": "one-sided"},
    "one_sign": {"free": 10, "nudging": "one-sided"},
}


def presented(layers, batch: int, **choices) -> Settings:
    """A free phase, then both signs of beta, if not chosen otherwise."""
    base = Settings(
        layers=tuple(layers),
        eta=(0.0,),
        beta=BETA,
        free=FREE,
        nudged=NUDGED,
        step=STEP,
        batch=batch,
        nudging="symmetric",
        activation="sigmoid",
        dynamics="sigma-delta",
        plasticity="derivative",
    )
    return changed(base, **choices)


def drawn(layers, batch: int, seed: int):
    """(weights and biases by projection, inputs (batch, n), labels (batch,))."""
    draw, names = np.random.default_rng(seed), layer_names(layers)
    weights: Weights = {}
    for k, (pre, post) in enumerate(zip(names, names[1:], strict=False)):
        shape = layers[k], layers[k + 1]
        weights[f"{pre}_to_{post}"] = draw.uniform(-1, 1, shape) / np.sqrt(shape[0])
        weights[f"bias_{post}"] = 0.1 * draw.normal(size=(1, shape[1]))
    inputs = draw.random((batch, layers[0]))
    return weights, inputs, draw.integers(0, layers[-1], batch)


def network_of(settings: Settings, subject) -> Network:
    """The oracle's network for a subject as drawn."""
    weights, inputs, labels = subject
    names = layer_names(settings.layers)
    return Network(
        [weights[f"{a}_to_{b}"] for a, b in zip(names, names[1:], strict=False)],
        [weights[f"bias_{name}"][0] for name in names[1:]],
        inputs,
        np.eye(settings.layers[-1])[labels],
        settings.activation,
    )


def rates_descent(settings: Settings, subject) -> Weights:
    """Minus the gradient at the fixed point of rates, by projection."""
    return descent(settings, rates_gradient(network_of(settings, subject)))


def spikes_descent(settings: Settings, subject) -> Weights:
    """What the oracle's spikes change weights by, by projection."""
    times = PhaseTimes(
        free=round(settings.free / settings.step),
        nudged=round(settings.nudged / settings.step),
    )
    network = network_of(settings, subject)
    return descent(settings, spiking_gradient(network, times, settings.beta))


SPIKES = SpikingFamily(
    LAYERS, BATCH, drawn, presented, rates_descent, spikes_descent, WRONG
)

FAMILY = Family(
    "spiking equilibrium",
    QUANTITIES
    | {
        "control_short_window": "the same, in nudged phases shorter than the filters",
        "control_no_derivative": "the same, where spikes find filtered spikes and not "
        "their change; positive beta only",
        "control_one_sign": "the same by the good rule, with positive beta only, after "
        "a free phase as short as the nudged one",
    },
    SEED,
    {"relative_error": (0, 0.25), "cosine": (0.99, 1.0001), "oracle_error": (0, 1e-2)},
    SPIKES.measure,
    layers=LAYERS,
    batch=BATCH,
    controls=tuple(f"control_{name}" for name in WRONG),
)
