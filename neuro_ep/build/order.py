"""The order in which a step happens: moments, their places in Brian2's schedule.

Brian2 runs what is in a network by slot, then by order, then by name. Here stands which
slot and order every moment of a step has; :func:`order_of` reads the whole order of a
built network from its objects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from brian2 import NetworkOperation
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import (
    Resetter,
    StateUpdater,
    SubexpressionUpdater,
    Thresholder,
)

from neuro_ep.engine.dense.events import EventOperation
from neuro_ep.engine.dense.gated import GatedOperation
from neuro_ep.engine.dense.plasticity import PlasticityOperation
from neuro_ep.engine.dense.sums import SummedOperation
from neuro_ep.errors import InputError
from neuro_ep.presentation.presentations import PresentationOperation
from neuro_ep.records import moment
from neuro_ep.records.settings import suggestion
from neuro_ep.traces.recorder import TrackOperation

if TYPE_CHECKING:
    from neuro_ep.build.network import LayeredNetwork

#: Moment -> Brian2's slot, and the order within it. Of the places of READ, FIRE, EVENT,
#: ON_PRE and ON_POST the engines decide; all others are given to them from here.
PLACES = {
    moment.PRESENT: ("before_start", -1),
    moment.READ: ("before_start", 0),
    moment.BEGIN: ("start", 0),
    moment.FIRST_HALF: ("before_groups", 0),
    moment.DELIVER: ("groups", -1),
    moment.MOVE: ("groups", 0),
    moment.SECOND_HALF: ("after_groups", 0),
    moment.FIRE: ("thresholds", 0),
    moment.EVENT: ("after_thresholds", 0),
    moment.ON_PRE: ("synapses", -1),
    moment.LEARN: ("synapses", 0),
    moment.ON_POST: ("synapses", 1),
    moment.RESET: ("resets", 0),
    moment.LEARN_AFTER_RESET: ("after_resets", 0),
    moment.FINISH: ("end", 0),
}

#: What is recorded are the values that a step begins from, once its inputs are set.
LOOK = (PLACES[moment.BEGIN][0], PLACES[moment.BEGIN][1] + 1)

#: Sums to one variable are delivered one after another, so far apart in their order.
NEXT_SUM = 1e-3

Row = tuple[str, str, float, str, str]


def slot(name: str) -> str:
    """Brian2's slot of a moment.

    Raises InputError for a name that is none.
    """
    if name not in PLACES:
        raise InputError(
            f"no moment of a step is called {name!r}{suggestion(name, PLACES)}"
        )
    return PLACES[name][0]


def at(name: str, later: float = 0) -> dict:
    """What Brian2 takes for an object that runs at a moment, or later in it."""
    return {"when": slot(name), "order": PLACES[name][1] + later}


def turns(layer: int, depth: int, sweep: bool) -> tuple[float, float]:
    """When a layer moves within :data:`moment.MOVE`, and its apical compartments.

    All at once; or, in a sweep, from the input up and then, apical ones, down again,
    with room before each for the sums that it reads.
    """
    first = PLACES[moment.MOVE][1]
    if not sweep:
        return first, first
    return first + 2 * layer, first + 2 * (2 * depth - 1 - layer)


def before(turn: float, earlier: int) -> float:
    """When a sum is delivered to neurons that move at ``turn``, after earlier ones."""
    return turn + PLACES[moment.DELIVER][1] + NEXT_SUM * earlier


def order_of(network: LayeredNetwork) -> tuple[Row, ...]:
    """All that a step does, in the order in which Brian2 does it.

    A row for every object: its moment, slot and order, its name, what it computes.
    """
    rows = []
    for item in network.brian2.sorted_objects:
        what = words(item)
        if what:
            found = (moment_of(item), item.when, float(item.order), item.name, what)
            rows.append(found)
    return tuple(rows)


def order_rows(network: LayeredNetwork) -> list[dict]:
    """The same as plain rows, for a file or for JSON."""
    return moment.as_rows(order_of(network))


def moment_of(item) -> str:
    """The moment at which an object runs, "" where it is at none of ours."""
    here = {
        name: order for name, (where, order) in PLACES.items() if where == item.when
    }
    if moment.MOVE in here:
        return moment.DELIVER if isinstance(item, SummedOperation) else moment.MOVE
    if len(here) == 1:
        return next(iter(here))
    return next((name for name, order in here.items() if order == item.order), "")


def described(network: LayeredNetwork) -> dict[str, str]:
    """Name of every object that computes something -> what it computes, in words."""
    return {name: what for _, _, _, name, what in order_of(network)}


def words(item) -> str:
    """What an object computes, "" if nothing."""
    if isinstance(item, TrackOperation):
        return ""  # it reads
    if isinstance(item, PresentationOperation):
        return f"{item.group.name}: samples, phases, predictions"
    if not isinstance(item, CodeRunner):
        return item.name if isinstance(item, NetworkOperation) else ""
    computed = ", ".join(_computed(item))
    if isinstance(item, (StateUpdater, SubexpressionUpdater)):
        return computed and f"{item.group.name}: {computed}"
    return f"{item.group.name}: {computed}{_condition(item)}" if computed else item.name


def _condition(item) -> str:
    """On what it depends whether an object does something."""
    if isinstance(item, (SummedOperation, PlasticityOperation)):
        return " (held)" if item.group.held else ""
    if isinstance(item, GatedOperation):
        return f" (where {item.gate})"
    if isinstance(item, (EventOperation, Resetter)):
        return f" (on {item.event})"
    return ""


def _computed(item) -> list[str]:
    """The left-hand sides of the equations or of the code of an object."""
    if isinstance(item, SummedOperation):
        return [equation.varname for equation in item.equations]
    if isinstance(item, PlasticityOperation):
        return [f"d{equation.varname}/dt" for equation in item.equations]
    if isinstance(item, StateUpdater):
        return [f"d{name}/dt" for name in sorted(item.group.equations.diff_eq_names)]
    if isinstance(item, SubexpressionUpdater):
        frozen = item.group.user_equations.values()
        return [eq.varname for eq in frozen if "constant over dt" in eq.flags]
    if isinstance(item, Thresholder):
        return [item.event]
    return assigned(_code(item))


def _code(item) -> str:
    """The code that an object runs, as it was given."""
    if isinstance(item, Resetter):
        return item.group.event_codes[item.event]
    if isinstance(item, EventOperation):
        return item.code.text
    code = item.code if isinstance(item, GatedOperation) else item.abstract_code
    return code or ""


def assigned(code: str) -> list[str]:
    """The variables that code changes, in the order of its lines."""
    return list(dict.fromkeys(re.findall(r"(?m)^\s*(\w+)\s*[-+*/]?=(?!=)", code)))
