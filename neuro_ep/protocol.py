"""What happens when: the phases of one presentation.

A presentation has a fixed length and everything in it is a function of the time since
its onset. The protocol sets three shared variables in every group that declares them:

nudged
    1 while the output is nudged, else 0.
beta
    The strength of nudging of this phase, with its sign; never 0. The force on the
    output is ``-beta * dcost/ds``: positive beta pulls towards the target.
plastic
    The share of the plasticity that is open: 0 while weights rest, 1, or 1/2 where two
    nudged phases of opposite sign are averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuro_ep.errors import InputError


@dataclass(frozen=True)
class Phase:
    """A stretch of a presentation.

    duration is in units of the neurons' time constant; nudge is the sign of nudging,
    0 for none; plastic the open share of plasticity; ``restore`` puts the neurons back
    to where they were at the end of the first phase, with the weights as they are.
    """

    name: str
    duration: float
    nudge: int = 0
    plastic: float = 0.0
    restore: bool = False

    def __post_init__(self):
        if not 0 < self.duration < math.inf:
            raise InputError(
                f"phase '{self.name}' lasts {self.duration} time constants: give a "
                "finite duration above 0"
            )


@dataclass(frozen=True)
class Protocol:
    """The phases of a presentation; the prediction is read at the end of the first.

    random_sign draws the sign of beta anew for every presentation, with equal chances.
    """

    name: str
    phases: tuple[Phase, ...]
    random_sign: bool = False


NUDGING = ("random-sign", "symmetric", "one-sided")


def free_then_nudged(nudging: str, free: float, nudged: float) -> Protocol:
    """The protocol of continual EP: plasticity is on in the nudged phase.

    nudging
        "one-sided": +beta. "random-sign": +beta or -beta, drawn for each presentation.
        "symmetric": +beta, then -beta from the free state, each with weight 1/2.
    free, nudged
        Durations in units of the neurons' time constant.
    """
    settle = Phase("free", free)
    phases: tuple[Phase, ...]
    if nudging == "symmetric":
        phases = (
            settle,
            Phase("nudge+", nudged, nudge=1, plastic=0.5),
            Phase("nudge-", nudged, nudge=-1, plastic=0.5, restore=True),
        )
    elif nudging in NUDGING:
        phases = (settle, Phase("nudge", nudged, nudge=1, plastic=1.0))
    else:
        raise InputError(f"nudging {nudging!r}: choose one of {', '.join(NUDGING)}")
    return Protocol(nudging, phases, random_sign=nudging == "random-sign")
