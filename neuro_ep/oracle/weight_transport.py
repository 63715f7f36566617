"""Feedback weights of their own that come to equal the forward weights.

Kolen & Pollack 1994: W and B take the same local increments and decay alike, so their
difference only decays, W - B = (1 - decay)^t (W_0 - B_0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from neuro_ep.oracle.backpropagation import Array
from neuro_ep.oracle.dyads import closed_form, gradient


def kolen_pollack(
    weights: Sequence[Array],
    biases: Sequence[Array],
    feedback: Sequence[Array],
    batches: Iterable[tuple[Array, Array]],
    *,
    rate: float,
    decay: float,
    sweeps: int = 1,
    **setting: Any,
) -> tuple[list[Array], list[Array], list[Array]]:
    """(weights, biases, feedback) after dual propagation of the batches (x, y).

    decay is the share of weights and feedback lost in a step; `setting` as in `Chain`.
    feedback[0] carries nothing, as the input has no dyads.
    """
    weights, biases, feedback = list(weights), list(biases), list(feedback)
    for x, y in batches:
        dyads = closed_form(
            weights, biases, x, y, sweeps=sweeps, feedback=feedback, **setting
        )
        d_weights, d_biases = gradient(dyads)
        weights, feedback = (
            [(1 - decay) * w - rate * d for w, d in zip(these, d_weights, strict=True)]
            for these in (weights, feedback)
        )
        biases = [b - rate * d for b, d in zip(biases, d_biases, strict=True)]
    return weights, biases, feedback
