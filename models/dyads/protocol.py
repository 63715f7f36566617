"""When dyads are nudged and when their weights move: one phase, or sweeps."""

from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.hopfield import named
from neuro_ep.records.protocol import Phase, Protocol
from neuro_ep.records.settings import Settings


def protocol(settings: Settings) -> Protocol:
    """One phase with the target there all the time; weights move at its end.

    ``free`` is how long they rest first and ``nudged`` how long they move, in time
    constants: what they move by adds up to eta times the descent of the cost. In
    discrete time these are sweeps, weights move in the last, and the first is always
    a phase of its own, at whose end the prediction is read.
    """
    free, nudged = settings.free, settings.nudged
    _refuse_foreign(settings)
    if settings.dynamics == "discrete":
        return _sweeps(settings)
    if settings.dynamics == "damped":
        share = 1 / settings.step  # of one step, the last
        kept = Phase("nudged", nudged, 1, share, every=0, from_before=True)
        return Protocol("free, then nudged", (Phase("free", free), kept))
    learn = Phase("plastic", nudged, nudge=1, plastic=1 / nudged)
    settle = (Phase("settle", free, nudge=1),) if free else ()
    return Protocol("one phase", (*settle, learn))


def _refuse_foreign(settings: Settings):
    """Both nudges are there at once, and weights follow the neurons at every step."""
    named({"one-sided": None}, settings.nudging, "nudging of dyads")
    named({"difference": None}, settings.plasticity, "plasticity of dyads")
    if settings.plastic_every != 1:
        raise InputError(
            f"plastic_every = {settings.plastic_every}: plasticity of dyads is open at "
            "every step, or at the end; leave it out"
        )


def _sweeps(settings: Settings) -> Protocol:
    sweeps = settings.free + settings.nudged
    if settings.step != 1 or sweeps % 1:
        raise InputError(
            f"step = {settings.step}, free = {settings.free}, nudged = "
            f"{settings.nudged}: in discrete time the step is 1 and free + nudged a "
            "whole number of sweeps"
        )
    if sweeps == 1:
        return Protocol("one sweep", (Phase("sweep", 1, nudge=1, plastic=1.0),))
    again = Phase("sweeps", sweeps - 1, 1, 1.0, every=0, from_before=True)
    return Protocol("sweeps", (Phase("sweep", 1, nudge=1), again))
