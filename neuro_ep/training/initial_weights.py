"""The weights that training begins with."""

from __future__ import annotations

import math

import numpy as np

from neuro_ep.build.wiring import wiring
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings


def initial_weights(rule: Rule, settings: Settings, seed: int) -> dict[str, np.ndarray]:
    """Weights in units of v_unit, uniform in +-1/sqrt(rows); forward weights first.

    Backward weights are the transposed forward ones, each with its sign flipped with
    probability (1 - cos weight_angle)/2. What comes from the one unit starts where its
    model says and is not in here.
    """
    draw = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    model = rule.model(settings)
    forward: dict[str, np.ndarray] = {}
    backward: dict[str, np.ndarray] = {}
    for edge in wiring(model, settings):
        if edge.pre is None or edge.kind.weight is None:
            continue
        shape = edge.shape
        if edge.kind is model.backward:
            tied = list(forward.values())[edge.rate].T
            flipped = (1 - math.cos(math.radians(settings.weight_angle))) / 2
            backward[edge.name] = np.where(draw.random(shape) < flipped, -tied, tied)
        else:
            bound = 1 / math.sqrt(shape[0])
            drawn = draw.uniform(-bound, bound, shape)
            forward[edge.name] = _mirrored(drawn) if edge.kind.symmetric else drawn
    return forward | backward


def _mirrored(weights: np.ndarray) -> np.ndarray:
    """The upper triangle, and its mirror image below; no unit meets itself."""
    upper = np.triu(weights, 1)
    return upper + upper.T
