"""Equilibrium propagation by spikes beside the gradient of rates, and what does worse.

Subject: 20-64-10, sigmoid, squared error, 20 samples of random inputs in [0, 1]; both
signs of beta after a free phase. Each sample tells of the gradient with errors of its
own, by the beats of two spike trains; they are averaged.

What is measured (a number, one a parameter class)
    relative_error, cosine     of the update; truth is the gradient of the cost at the
                               fixed point of rates, by a linear solve
    oracle_error               of the update, beside the same spikes in numpy
    control_hard_reset         cosine in the worst layer, where what is above threshold
                               is lost
    control_independent_noise  the same, where neurons fire by random numbers
    control_short_window       the same, in nudged phases shorter than the filters
    control_no_derivative      the same, where spikes find filtered spikes and not
                               their change; positive beta only
    control_one_sign           the same by the good rule, with positive beta only, after
                               a free phase as short as the nudged one
Controls are those of this network, whatever the layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2 import seed as seed_brian2

from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.families.dyads import (
    SLOW,
    Weights,
    cosine,
    descent,
    relative,
    shown,
)
from neuro_ep.oracle.spiking_ep import (
    Network,
    Times,
    rates_gradient,
    spiking_gradient,
)
from neuro_ep.records.rule import Rule
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


def measure(rule: Rule, layers, batch: int | None, seed: int) -> tuple[dict, dict]:
    """(what was measured, how) of a rule on chains of layers."""
    layers, batch = tuple(layers or LAYERS), batch or BATCH
    subject, settings = drawn(layers, batch, seed), presented(layers, batch)
    truth = rates_descent(settings, subject)
    update = shown(rule, settings, *subject, eta=SLOW).update
    same = spikes_descent(settings, subject)
    measured = {
        "relative_error": {k: relative(update[k], right) for k, right in truth.items()},
        "cosine": {k: cosine(update[k], right) for k, right in truth.items()},
        "oracle_error": max(relative(update[k], right) for k, right in same.items()),
        **controls(rule, seed),
    }
    return measured, {"layers": list(layers), "batch": batch, "beta": settings.beta}


def controls(rule: Rule, seed: int) -> dict[str, float]:
    """Cosines of what must not give the gradient, on the network of this check."""
    subject, settings = drawn(LAYERS, BATCH, seed), presented(LAYERS, BATCH)
    truth = rates_descent(settings, subject)
    seed_brian2(seed)
    return {
        f"control_{name}": worst_cosine(
            rule, changed(settings, **wrong), subject, truth
        )
        for name, wrong in WRONG.items()
    }


def worst_cosine(rule: Rule, settings: Settings, subject, truth: Weights) -> float:
    """Of the update of any weights or biases with what it should be."""
    update = shown(rule, settings, *subject, eta=SLOW).update
    return min(cosine(update[name], wanted) for name, wanted in truth.items())


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
    times = Times(
        free=round(settings.free / settings.step),
        nudged=round(settings.nudged / settings.step),
    )
    network = network_of(settings, subject)
    return descent(settings, spiking_gradient(network, times, settings.beta))
