"""Dyads that speak in spikes beside backpropagation, and generators that do worse.

Subject: the network of :mod:`neuro_ep.checking.families.dyads`, sigmoid, squared
error, beta = 1/2; a burn-in of 300 steps, then a window of 400 in which weights
move. A rate is told to about one spike a window: the larger the errors sent down, the
shorter it may be.

What is measured (a number, one a parameter class)
    relative_error, cosine     of the update; truth is backpropagation of the rates
    oracle_error               of the update, beside the same spikes in numpy
    control_hard_reset         cosine in the worst layer, where what is above threshold
                               is lost
    control_independent_noise  the same, where both generators of a dyad fire by random
                               numbers of their own
    control_short_window       the same, by good generators, after 50 steps
Controls are those of 20-64-64-10, whatever the layers: shallow networks need less.
"""

from __future__ import annotations

from typing import Any

from brian2 import seed as seed_brian2

from neuro_ep.checking.families.dyads import (
    BATCH,
    LAYERS,
    SLOW,
    Weights,
    chain_of,
    cosine,
    descent,
    drawn,
    relative,
    shown,
)
from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import backpropagation
from neuro_ep.oracle.spiking_dyads import Times, spiking_gradient
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

#: Lengths in time constants of 20 steps.
STEP, BURN_IN, WINDOW, SHORT = 0.05, 15.0, 20.0, 2.5

#: What must not give the gradient, by name.
WRONG: dict[str, dict[str, Any]] = {
    "hard_reset": {"dynamics": "hard-reset"},
    "independent_noise": {"dynamics": "independent-noise"},
    "short_window": {"nudged": SHORT},
}


def windowed(layers, batch: int, **choices) -> Settings:
    """A burn-in and a window; sigmoid and squared error if not chosen otherwise."""
    base = Settings(
        layers=tuple(layers),
        eta=(0.0,),
        beta=0.5,
        free=BURN_IN,
        nudged=WINDOW,
        step=STEP,
        batch=batch,
        nudging="one-sided",
        activation="sigmoid",
        dynamics="sigma-delta",
    )
    return changed(base, **choices)


def measure(rule: Rule, layers, batch: int | None, seed: int) -> tuple[dict, dict]:
    """(what was measured, how) of a rule on chains of layers.

    Raises InputError where no layer is hidden: the others do not spike.
    """
    layers, batch = tuple(layers or LAYERS), batch or BATCH
    if len(layers) < 3:
        raise InputError(
            f"layers = {layers}: hidden neurons are those that spike; name at least "
            "three layers, such as 6,9,4"
        )
    subject, settings = drawn(layers, batch, seed), windowed(layers, batch)
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
    subject, settings = drawn(LAYERS, BATCH, seed), windowed(LAYERS, BATCH)
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


def rates_descent(settings: Settings, subject) -> Weights:
    """Minus the gradient of backpropagation, by projection."""
    chain = chain_of(settings, subject)
    network = chain.weights, chain.biases, chain.x, chain.y
    return descent(settings, backpropagation(*network, chain.activation, chain.cost))


def spikes_descent(settings: Settings, subject) -> Weights:
    """What the oracle's spikes change weights by, by projection."""
    chain = chain_of(settings, subject, reference="mean")
    burn_in = round(settings.free / settings.step)
    window = round(settings.nudged / settings.step)
    times = Times(burn_in=burn_in, window=window)
    return descent(settings, spiking_gradient(chain, times))
