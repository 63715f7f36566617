"""What happens when: the phases of one presentation.

Everything in a presentation is a function of the time since its onset; its length is
fixed unless phases may end once they have settled. The protocol sets shared variables
in every group that declares them:

nudged
    1 while the output is nudged, else 0.
beta
    The strength of nudging of this phase, with its sign; never 0. The force on the
    output is ``-beta * dcost/ds``: positive beta pulls towards the target.
plastic
    The share of the plasticity that is open: 0 while weights rest, 1, or 1/2 where two
    nudged phases of opposite sign are averaged.
marking
    1 in steps at whose end rules that need it note the activity they compare with.
echo
    1 while time is shown in reverse, else 0.
mirror
    1 in the first step of an echo, else 0.
judged
    1 in steps in which the cost counts, else 0.
final
    1 in the first step of an echo where the cost counts at the final instant only.
learns
    1 in presentations that go beyond their first phase, 0 in those that only test.
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

    Plasticity opens at every step, or ``every`` n-th and the last (0: the last only).
    Rules that open it more rarely compare with a mark, the activity when it was open
    last or the phase began; with ``from_before`` the mark stays that of the end of the
    phase before, also where the neurons are restored.

    An ``echo`` shows inputs and targets in reverse, from the state where the phase
    before has ended.
    """

    name: str
    duration: float
    nudge: int = 0
    plastic: float = 0.0
    restore: bool = False
    every: int = 1
    from_before: bool = False
    echo: bool = False

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


def free_then_nudged(
    nudging: str, free: float, nudged: float, every: int = 1
) -> Protocol:
    """The protocol of continual EP: plasticity is on in the nudged phase.

    nudging
        "one-sided": +beta. "random-sign": +beta or -beta, drawn for each presentation.
        "symmetric": +beta, then -beta from the free state, each with weight 1/2.
    free, nudged
        Durations in units of the neurons' time constant.
    every
        Steps from one opening of plasticity to the next.
    """
    settle = Phase("free", free)
    phases: tuple[Phase, ...]
    if nudging == "symmetric":
        phases = (
            settle,
            Phase("nudge+", nudged, nudge=1, plastic=0.5, every=every),
            Phase("nudge-", nudged, nudge=-1, plastic=0.5, restore=True, every=every),
        )
    elif nudging in NUDGING:
        phases = (settle, Phase("nudge", nudged, nudge=1, plastic=1.0, every=every))
    else:
        raise InputError(f"nudging {nudging!r}: choose one of {', '.join(NUDGING)}")
    return Protocol(nudging, phases, random_sign=nudging == "random-sign")


def free_then_contrast(nudging: str, free: float, nudged: float) -> Protocol:
    """The protocol of EP: weights rest until the end of the presentation.

    They change once, by the contrast of two settled states: nudged and free, or, with
    symmetric nudging, the two nudged ones. Arguments as in :func:`free_then_nudged`.
    """
    if nudging != "symmetric":
        return free_then_nudged(nudging, free, nudged, every=0)
    lower = Phase(*("nudge-", nudged, -1, 0.5), restore=True, every=0, from_before=True)
    return Protocol(
        nudging, (Phase("free", free), Phase("nudge+", nudged, nudge=1), lower)
    )


def run_then_echo(nudging: str, duration: float) -> Protocol:
    """The protocol of echo learning: run, turn the momenta round, run back nudged.

    nudging
        "symmetric": two copies echo at once, with +beta and -beta. "one-sided": one,
        with +beta, is compared with the run itself. Weights change as the echo ends.
    duration
        Of the run, in units of the neurons' time constant; the echo takes as long.
    """
    known = ("symmetric", "one-sided")
    if nudging not in known:
        raise InputError(f"nudging {nudging!r}: choose one of {', '.join(known)}")
    back = Phase("echo", duration, nudge=1, plastic=1.0, every=0, echo=True)
    return Protocol(nudging, (Phase("run", duration), back))
