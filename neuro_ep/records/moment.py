"""The moments of a step, in the order in which they come.

A model says by these names when its code runs, its sums are delivered and its weights
change; :mod:`neuro_ep.build.order` maps them to Brian2's schedule.
"""

from __future__ import annotations

PRESENT = "present"
READ = "read"
BEGIN = "begin"
FIRST_HALF = "first_half"
DELIVER = "deliver"
MOVE = "move"
SECOND_HALF = "second_half"
FIRE = "fire"
EVENT = "event"
ON_PRE = "on_pre"
LEARN = "learn"
ON_POST = "on_post"
RESET = "reset"
LEARN_AFTER_RESET = "learn_after_reset"
FINISH = "finish"

#: Moment -> what happens then.
MEANINGS = {
    PRESENT: "the step learns its sample and its phase; a new presentation sets states",
    READ: "what stays fixed during a step is computed from the state before it",
    BEGIN: "what has to be known before anything moves is delivered",
    FIRST_HALF: "what moves before the sums are delivered, as positions of a leapfrog",
    DELIVER: "synapses deliver their sums, just before the neurons that read them move",
    MOVE: "neurons move, and weights that move with them",
    SECOND_HALF: "what moves after the neurons, as positions of a leapfrog",
    FIRE: "neurons whose condition holds spike",
    EVENT: "other events of neurons happen",
    ON_PRE: "spikes of presynaptic neurons act on their synapses",
    LEARN: "weights change, after the neurons have moved",
    ON_POST: "spikes of postsynaptic neurons act on their synapses",
    RESET: "neurons in which an event has happened are set anew",
    LEARN_AFTER_RESET: "weights change, after events have acted on the neurons",
    FINISH: "marks are taken, and what a gate opens changes, as weights at the end "
    "of a presentation",
}

#: What a row of the order says, as :func:`neuro_ep.build.order.order_of` gives it.
COLUMNS = ("moment", "slot", "order", "object", "what")


def as_rows(order) -> list[dict]:
    """The order of a network as plain rows, for a file or for JSON."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in order]
