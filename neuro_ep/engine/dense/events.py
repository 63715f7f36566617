"""Code that runs on a row or a column of synapses for each spike of its neuron.

    S = DenseSynapses(pre, post, '''
        w : volt
        eta : volt (shared, constant)
        ''', on_pre="I_post += w", on_post="w += eta*x_pre", replicas=20)

A spike of presynaptic neuron ``i`` in replica ``r`` runs ``on_pre`` on the synapses
``(i, 0), (i, 1), ...`` with the neurons of that replica, one of postsynaptic neuron
``j`` runs ``on_post`` on ``(0, j), (1, j), ...``; no other synapse is touched.

**Several spikes in one step** are handled one after the other as the event space lists
them: by the numbers of neurons, so replica by replica (a ``SpikeGeneratorGroup`` lists
those of different times in one step by time). What one has changed the next one reads,
and a synapse reads all it needs before it changes anything.

Neuron variables and ``(replicated)`` ones belong to a replica and are set as
``Synapses`` sets them. What is one a synapse is shared, and a replica's event changes
it by ``1/replicas`` of what it would alone: the code begins with the present value
``w``, works with its own new value ``w'`` to its end, and leaves ``w + (w' -
w)/replicas``. With one replica that is ``w'``, as with ``Synapses``.

A pathway runs in the step of the spike, in the slot "synapses", on the clock of the
neurons that spike: ``on_pre`` with order -1, ``on_post`` with order 1, unless
``S.pre.order`` or ``S.post.order`` is set. It is named ``NAME_pre`` or ``NAME_post``.
"""

from __future__ import annotations

from collections.abc import Mapping

from neuro_ep.engine.dense.event_code import averaged, event_code, refuse_random
from neuro_ep.engine.dense.names import NUMBERS
from neuro_ep.engine.dense.operations import DenseOperation
from neuro_ep.errors import InputError

#: Of the pathways of a side, in the slot "synapses".
ORDER = {"pre": -1, "post": 1}

SPIKE = "spike"


class EventOperation(DenseOperation):
    """A pathway: code, and whose events run it.

    Parameters
    ----------
    synapses : DenseSynapses
        With all of its variables.
    name : str
        Of the pathway; ``"pre"`` or ``"post"`` where it is the only one of its side.
    side : str
        ``"pre"`` or ``"post"``: the neurons whose events run the code.
    code : str
        Statements, separated by newlines or semicolons.
    event : str
        ``"spike"``, or another event of these neurons.

    Raises
    ------
    InputError
        For events that the group does not have, and for code that is refused, see
        :func:`~neuro_ep.engine.dense.event_code.event_code`.
    """

    template = "dense_events"
    checks_units = True

    def __init__(self, synapses, name: str, side: str, code: str, event: str):
        neurons = synapses.source if side == "pre" else synapses.target
        super().__init__(
            synapses,
            f"{synapses.name}_{name}",
            neurons.clock,
            "synapses",
            ORDER[side],
        )
        self.side, self.event = side, event
        self.events = _add_event_space(synapses, neurons, side, event)
        self.code = event_code(synapses, f"on_{side}", code)

    @property
    def sets(self):
        """The neuron variables that the code changes."""
        variables = self.group.variables
        return [
            variables[name]
            for name in self.code.assigned
            if variables.indices[name] in ("_pre_neuron", "_post_neuron")
        ]

    @property
    def sequential(self) -> bool:
        """Whether a synapse reads what the code did on others for the same event.

        It may where the code changes a variable of the neuron whose event it is.
        """
        variables = self.group.variables
        own = [
            variables[name]
            for name in self.code.used
            if variables.indices.get(name) == f"_{self.side}_neuron"
        ]
        return any(found is variable for found in own for variable in self.sets)

    def describe(self, run_namespace):
        synapses, code = self.group, self.code
        external = code.used - set(synapses.variables) - set(NUMBERS)
        resolved = synapses.resolve_all(sorted(external), run_namespace)
        refuse_random(f"on_{self.side}", resolved)
        self.blocks["event"] = code.text
        return {
            "side": self.side,
            "events": self.use(self.events),
            "averaged": [self.use(name) for name in averaged(synapses, code.assigned)],
            "sequential": self.sequential,
            "numbers": NUMBERS,
        }


def add_pathways(synapses, on_pre, on_post, on_event) -> dict[str, EventOperation]:
    """Name -> pathway, each also an attribute and a contained object of the synapses.

    ``on_pre`` and ``on_post`` are code or a mapping from names to code, ``on_event``
    the event of all pathways or a mapping from their names.
    """
    pathways: dict[str, EventOperation] = {}
    given = [*_named("pre", on_pre), *_named("post", on_post)]
    if given and synapses.event_operation is None:
        raise InputError(
            f"{type(synapses).__name__} has no event pathways (on_pre, on_post): an "
            "event would change weights of other positions; use DenseSynapses"
        )
    events = _events([name for _, name, _ in given], on_event)
    for side, name, code in given:
        _check_name(synapses, name)
        pathway = synapses.event_operation(synapses, name, side, code, events[name])
        setattr(synapses, name, pathway)
        pathways[name] = pathway
        synapses.contained_objects.append(pathway)
    return pathways


def _named(side: str, given) -> list[tuple[str, str, str]]:
    if given is None:
        return []
    named = given if isinstance(given, Mapping) else {side: given}
    return [(side, name, code) for name, code in named.items()]


def _events(names: list[str], on_event) -> dict[str, str]:
    """The event of each pathway."""
    if isinstance(on_event, str):
        return dict.fromkeys(names, on_event)
    for name in sorted(set(on_event) - set(names)):
        raise InputError(
            f"on_event: there is no pathway '{name}', only {', '.join(names) or 'none'}"
        )
    return dict.fromkeys(names, SPIKE) | dict(on_event)


def _check_name(synapses, name):
    """A pathway becomes an attribute, so that its order can be set."""
    if not str(name).isidentifier():
        raise InputError(f"{name!r} cannot name a pathway: give an identifier")
    if name in synapses.variables or hasattr(synapses, name):
        raise InputError(
            f"'{name}' cannot name a pathway of '{synapses.name}', which has something "
            "of that name; choose another one"
        )


def _add_event_space(synapses, neurons, side: str, event: str) -> str:
    """Refer to the array that lists the neurons with an event, and then their count."""
    if event not in getattr(neurons, "events", ()):
        what = "does not spike" if event == SPIKE else f"has no event '{event}'"
        remedy = (
            "give it a threshold (and a reset)"
            if event == SPIKE
            else "define it with events="
        )
        raise InputError(
            f"on_{side}: '{neurons.name}' {what}; {remedy}, or leave out on_{side}"
        )
    name = f"_{side}_{event}space"
    synapses.variables.add_reference(name, neurons, f"_{event}space")
    return name
