"""Samples shown one after another: the clock of presentations.

At the start of every step one operation decides what this step is: it begins a
presentation (clamps the samples, resets the neurons), passes from phase to phase, sets
the shared variables of the protocol, reads the prediction at the end of the first
phase, and stops the network after the last presentation. All of it runs inside the
simulation; what Python gives is the order of the samples.
"""

from __future__ import annotations

import weakref
from dataclasses import fields

import numpy as np
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.core.variables import Variables
from brian2.groups.group import CodeRunner, Group

from neuro_ep.presentation import LONGEST_PATH
from neuro_ep.presentation.codeobjects import (
    SAMPLES_KERNEL,
    presentation_code_object_class,
)
from neuro_ep.records.protocol import Phase

#: Shared variables that follow the protocol, see :mod:`neuro_ep.records.protocol`.
PROTOCOL = (
    *("nudged", "beta", "plastic", "marking"),
    *("echo", "mirror", "judged", "final", "learns"),
)

#: How a sample is spread over the steps of a phase.
TIMES = ("frames", "target_frames", "judged_steps")

#: What a phase says beside its name and its duration: field -> type.
PHASE_FIELDS = {
    item.name: str(item.type)
    for item in fields(Phase)
    if item.name not in ("name", "duration")
}

#: Where a run stands: zero at its start.
PLACE = ("presentation", "phase", "step", "ending")

#: Largest magnitude, in units of the read-out, before a run counts as diverged.
RUNAWAY = 1e3


class Presentations(Group):
    """The schedule of a run, and what was read from it.

    Settable arrays (``capacity`` presentations of ``replicas`` samples each):

    n_presentations
        How many presentations this run shows.
    sample, label : (capacity * replicas,)
        Rows of the data set and their classes.
    learn, sign : (capacity,)
        Whether a presentation goes beyond its first phase; the sign of its beta.
    strength
        The magnitude of beta, above 0.
    samples_file, targets_file
        Paths of the raw files of samples and of targets, as bytes.
    phase_steps, phase_nudge, phase_plastic, phase_restore, ... : (phases,)
        The protocol, one array for every field of a phase, lengths in steps; see
        :mod:`neuro_ep.records.protocol`.
    tolerance
        A phase ends early once no neuron moves by more than this in a step, in units
        of its state; 0 keeps the length fixed.
    frames
        A sample is so many inputs one after another, each shown for an equal share of
        a phase; 0 counts as 1.
    target_frames
        The same for targets, in a file of their own; 0: the class is the target.
    judged_steps
        The cost counts in so many steps, the last ones of a run; -1: in all of them,
        0: at its final instant only.

    Read-outs: ``answer`` (capacity * replicas * outputs,), what every output said at
    the end of the first phase, without a unit, ``predicted`` (capacity * replicas,),
    the number of the largest one, ``sample_cost`` (capacity *
    replicas,), the cost that the model names, ``cost`` (capacity,), its mean over the
    batch, ``taken`` (capacity,), steps of the first phase, and ``diverged`` (1 if the
    run was stopped).
    """

    add_to_magic_network = True

    def __init__(
        self,
        *,
        replicas,
        capacity,
        phases,
        outputs,
        clock,
        when,
        order,
        name="presentations",
    ):
        super().__init__(clock=clock, when=when, order=order, name=name)
        self.variables = variables = Variables(self)
        variables.add_constant("N", capacity)
        variables.create_clock_variables(self._clock)
        shape = {"replicas": replicas, "capacity": capacity, "phases": phases}
        self.shape = shape
        integers, slots = np.int32, capacity * replicas
        for scalar in ("n_presentations", *PLACE, "diverged", *TIMES):
            variables.add_array(scalar, size=1, dtype=integers, scalar=True, index="0")
        for scalar in ("strength", "tolerance"):
            variables.add_array(scalar, size=1, scalar=True, index="0")
        for array, size, dtype in (
            ("sample", slots, integers),
            ("label", slots, integers),
            ("predicted", slots, integers),
            ("answer", slots * outputs, None),
            ("learn", capacity, integers),
            ("sign", capacity, None),
            ("cost", capacity, np.float64),
            ("sample_cost", slots, np.float64),
            ("taken", capacity, integers),
            ("phase_steps", phases, integers),
            ("samples_file", LONGEST_PATH, np.int8),
            ("targets_file", LONGEST_PATH, np.int8),
        ):
            variables.add_array(array, size=size, dtype=dtype)
        for name, kind in PHASE_FIELDS.items():
            dtype = None if kind == "float" else integers
            variables.add_array(f"phase_{name}", size=phases, dtype=dtype)
        self._enable_group_attributes()

    def attach(
        self,
        *,
        input_group,
        output_group,
        read_out,
        scale,
        cost,
        onset,
        marks,
        listeners,
        outputs=None,
        gathered=(),
    ):
        """Say what the operation touches, once the network's groups exist.

        onset maps (group, variable) to its SI value at the beginning of a presentation,
        or to the name of the group's variable that holds it; marks are the (group,
        variable) that plasticity compares with; listeners are the groups whose shared
        variables of :data:`PROTOCOL`, where declared, follow it. ``read_out / scale``
        of the output group is the prediction; scale None means that it is
        dimensionless. ``cost`` is "squared-error" or "cross-entropy" of it, or the name
        of the output group's variable to be summed. The last ``outputs`` units of the
        output group are read, all if None. ``gathered`` are those of onset that grow
        with time: they have to be finite, where others must not run away.
        """
        operation = PresentationOperation(self)
        self.contained_objects.append(operation)
        operation.input = operation.refer(input_group, "x")
        operation.target = operation.refer(output_group, "target")
        operation.read_out = operation.refer(output_group, read_out)
        operation.scale = scale and operation.refer(output_group, scale)
        operation.cost = cost
        operation.outputs = outputs
        if cost in output_group.variables:
            operation.cost_sum = operation.refer(output_group, cost)
        operation.reset(onset, gathered)
        operation.marks = [operation.refer(group, name) for group, name in marks]
        operation.protocol = {
            name: [
                operation.refer(group, name)
                for group in listeners
                if name in group.variables and group.variables[name].scalar
            ]
            for name in PROTOCOL
        }


class PresentationOperation(CodeRunner):
    """The code object that runs before everything else in a step.

    It announces to held sources (``kernels/dense.hpp``) that an input changes.
    """

    announces = True

    def __init__(self, presentations: Presentations):
        super().__init__(
            presentations,
            "presentation",
            clock=presentations._clock,
            when=presentations.when,
            order=presentations.order,
            name=f"{presentations.name}_operation",
        )
        self.variables = Variables(None)
        self.variables.add_object("_samples_kernel", SAMPLES_KERNEL)
        self.names: list[str] = []
        self.cost_sum = None

    def refer(self, group, name):
        """Make an array of another group known here; return its variable."""
        own = f"_{group.name}_{name}"
        if own not in self.variables:
            self.variables.add_reference(own, group, name, index="0")
            self.names.append(own)
        return self.variables[own]

    def reset(self, onset, gathered):
        """Set these when a presentation begins, and look whether they run away."""
        self.onset, self.bounded, self.gathered = [], [], []
        for (group, name), value in onset.items():
            array = self.refer(group, name)
            start = self.refer(group, value) if isinstance(value, str) else value
            self.onset.append((array, start))
            kind = self.gathered if (group, name) in gathered else self.bounded
            kind.append(array)

    @property
    def n_outputs(self) -> int:
        return len(self.target.owner) // self.group.shape["replicas"]

    def create_code_objects(self, run_namespace):
        own = [name for name in self.group.variables if name not in ("N", "t", "dt")]
        self.codeobj = create_runner_codeobj(
            self.group,
            {"nothing": ""},
            self.template,
            run_namespace,
            name=f"{self.name}_codeobject*",
            check_units=False,
            needed_variables=["_samples_kernel", *self.names, *own],
            additional_variables=self.variables,
            template_kwds={
                **self.group.shape,
                "n_inputs": len(self.input.owner) // self.group.shape["replicas"],
                "n_outputs": self.n_outputs,
                "n_read": self.outputs or self.n_outputs,
                "input": self.input,
                "target": self.target,
                "read_out": self.read_out,
                "scale": self.scale,
                "cost_name": self.cost,
                "cost_sum": self.cost_sum,
                "onset": self.onset,
                "bounded": self.bounded,
                "gathered": self.gathered,
                "marks": self.marks,
                "protocol": self.protocol,
                "sample_dtype": np.dtype(self.input.dtype).name,
                "runaway": RUNAWAY,
            },
            codeobj_class=presentation_code_object_class(),
        )
        self.code_objects[:] = [weakref.proxy(self.codeobj)]
