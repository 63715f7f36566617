"""Dyads that speak in spikes beside backpropagation, and generators that do worse.

Subject: the network of :mod:`neuro_ep.checking.families.dyads`, sigmoid, squared
error, beta = 1/2; a burn-in of 300 steps, then a window of 400 in which weights
move. A rate is told to about one spike a window: the larger the errors sent down, the
shorter it may be.

Controls are those of 20-64-64-10, whatever the layers: shallow networks need less.
"""

from __future__ import annotations

from typing import Any

from neuro_ep.checking.families.dyads import (
    BATCH,
    LAYERS,
    SEED,
    Weights,
    chain_of,
    descent,
    drawn,
)
from neuro_ep.checking.families.spikes import QUANTITIES, SpikingFamily
from neuro_ep.checking.family import Asked, Family
from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import backpropagation
from neuro_ep.oracle.spiking_dyads import WindowTimes, spiking_gradient
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


def measure(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what was measured, how) of a rule on chains of layers.

    Raises InputError where no layer is hidden: the others do not spike.
    """
    if len(asked.layers) < 3:
        raise InputError(
            f"layers = {asked.layers}: hidden neurons are those that spike; name at "
            "least three layers, such as 6,9,4"
        )
    return SPIKES.measure(rule, asked)


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
    times = WindowTimes(burn_in=burn_in, window=window)
    return descent(settings, spiking_gradient(chain, times))


SPIKES = SpikingFamily(
    LAYERS, BATCH, drawn, windowed, rates_descent, spikes_descent, WRONG
)

FAMILY = Family(
    "spiking dyads",
    QUANTITIES
    | {
        "control_short_window": "the same, by good generators, in a window of 50 steps",
    },
    SEED,
    {"relative_error": (0, 0.1), "cosine": (0.99, 1.0001), "oracle_error": (0, 1e-2)},
    measure,
    layers=LAYERS,
    batch=BATCH,
    controls=tuple(f"control_{name}" for name in WRONG),
)
