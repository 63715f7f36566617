"""Layers + models -> Brian2 groups and synapses. Knows no learning rule by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from brian2 import Clock, Equations, Network, NeuronGroup, linked_var
from brian2.core.preferences import prefs
from brian2.units.fundamentalunits import is_dimensionless

from neuro_ep.convolution import BiasSynapses, ConvSynapses, PoolSynapses
from neuro_ep.dense import DenseSynapses
from neuro_ep.errors import InputError
from neuro_ep.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.presentation import Presentations
from neuro_ep.protocol import Protocol
from neuro_ep.rule import Rule
from neuro_ep.settings import Settings
from neuro_ep.wiring import ONE, Edge, layer_names, wiring

#: The parameter of synapses that takes the learning rate of their projection.
RATE = "eta"


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

    Raises
    ------
    InputError
        If a parameter is missing, not above zero where it must be, or unknown.
    """
    prefs.core.default_float_dtype = np.dtype(dtype).type
    model, protocol = rule.model(settings), rule.protocol(settings)
    tau = model.output.parameters[model.time_constant]
    clock = Clock(dt=settings.step * tau, name="neuron_clock")
    cells = _cells(model, settings, clock)
    one = NeuronGroup(settings.batch, "", clock=clock, name=ONE)
    synapses = _Synapses(model, settings, cells, one, hold, connect)
    edges = {edge.name: edge for edge in wiring(model, settings)}
    made = {name: synapses.join(edge) for name, edge in edges.items()}
    projections = {k: v for k, v in made.items() if edges[k].pre is not None}
    biases = {k: v for k, v in made.items() if edges[k].pre is None}
    others = [] if model.normaliser is None else [synapses.normalise(model.normaliser)]
    presentations = Presentations(
        replicas=settings.batch,
        capacity=capacity,
        phases=len(protocol.phases),
        clock=clock,
    )
    compartments = [part for cell in cells for part in cell.compartments]
    every = [*projections.values(), *biases.values(), *others]
    presentations.attach(
        input_group=cells[0].group,
        output_group=cells[-1].group,
        read_out=model.read_out,
        scale=model.read_out_unit,
        cost=model.cost,
        onset={
            (group, name): value if isinstance(value, str) else float(value)
            for group, kind in compartments
            for name, value in kind.onset.items()
        },
        marks=[(group, name) for group, kind in compartments for name in kind.marks],
        listeners=[*(group for group, _ in compartments), *every],
        outputs=settings.read or None,
    )
    groups = [group for group, _ in compartments]
    network = LayeredNetwork(
        settings=settings,
        model=model,
        protocol=protocol,
        layers=tuple(cell.group for cell in cells),
        projections=projections,
        biases=biases,
        presentations=presentations,
        values=_cell_values(compartments) | synapses.values,
        brian2=Network(*groups, one, *every, presentations),
    )
    network.values.update(protocol_values(network))
    if "read" in cells[-1].group.variables:
        network.values[f"{cells[-1].group.name}.read"] = _read_units(settings)
    if set_values:
        set_all(network, network.values)
    return network


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
        f"{name}.phase_nudge": np.array([phase.nudge for phase in phases]),
        f"{name}.phase_plastic": np.array([phase.plastic for phase in phases]),
        f"{name}.phase_restore": np.array([int(phase.restore) for phase in phases]),
        f"{name}.phase_every": np.array([phase.every for phase in phases]),
        f"{name}.phase_from_before": np.array([int(p.from_before) for p in phases]),
        f"{name}.phase_echo": np.array([int(phase.echo) for phase in phases]),
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


@dataclass(frozen=True)
class Cell:
    """The neurons of a layer: one group, or two where they have apical compartments."""

    kind: NeuronModel
    group: NeuronGroup
    apical: NeuronGroup | None = None

    @property
    def compartments(self) -> list[tuple[NeuronGroup, NeuronModel]]:
        """Every group with its equations."""
        basal = [(self.group, self.kind)]
        if self.apical is None or self.kind.apical is None:
            return basal
        return [*basal, (self.apical, self.kind.apical)]

    def order_of_sum(self, variable: str) -> float:
        """When a summed variable is delivered: just before it is read."""
        if self.apical is not None and is_linked(self.apical, variable):
            return self.apical.order - 1
        return self.group.order - 1


def is_linked(group: NeuronGroup, variable: str) -> bool:
    """Whether a group declares the variable of another compartment as its own."""
    equation = group.equations.get(variable)
    return equation is not None and "linked" in equation.flags


def _cells(model: NetworkModel, settings: Settings, clock) -> list[Cell]:
    """The layers, in the order in which they move within a step."""
    names, last = layer_names(settings.layers), len(settings.layers) - 1
    cells = []
    for k, (name, kind) in enumerate(zip(names, _kinds(model, settings), strict=True)):
        size = settings.batch * settings.layers[k]
        up, down = (2 * k, 2 * (2 * last + 1 - k)) if model.sweep else (0, 0)
        basal, apical = _neurons(name, kind, size, clock, up), None
        if kind.apical is not None:
            apical = _neurons(f"{name}_apical", kind.apical, size, clock, down)
            _link(basal, apical)
            _link(apical, basal)
        cells.append(Cell(kind, basal, apical))
    return cells


def _kinds(model: NetworkModel, settings: Settings) -> list[NeuronModel]:
    """The neurons of every layer."""
    averaged = {
        edge.post
        for edge in wiring(model, settings)
        if edge.filter is not None and edge.filter.is_average
    }
    hidden = [
        model.pooled if k in averaged and model.pooled else model.hidden
        for k in range(1, len(settings.layers) - 1)
    ]
    return [model.input, *hidden, model.output]


def _neurons(name, kind: NeuronModel, n, clock, order) -> NeuronGroup:
    group = NeuronGroup(
        n, kind.equations, method=kind.method, clock=clock, order=order, name=name
    )
    for slot, code in kind.regularly.items():
        group.run_regularly(code, when=slot, name=f"{name}_{slot}")
    return group


def _link(group: NeuronGroup, other: NeuronGroup):
    """Give a compartment what it declares ``(linked)``."""
    for name in group.equations.names:
        if is_linked(group, name):
            setattr(group, name, linked_var(other, name))


def _cell_values(compartments) -> dict[str, np.ndarray | float]:
    values: dict[str, np.ndarray | float] = {}
    for group, kind in compartments:
        values.update(_parameters(group.name, kind))
    return values


class _Synapses:
    """Makes the synapses of a network one after another.

    The first that delivers a sum to a variable sets it, later ones add; of those with
    the same order the first by name comes first, so later ones are put a little later.
    """

    def __init__(self, model, settings, cells, one, hold, connect):
        self.settings, self.cells, self.one = settings, cells, one
        self.hold, self.connect = hold, connect
        self.by_name = {cell.group.name: cell for cell in cells}
        self.begun: dict[tuple[str, str], int] = {}
        self.values: dict[str, np.ndarray | float] = {}

    def join(self, edge: Edge):
        """The synapses of an edge."""
        source = self.one if edge.pre is None else self.cells[edge.pre].group
        if edge.kind.weight is not None:
            self.values[f"{edge.name}.{RATE}"] = self.settings.eta[edge.rate]
        connect, how = self._kind_of(edge)
        target = self.cells[edge.post].group
        return self._make(edge.name, edge.kind, source, target, connect, **how)

    def _kind_of(self, edge: Edge) -> tuple[Callable, dict]:
        """What makes the synapses of an edge, and what that takes."""
        found = edge.filter
        if edge.maps is None:
            return self.connect, {"hold": self.hold}
        if found is None:
            return BiasSynapses, {"channels": edge.maps[0]}
        if found.is_average:
            return PoolSynapses, {"shape": edge.maps, "window": found.kernel}
        kernel = {"kernel": found.kernel, "stride": found.stride}
        maps = {"shape": edge.maps, "channels": found.channels}
        return ConvSynapses, {**maps, **kernel, "padding": found.padding}

    def normalise(self, kind: SynapseModel):
        """Synapses of the output layer onto itself that share a sum."""
        output = self.cells[-1]
        group = output.apical if output.apical is not None else output.group
        connect, how = self.connect, {"hold": self.hold}
        return self._make("normaliser", kind, group, group, connect, **how)

    def _make(self, name, kind: SynapseModel, pre, post, connect, **how):
        equations = heard(kind.equations, pre, post)
        if pre is not self.cells[0].group:  # the clamped input hears nothing
            _refuse_deaf(name, kind, equations)
        order, adds = self._sums(equations, pre, post)
        self.values.update(_parameters(name, kind))
        synapses = connect(
            pre,
            post,
            equations,
            replicas=self.settings.batch,
            clock=post.clock,
            when=kind.when,
            order=kind.order,
            sum_order=order,
            adds=adds,
            deliver=kind.deliver,
            name=name,
            **how,
        )
        if kind.update:
            synapses.run_where(kind.update, "plastic", name=f"{name}_update")
        for slot, code in kind.regularly.items():
            regularly(synapses, kind.gate, code, when=slot, name=f"{name}_{slot}")
        return synapses

    def _sums(self, equations: Equations, pre, post):
        """Summed variable -> order; and those that add to what was delivered before."""
        order, adds = {}, []
        for equation in equations.values():
            if "summed" not in equation.flags:
                continue
            variable, _, side = equation.varname.rpartition("_")
            group = post if side == "post" else pre
            cell = self.by_name.get(group.name)
            time = cell.order_of_sum(variable) if cell else group.order - 1
            earlier = self.begun.get((group.name, variable), 0)
            self.begun[group.name, variable] = earlier + 1
            order[equation.varname] = time + 1e-3 * earlier
            if earlier:
                adds.append(equation.varname)
        return order, adds


def regularly(synapses: DenseSynapses, gate: str, code: str, **how):
    """Run code at every step, or where the gate is open."""
    if gate:
        return synapses.run_where(code, gate, **how)
    return synapses.run_regularly(code, **how)


def heard(equations: str, pre: NeuronGroup, post: NeuronGroup) -> Equations:
    """The equations without the sums whose target the neurons do not declare."""
    listening = {f"{name}_pre" for name in pre.equations.names}
    listening |= {f"{name}_post" for name in post.equations.names}
    return Equations(
        [
            equation
            for equation in Equations(equations).values()
            if "summed" not in equation.flags or equation.varname in listening
        ]
    )


def _refuse_deaf(name: str, kind: SynapseModel, equations: Equations):
    """Neurons that compute must hear all that reaches them."""
    unheard = sorted(set(Equations(kind.equations).names) - set(equations.names))
    if unheard:
        raise InputError(
            f"'{name}': its neurons have no variable for {', '.join(unheard)}, so the "
            "update would not be the gradient; leave this connection out"
        )


def _parameters(name: str, kind: NeuronModel | SynapseModel) -> dict[str, float]:
    """Values in SI units, checked."""
    checked = {}
    equations = Equations(kind.equations)
    declared = equations.parameter_names
    for parameter in sorted(declared - {RATE, *kind.parameters}):
        if {"shared", "constant"} <= set(equations[parameter].flags):
            raise InputError(
                f"'{parameter}' of '{name}' has no value: add it to the parameters of "
                "the model"
            )
    for parameter, value in kind.parameters.items():
        if parameter not in declared:
            raise InputError(
                f"'{parameter}' is given a value but the equations of '{name}' do not "
                f"declare it; they declare {', '.join(sorted(declared))}"
            )
        _check_value(name, parameter, value)
        checked[f"{name}.{parameter}"] = float(value)
    return checked


def _check_value(name: str, parameter: str, value):
    """Constants with a unit are above zero, but for reversal potentials, which are
    called E_...; plain numbers may be zero."""
    plain = is_dimensionless(value)
    number = abs(float(value)) if parameter.startswith("E_") else float(value)
    if not (0 < number < np.inf or (plain and number == 0)):
        raise InputError(
            f"{parameter} = {value} of '{name}': give a finite value "
            + ("from zero" if plain else "above zero")
        )
