"""Recorders: what is looked at streams to files while a network runs.

One operation says at every step whether its presentation is recorded, and writes where
phases begin; one for every probe writes the values that the step begins from; one for
every event writes which neurons had it. All of it runs where the network runs, and
holds one block in memory.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping

import numpy as np
from brian2 import NeuronGroup
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.core.variables import Variables
from brian2.groups.group import CodeRunner, Group

from neuro_ep.engine.dense.matrix import MatrixVariable
from neuro_ep.engine.dense.narrowing import Narrowed
from neuro_ep.errors import InputError
from neuro_ep.presentation import LONGEST_PATH
from neuro_ep.records.probe import Probe, Spikes
from neuro_ep.records.settings import suggestion
from neuro_ep.traces.codeobjects import (
    STREAM_KERNEL,
    Stream,
    traces_code_object_class,
)

#: What the recorder knows beside what it is asked to record, and begins a run with.
BEGIN = {"now": -1, "watching": 0, "chosen": 0}

#: What the recorder reads of the clock of presentations: as it is called here -> there.
PLACE = {
    "presentation": "presentation",
    "phase": "phase",
    "step": "step",
    "total": "n_presentations",
}


class Recorder(Group):
    """The group of everything that is recorded of a network.

    Settable arrays: ``chosen`` (capacity,), which presentations are recorded; and for
    every track, by its number: ``file_0``, its path as bytes; ``units_0`` and
    ``count_0``, the numbers of what is recorded, or 1 for every neuron whose events
    are; ``every_0`` and ``per_0``, steps or presentations between two values.

    tracks
        What is recorded, and how each operation calls it; the first are the phases.
    """

    add_to_magic_network = True

    def __init__(self, presentations, *, clock, when, order, name="recorder"):
        super().__init__(clock=clock, when=when, order=order, name=name)
        self.presentations = presentations
        self.variables = variables = Variables(self)
        variables.add_constant("N", 1)
        variables.create_clock_variables(self._clock)
        capacity = presentations.shape["capacity"]
        variables.add_array("chosen", size=capacity, dtype=np.int32)
        for name, dtype in (("now", np.int64), ("watching", np.int32)):
            variables.add_array(name, size=1, dtype=dtype, scalar=True, index="0")
        self._add_track(0, 1)
        self._enable_group_attributes()
        self.contained_objects.append(Watching(self))

    def _add_track(self, number: int, size: int):
        arrays = {"file": (LONGEST_PATH, np.int8), "units": (size, np.int32)}
        for name, (length, dtype) in arrays.items():
            self.variables.add_array(f"{name}_{number}", size=length, dtype=dtype)
        for name in ("count", "every", "per"):
            self.variables.add_array(
                f"{name}_{number}", size=1, dtype=np.int32, scalar=True, index="0"
            )

    @property
    def begin(self) -> dict[str, int]:
        """What a run begins with where nothing is recorded."""
        return {f"{self.name}.{name}": value for name, value in BEGIN.items()}

    def look(self, group, variables: tuple[str, ...], when: str, order: float) -> int:
        """Record variables of a group; the number of the track."""
        number = len(self.contained_objects)
        neurons = isinstance(group, NeuronGroup)
        stored = (
            [len(group)] if neurons else [group.variables[n].size for n in variables]
        )
        self._add_track(number, max(stored))
        turn = when, order
        self.contained_objects.append(Looking(self, number, group, variables, *turn))
        return number

    def listen(self, group, event: str, **turn) -> int:
        """Record the events of a group; the number of the track."""
        number = len(self.contained_objects)
        self._add_track(number, len(group))
        self.contained_objects.append(Listening(self, number, group, event, **turn))
        return number


class TrackOperation(CodeRunner):
    """What writes one track; it reads the network and changes nothing in it."""

    template: str
    sets = ()  # none of the network's variables, which held sources ask for

    def __init__(self, recorder: Recorder, number: int, when: str, order: float):
        super().__init__(
            recorder,
            self.template,
            clock=recorder._clock,
            when=when,
            order=order,
            name=f"{recorder.name}_{number}",
        )
        self.track = number
        self.variables = Variables(None)
        self.variables.add_object("_stream_kernel", STREAM_KERNEL)
        shared = {name: (recorder, name) for name in BEGIN}
        shared |= {k: (recorder.presentations, v) for k, v in PLACE.items()}
        shared |= {
            name: (recorder, f"{name}_{number}")
            for name in ("file", "units", "count", "every", "per")
        }
        for own, (group, name) in shared.items():
            self.variables.add_reference(f"_look_{own}", group, name, index="0")
        self.needed = [name for name in self.variables if name.startswith("_look_")]

    def create_code_objects(self, run_namespace):
        variables = Variables(None)
        for name, variable in self.variables.items():
            variables._variables[name] = variable
            variables.indices[name] = "0"
        kind = traces_code_object_class()
        if "numpy" in kind.class_name.lower():
            variables.add_object("_stream", Stream())
        self.describe(variables, run_namespace, kind)

    def describe(self, variables, run_namespace, kind):
        """Make the code from these variables."""
        raise NotImplementedError

    def make(self, owner, code, variables, run_namespace, kind, **keywords):
        """The code object, which ``owner`` resolves the names of."""
        needed = ["_stream_kernel", *self.needed, *keywords.pop("needed", ())]
        if "_stream" in variables:
            needed.append("_stream")
        self.seen = owner
        self.codeobj = create_runner_codeobj(
            owner,
            code,
            self.template,
            run_namespace,
            name=f"{self.name}_codeobject*",
            check_units=False,
            needed_variables=needed,
            additional_variables=variables,
            template_kwds=keywords,
            codeobj_class=kind,
        )
        self.code_objects[:] = [weakref.proxy(self.codeobj)]


class Watching(TrackOperation):
    """Says whether a step is recorded, and writes where phases begin."""

    template = "watch"

    def __init__(self, recorder: Recorder):
        super().__init__(recorder, 0, recorder.when, recorder.order)

    def describe(self, variables, run_namespace, kind):
        phases = self.group.presentations.shape["phases"]
        code = {"nothing": ""}
        given = self.group, code, variables, run_namespace, kind
        self.make(*given, phases=phases)


class Looking(TrackOperation):
    """Writes the values of some variables that a step begins from."""

    template = "look"

    def __init__(self, recorder, number, group, variables, when, order):
        super().__init__(recorder, number, when, order)
        self.looked, self.names = group, variables

    def describe(self, variables, run_namespace, kind):
        names, arrays, code = self.names, {}, {"look": ""}
        dtype = np.dtype(self.group.presentations.variables["strength"].dtype)
        if isinstance(self.looked, NeuronGroup):
            lines = [f"_seen_{name} = {name}" for name in names]
            code["look"] = "\n".join(lines)
            for name in names:
                variables.add_auxiliary_variable(f"_seen_{name}", dtype=dtype)
            owner = Narrowed(self.looked, [code["look"]])
        else:
            arrays = {name: self.looked.variables[name] for name in names}
            for name in names:
                variables.add_reference(f"_seen_{name}", self.looked, name, index="0")
            owner = self.group
        self.make(
            *(owner, code, variables, run_namespace, kind),
            needed=[f"_seen_{name}" for name in arrays],
            names=names,
            arrays=arrays,
            kept=dtype,
        )


class Listening(TrackOperation):
    """Writes which neurons had an event."""

    template = "listen"

    def __init__(self, recorder, number, group, event, when, order):
        super().__init__(recorder, number, when, order)
        self.looked, self.event = group, event
        space = "_spikespace" if event == "spike" else f"_{event}space"
        self.variables.add_reference("_look_events", group, space, index="0")
        self.needed.append("_look_events")

    def describe(self, variables, run_namespace, kind):
        events = self.variables["_look_events"]
        given = self.group, {"nothing": ""}, variables, run_namespace, kind
        self.make(*given, events=events)


# --- what can be recorded -------------------------------------------------------------


def refuse_unknown(wanted: Probe | Spikes, populations: Mapping, projections: Mapping):
    """The group of a probe; raises InputError for what the network does not have."""
    known = {**populations}
    if isinstance(wanted, Probe):
        known |= projections
    if wanted.group not in known:
        raise InputError(
            f"record '{wanted.group}': the network has no such group"
            f"{suggestion(wanted.group, known)}"
        )
    group = known[wanted.group]
    if isinstance(wanted, Spikes):
        if not group.events:
            raise InputError(
                f"record spikes of '{wanted.group}', which has none; in this network "
                f"{_firing(populations) or 'nothing'} fires"
            )
        return group
    _refuse_shape(wanted, isinstance(group, NeuronGroup))
    able = recordable(group)
    for name in wanted.variables:
        if name not in able:
            raise InputError(
                f"record '{wanted.group}.{name}': it is not stored there"
                f"{suggestion(name, able)}"
            )
    return group


def _refuse_shape(wanted: Probe, neurons: bool):
    if neurons and wanted.pairs is not None:
        raise InputError(
            f"record pairs of '{wanted.group}', which are neurons: give units"
        )
    if not neurons and wanted.units is not None:
        raise InputError(
            f"record units of '{wanted.group}', which are synapses: give pairs, "
            "(presynaptic, postsynaptic)"
        )


def _firing(populations: Mapping) -> str:
    return ", ".join(name for name, group in populations.items() if group.events)


def recordable(group) -> list[str]:
    """Names of what can be recorded of neurons, or of synapses."""
    if isinstance(group, NeuronGroup):
        return sorted(group.equations.names)
    return sorted(
        name
        for name, variable in group.variables.items()
        if isinstance(variable, MatrixVariable)
        and len(variable.shape) == 2
        and not name.startswith("_")
    )
