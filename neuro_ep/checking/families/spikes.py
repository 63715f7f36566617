"""What checks of rules that speak in spikes share: the update, and what does worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2 import seed as seed_brian2

from neuro_ep.checking.families.dyads import SLOW, Weights, shown
from neuro_ep.checking.family import Asked
from neuro_ep.oracle.compare import cosines, relative_errors
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

#: (weights and biases by projection, inputs (batch, n), labels (batch,)).
Drawn = tuple[Weights, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class SpikingFamily:
    """A network that spikes, how it is presented, and what its update should be.

    layers, batch
        Those of the network that controls are measured on.
    drawn, settings
        (layers, batch, seed) -> the network and samples; (layers, batch) -> settings.
    rates, spikes
        (settings, drawn) -> minus the gradient of the rates, and what the oracle's
        spikes change weights by, by projection.
    wrong
        Name of a control -> the settings that must not give the gradient.
    """

    layers: tuple[int, ...]
    batch: int
    drawn: Callable[[tuple[int, ...], int, int], Drawn]
    settings: Callable[..., Settings]
    rates: Callable[[Settings, Drawn], Weights]
    spikes: Callable[[Settings, Drawn], Weights]
    wrong: Mapping[str, Mapping[str, Any]]

    def measure(self, rule: Rule, asked: Asked) -> tuple[dict, dict]:
        """(what was measured, how) of a rule on chains of layers."""
        layers, batch = asked.layers, asked.batch
        subject = self.drawn(layers, batch, asked.seed)
        settings = self.settings(layers, batch)
        truth, same = self.rates(settings, subject), self.spikes(settings, subject)
        update = shown(rule, settings, *subject, eta=SLOW).update
        measured = {
            "relative_error": relative_errors(update, truth, truth),
            "cosine": cosines(update, truth, truth),
            "oracle_error": max(relative_errors(update, same, same).values()),
            **self.controls(rule, asked.seed),
        }
        return measured, {
            "layers": list(layers),
            "batch": batch,
            "beta": settings.beta,
        }

    def controls(self, rule: Rule, seed: int) -> dict[str, float]:
        """Cosines, in the worst layer, of what must not give the gradient."""
        subject = self.drawn(self.layers, self.batch, seed)
        settings = self.settings(self.layers, self.batch)
        truth = self.rates(settings, subject)
        seed_brian2(seed)
        return {
            f"control_{name}": worst_cosine(
                rule, changed(settings, **wrong), subject, truth
            )
            for name, wrong in self.wrong.items()
        }


def worst_cosine(
    rule: Rule, settings: Settings, subject: Drawn, truth: Weights
) -> float:
    """Of the update of any weights or biases with what it should be."""
    update = shown(rule, settings, *subject, eta=SLOW).update
    return min(cosines(update, truth, truth).values())


#: What both families measure.
QUANTITIES = {
    "relative_error": "of the update beside minus the gradient of the rates, by "
    "projection",
    "cosine": "of the angle between both, by projection",
    "oracle_error": "of the update, beside the same spikes in numpy, at worst",
    "control_hard_reset": "cosine in the worst layer, where what is above threshold is "
    "lost at a spike",
    "control_independent_noise": "the same, where neurons fire by random numbers of "
    "their own",
}
