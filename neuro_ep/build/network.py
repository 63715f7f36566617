"""Layers + models -> Brian2 groups and synapses. Knows no learning rule by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from brian2 import Clock, Network, NeuronGroup
from brian2.core.preferences import prefs

from neuro_ep.build.collecting import uncollected
from neuro_ep.build.heterogeneous import heterogeneous_values
from neuro_ep.build.neurons import Cell, cell_values, compartments_of, make_cells
from neuro_ep.build.order import at
from neuro_ep.build.parameters import onset_of, parameters_of
from neuro_ep.build.probes import Record, make_recorder, recorder_values
from neuro_ep.build.synapses import SynapseMaker
from neuro_ep.build.unset import refuse_unset
from neuro_ep.build.wiring import ONE, wiring
from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.presentation.presentations import PHASE_FIELDS, Presentations
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel
from neuro_ep.records.probe import Track
from neuro_ep.records.protocol import Protocol
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings


@dataclass(frozen=True)
class LayeredNetwork:
    """A built network: ordinary Brian2 objects, and the values they start from.

    layers
        Neuron groups from input to output, ``batch * n`` neurons each, replica-major.
    projections, biases
        Dense synapses by name, from input to output; biases come from the one unit.
    values
        ``"group.variable"`` -> value in SI units, for everything that can be set.
    brian2
        The Brian2 ``Network`` of all this: add monitors to it, run it.
    tracks
        What it writes to files while it runs.
    """

    settings: Settings
    model: NetworkModel
    protocol: Protocol
    layers: tuple[NeuronGroup, ...]
    projections: Mapping[str, DenseSynapses]
    biases: Mapping[str, DenseSynapses]
    presentations: Presentations
    values: dict[str, np.ndarray | float]
    brian2: Network
    tracks: tuple[Track, ...] = ()

    def __getitem__(self, name: str):
        """The Brian2 object of that name, such as ``net["hidden"]``."""
        return self.brian2[name]

    @property
    def weights(self) -> dict[str, str]:
        """Name of every learned variable: projection -> ``"group.variable"``."""
        edges = wiring(self.model, self.settings)
        learned = {
            edge.name: f"{edge.name}.{edge.kind.weight}"
            for edge in edges
            if edge.kind.weight is not None
        }
        named = [*self.projections, *self.biases]
        return {name: learned[name] for name in named if name in learned}

    @property
    def carried(self) -> tuple[str, ...]:
        """``"group.variable"`` that is not learned, but goes on between epochs."""
        edges = wiring(self.model, self.settings)
        return tuple(
            f"{edge.name}.{name}" for edge in edges for name in edge.kind.carried
        )

    @property
    def dtype(self) -> np.dtype:
        """The type of inputs, states and weights."""
        return np.dtype(self.layers[0].variables["x"].dtype)

    def phase_steps(self) -> list[int]:
        """Length of every phase, in steps of the clock."""
        return [
            max(1, round(phase.duration / self.settings.step))
            for phase in self.protocol.phases
        ]


def build_network(
    rule: Rule,
    settings: Settings,
    *,
    capacity: int = 1,
    dtype=np.float64,
    set_values: bool = True,
    hold: bool = True,
    connect: Callable = DenseSynapses,
    record: Record = (),
    seed: int = 0,
) -> LayeredNetwork:
    """Build a network on the Brian2 device chosen now.

    capacity
        How many presentations one run can show.
    dtype
        float32 or float64, of all states and weights.
    set_values
        False leaves every variable at zero, for a compiled program that is given its
        values when it runs.
    hold
        False switches off what is saved where a source is held.
    connect
        What makes the synapses, called like :class:`DenseSynapses`.
    record
        :class:`Probe` and :class:`Spikes`: what it can write while it runs.
    seed
        Draws what is heterogeneous.

    Raises
    ------
    InputError
        If a parameter is missing, not above zero where it must be, or unknown.
    """
    with floats_of(dtype), uncollected():
        how = set_values, hold, connect, record, seed
        return _built(rule, settings, capacity, *how)


@contextmanager
def floats_of(dtype) -> Iterator[None]:
    """Inside, Brian2 makes variables and code of this type; then as before."""
    before = prefs.core.default_float_dtype
    prefs.core.default_float_dtype = np.dtype(dtype).type
    try:
        yield
    finally:
        prefs.core.default_float_dtype = before


def _built(
    rule: Rule,
    settings: Settings,
    capacity: int,
    set_values,
    hold,
    connect,
    record,
    seed,
) -> LayeredNetwork:
    """The network on the device, and of the type of floats, that are chosen now."""
    model, protocol = rule.model(settings), rule.protocol(settings)
    parameters_of("output", model.output)  # whose time constant makes the clock
    tau = model.output.parameters[model.time_constant]
    clock = Clock(dt=settings.step * tau, name="neuron_clock")
    cells = make_cells(model, settings, clock)
    one = NeuronGroup(settings.batch, "", clock=clock, name=ONE)
    synapses = SynapseMaker(model, settings, cells, one, hold, connect)
    edges = {edge.name: edge for edge in wiring(model, settings)}
    made = {name: synapses.join(edge) for name, edge in edges.items()}
    projections = {k: v for k, v in made.items() if edges[k].pre is not None}
    biases = {k: v for k, v in made.items() if edges[k].pre is None}
    every = [*projections.values(), *biases.values()]
    if model.normaliser is not None:
        every.append(synapses.normalise(model.normaliser))
    presentations = _presentations(protocol, settings, capacity, clock)
    _attach(presentations, model, settings, cells, every)
    compartments = compartments_of(cells)
    populations = {part.name: part for part, _ in compartments}
    recorder, tracks = make_recorder(record, populations, made, presentations)
    others = [] if recorder is None else [recorder]
    network = LayeredNetwork(
        settings=settings,
        model=model,
        protocol=protocol,
        layers=tuple(cell.group for cell in cells),
        projections=projections,
        biases=biases,
        presentations=presentations,
        values=cell_values(compartments) | synapses.values,
        brian2=Network(*populations.values(), one, *every, presentations, *others),
        tracks=tracks,
    )
    if recorder is not None:
        network.values.update(recorder_values(recorder, tracks))
    _add_values(network)
    kinds = {edge.name: edge.kind for edge in edges.values()}
    network.values.update(_heterogeneous(network, compartments, kinds, seed))
    refuse_unset(network, compartments, kinds)
    if set_values:
        set_all(network, network.values)
    return network


def _heterogeneous(network, compartments, kinds, seed: int) -> dict[str, np.ndarray]:
    """The values of what differs from neuron to neuron, or from synapse to synapse."""
    found: dict[str, np.ndarray] = {}
    replicas = network.settings.batch
    for group, kind in compartments:
        drawn = heterogeneous_values(group.name, kind, (len(group) // replicas,), seed)
        found |= {name: np.tile(values, replicas) for name, values in drawn.items()}
    for name, kind in kinds.items():
        for place in kind.heterogeneous:
            shape = network[name].variables[kind.weight or place].shape
            found |= heterogeneous_values(name, kind, shape, seed)
    return found


def _presentations(protocol, settings: Settings, capacity: int, clock: Clock):
    """What shows samples, which knows no layer yet."""
    return Presentations(
        replicas=settings.batch,
        capacity=capacity,
        phases=len(protocol.phases),
        outputs=settings.read or settings.layers[-1],
        clock=clock,
        **at(moment.PRESENT),
    )


def _attach(presentations: Presentations, model, settings, cells: list[Cell], synapses):
    """Tell the presentations what they clamp, reset, read and announce."""
    compartments = compartments_of(cells)
    presentations.attach(
        input_group=cells[0].group,
        output_group=cells[-1].group,
        read_out=model.read_out,
        scale=model.read_out_unit,
        cost=model.cost,
        onset={
            (group, name): onset_of(group, name, value)
            for group, kind in compartments
            for name, value in kind.onset.items()
        },
        marks=[(group, name) for group, kind in compartments for name in kind.marks],
        listeners=[*(group for group, _ in compartments), *synapses],
        outputs=settings.read or None,
        gathered=[
            (group, name)
            for group, kind in compartments
            for name in kind.onset
            if kind.returning and name not in kind.returning
        ],
    )


def _add_values(network: LayeredNetwork):
    """The protocol's values, and which units are read out, beside the parameters."""
    network.values.update(protocol_values(network))
    output = network.layers[-1]
    if "read" in output.variables:
        network.values[f"{output.name}.read"] = _read_units(network.settings)


def _read_units(settings: Settings) -> np.ndarray:
    """1 for every unit of the last layer that is read out, else 0, by replica."""
    units = np.arange(settings.layers[-1])
    read = units >= units.size - (settings.read or units.size)
    return np.tile(read.astype(float), settings.batch)


def protocol_values(network: LayeredNetwork) -> dict[str, np.ndarray | float]:
    """The protocol as arrays of the presentations."""
    name, phases = network.presentations.name, network.protocol.phases
    settings, model = network.settings, network.model
    unit = model.output.parameters.get(model.read_out_unit or "", 1)
    return {
        f"{name}.strength": abs(settings.beta),
        f"{name}.phase_steps": np.array(network.phase_steps()),
        **{
            f"{name}.phase_{field}": np.array([+getattr(p, field) for p in phases])
            for field in PHASE_FIELDS
        },
        f"{name}.judged_steps": _judged_steps(network),
        f"{name}.tolerance": settings.tolerance * settings.step * float(unit),
    }


def _judged_steps(network: LayeredNetwork) -> int:
    """In how many steps of the run the cost counts, -1 for all of them."""
    share = network.settings.judged
    return -1 if share == 1 else round(share * network.phase_steps()[0])


def set_all(network: LayeredNetwork, values: Mapping[str, np.ndarray | float]):
    """Write values in SI units into the variables of a built network."""
    for name, value in values.items():
        group, variable = name.split(".")
        found = network[group].variables[variable]
        flat = np.broadcast_to(np.asarray(value).ravel(), (found.size,))
        found.device.fill_with_array(found, flat.astype(found.dtype))
