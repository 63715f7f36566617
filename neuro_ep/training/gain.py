"""The gain law of continual EP: when plasticity feeds back on the neurons it follows.

In continual EP the weights are slaved to the activities while these settle, which adds
``-(eta/(2 beta)) sum (rho_pre rho_post - rho*_pre rho*_post)**2`` to the energy. Per
layer its strength is

    g = (eta/beta) * slope**2 * lambda_max(Gram of presynaptic activities) / batch

with ``slope = d rho/dv`` of the layer, taken here at its largest value, 1. Where
weights are shared between positions, every position sees activities of its own. The
relative error of the total update is about g. For beta > 0 it is positive feedback,
and above 0.5 it runs away; for beta < 0 it attenuates. Nudging with both signs cancels
the first order in g.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.gain import gain
from neuro_ep.records.filters import ALL, read_filter
from neuro_ep.records.protocol import Protocol
from neuro_ep.records.settings import Settings

WARN_ABOVE = 0.1
REFUSE_ABOVE = 0.5


def seen_by(settings: Settings, projection: int, activity: np.ndarray) -> np.ndarray:
    """What the weights of a projection see of (batch, n_pre), as in :func:`gain`."""
    word = settings.filters[projection] if settings.filters else ALL
    found = read_filter(word)
    if found is None:
        return activity
    from neuro_ep.engine.convolution.geometry import Convolution  # not without Brian2

    maps, kernel = settings.shapes[settings.edges[projection][0]], found.kernel
    window = (kernel, kernel, found.stride, found.padding, found.channels)
    unfold = Convolution(*maps, *window).unfold
    return np.stack([unfold(sample).T for sample in activity])


def estimated_gains(
    settings: Settings, protocol: Protocol, weights, inputs: np.ndarray
) -> list[float]:
    """g of every projection before training, from one batch of inputs.

    Exact for those from the input; the activities of other layers are estimated by one
    pass from the input up, without feedback. ``weights`` are in units of v_unit, one a
    projection; ``inputs`` are (batch, features).
    """
    gains, activities = [], {0: np.asarray(inputs, dtype=float)}
    rho = RHO[settings.activation]
    rates = open_rates(settings, [phase.plastic for phase in protocol.phases])
    for number, (eta, matrix) in enumerate(zip(rates, weights, strict=True)):
        pre, post = settings.edges[number]
        if pre in activities:
            seen = seen_by(settings, number, activities[pre])
            gains.append(gain(eta, settings.beta, seen))
            above = np.moveaxis(rho(seen @ matrix), -1, 1)  # channels before positions
            activities.setdefault(post, above.reshape(len(above), -1))
    return gains


def open_rates(settings: Settings, shares: Iterable[float]) -> list[float]:
    """Learning rates while plasticity is open; shares are those of the phases."""
    share = max(shares)
    return [share * eta for eta in settings.eta]


def is_one_sided(protocol: Protocol) -> bool:
    """Whether every presentation is nudged with one sign, so that errors add up."""
    signs = {phase.nudge for phase in protocol.phases if phase.nudge}
    return len(signs) == 1 and not protocol.random_sign


RHO: dict[str, Callable] = {
    "sigmoid": lambda v: 1 / (1 + np.exp(-4 * (v - 0.5))),
    "hard-sigmoid": lambda v: np.clip(v, 0, 1),
    "tanh": np.tanh,
}


def check_gains(
    settings: Settings, protocol: Protocol, gains: list[float]
) -> str | None:
    """A warning, or None; refuses a gain that runs away with one-sided positive beta.

    Raises
    ------
    InputError
        If g > 0.5 and nudging is one-sided with positive beta.
    """
    largest = max(gains)
    listed = ", ".join(f"{g:.2g}" for g in gains)
    if largest > REFUSE_ABOVE and is_one_sided(protocol) and settings.beta > 0:
        raise InputError(
            f"the gain g of continual plasticity is {listed} (input to output) and "
            f"above {REFUSE_ABOVE} weights run away with one-sided positive beta: "
            "lower eta or raise beta, choose --nudging random-sign or symmetric, "
            "or override with --allow-gain"
        )
    if largest > WARN_ABOVE:
        advice = "lower eta or raise beta"
        if is_one_sided(protocol):
            advice += ", or choose --nudging random-sign or symmetric"
        return (
            f"the gain g of continual plasticity is {listed} (input to output); above "
            f"{WARN_ABOVE} each update errs by about g, which nudging of both signs "
            f"cancels to first order; to reduce it {advice}"
        )
    return None
