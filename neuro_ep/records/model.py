"""Records that bind equations to what a simulation needs to know of them.

A model file in ``neuro_ep.models`` fills these; the machinery reads them. They hold
text and quantities only, so that a model can be printed, stored and checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.records import moment


class Shown(float):
    """A number in SI units, how it is written with its unit, and its dimensions.

    ``dimensions`` are the exponents of the seven SI units, in the order of
    :data:`neuro_ep.records.text.DIMENSIONS`.
    """

    def __new__(cls, number: float, value: float, unit: str, dimensions=(0.0,) * 7):
        made = super().__new__(cls, number)
        made.value, made.unit, made.dimensions = value, unit, tuple(dimensions)
        return made

    def __getnewargs__(self):
        return float(self), self.value, self.unit, self.dimensions

    value: float
    unit: str
    dimensions: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ShownArray:
    """Numbers in SI units, of any shape, and their dimensions, as those of Shown."""

    numbers: np.ndarray
    dimensions: tuple[float, ...]


@dataclass(frozen=True)
class NeuronModel:
    """Neurons of one kind.

    equations
        Brian2 text: the whole system, one equation a line.
    parameters
        Value of every ``(shared, constant)`` parameter, with its unit.
    onset
        State variables and the value they take when a presentation begins, or the name
        of the variable of these neurons that holds it.
    method
        Brian2's name of the integrator.
    regularly
        Moment of a step, see :mod:`neuro_ep.records.moment` -> Brian2 code that runs
        then, at every step.
    marks
        Variables that plasticity compares with, see
        :class:`neuro_ep.records.protocol.Phase`.
    returning
        Variables that an echo, if it is not nudged, brings back to where they started,
        at rest; see :mod:`neuro_ep.training.reversal`.
    events
        Name of an event -> (the condition on which it happens, Brian2 code that runs
        for the neurons in which it does, at RESET; nothing if empty). A
        spike is one.
    heterogeneous
        Parameters that are neither shared nor constant in space, and the values that
        the neurons have: Brian2 text such as "10*exp(0.3*randn())*ms" with i, rand()
        and randn(), drawn with the seed of the run; a number; or an array, (neurons,).
        Each sample of a batch sees the same neurons.
    apical
        A second compartment of every neuron, a group of its own called NAME_apical.
        What one compartment declares ``(linked)`` is the other's variable of that name.
    """

    equations: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    onset: Mapping[str, Any] = field(default_factory=dict)
    method: str = "euler"
    regularly: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    returning: tuple[str, ...] = ()
    events: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    apical: NeuronModel | None = None
    heterogeneous: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        _refuse_other_values(self.heterogeneous)


@dataclass(frozen=True)
class SynapseModel:
    """Synapses of one kind, from one layer to another or onto itself.

    weight
        The name of the variable that is learned, None where nothing is.
    when, order
        The moment at which the synapses change, and how much later within it.
    regularly
        Moment of a step, see :mod:`neuro_ep.records.moment` -> Brian2 code that runs
        then, at every step.
    gate
        The shared variable that opens what runs regularly, where it is not zero; always
        open if empty.
    update
        Brian2 code that runs at the end of steps in which ``plastic`` is not zero.
    deliver
        The moment at which sums are delivered.
    initial
        Where learned variables from the one unit (biases) start, in units of v_unit.
    symmetric
        Whether a weight of a layer onto itself is drawn equal to its transpose and
        zero on the diagonal.
    on_pre, on_post, on_event
        Code that an event of a neuron runs on its synapses, and the event. From the
        clamped input ``on_post`` is left out if it names what input neurons have not.
    carried
        Variables beside the weight that an epoch goes on with as the one before left
        them: momenta, what an optimiser remembers. They begin at zero.
    heterogeneous
        Parameters of which every synapse has a value of its own, as those of neurons:
        text with i and j, a number, or an array, (n_pre, n_post).
    """

    equations: str
    weight: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    when: str = moment.MOVE
    order: float = 0
    regularly: Mapping[str, str] = field(default_factory=dict)
    gate: str = ""
    update: str = ""
    deliver: str = moment.DELIVER
    initial: float = 0.0
    symmetric: bool = False
    on_pre: str = ""
    on_post: str = ""
    on_event: str = "spike"
    carried: tuple[str, ...] = ()
    heterogeneous: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        _refuse_other_values(self.heterogeneous)


def _refuse_other_values(heterogeneous):
    if not isinstance(heterogeneous, Mapping):
        raise InputError(
            f"heterogeneous = {heterogeneous!r:.60}: give parameter -> its values"
        )
    for name, values in heterogeneous.items():
        if not (isinstance(values, str) or hasattr(values, "__float__")):
            if not isinstance(values, (np.ndarray, ShownArray)):
                raise InputError(
                    f"heterogeneous {name} = {values!r:.60}: give text, a number or an "
                    "array"
                )


@dataclass(frozen=True)
class NetworkModel:
    """The physics of a layered network.

    ``input`` declares ``x : 1``, set from the data when a presentation begins;
    ``output`` declares ``target : 1``, one for the unit of the class, zero elsewhere.
    A summed variable whose target a neuron does not declare is left out, so the
    clamped input receives no feedback. ``bias`` synapses come from one unit a replica.

    lateral
        Synapses of a layer onto itself, where they are not as ``synapse``.
    local
        Name -> further synapses from the one unit, as ``bias`` is one.
    pool, pooled
        Synapses without weights that average over windows, and the hidden neurons that
        receive them, where the physics has such.
    backward
        Synapses from every layer to the one below it, down to the first hidden layer,
        where those of ``synapse`` do not serve both directions.
    normaliser
        Synapses without weights among the output neurons of a replica, for a sum that
        they share.
    cost
        "squared-error" or "cross-entropy": what the nudge descends and files report.
    energy
        The energy whose gradient the neurons descend, as text with the names of the
        equations: what each "neuron" that has a potential, each "synapse", each "bias"
        synapse and, on top, each "output" neuron adds to it. ``tests/models`` proves
        it by symbolic differentiation. Where it is no sum of such parts, one text.
    read_out, read_out_unit
        The variable of the output layer whose largest entry is the prediction, and the
        shared parameter that makes it dimensionless (None where it is already).
    activity
        The stored variable of every layer that synapses read as presynaptic activity,
        None where it is computed when it is read.
    sweep
        Whether the layers are updated one after another within a step: from the input
        up, and then, where neurons have apical compartments, down again. Otherwise all
        move at once.
    time_constant
        The parameter of the output neurons that is the unit of time.
    source
        Citation.
    """

    input: NeuronModel
    hidden: NeuronModel
    output: NeuronModel
    synapse: SynapseModel
    bias: SynapseModel
    energy: Mapping[str, str] | str
    read_out: str
    read_out_unit: str | None
    activity: str | None
    source: str
    lateral: SynapseModel | None = None
    local: Mapping[str, SynapseModel] = field(default_factory=dict)
    pool: SynapseModel | None = None
    pooled: NeuronModel | None = None
    backward: SynapseModel | None = None
    normaliser: SynapseModel | None = None
    cost: str = "squared-error"
    sweep: bool = False
    time_constant: str = "tau"
