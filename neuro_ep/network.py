"""Layers + models -> Brian2 groups and synapses. Knows no learning rule by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from brian2 import Clock, Equations, Network, NeuronGroup
from brian2.core.preferences import prefs

from neuro_ep.dense import DenseSynapses
from neuro_ep.errors import InputError
from neuro_ep.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.presentation import Presentations
from neuro_ep.protocol import Protocol
from neuro_ep.rule import Rule, Settings

#: The group of one unit a replica that biases come from.
ONE = "one"

#: The parameter of synapses that takes the learning rate of their projection.
RATE = "eta"


@dataclass(frozen=True)
class LayeredNetwork:
    """A built network: ordinary Brian2 objects, and the values they start from.

    layers
        Neuron groups from input to output, ``batch * n`` neurons each, replica-major.
    projections, biases
        Dense synapses by name, from input to output.
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
        edges = wiring(self.model, self.settings.layers)
        learned = {edge.name: f"{edge.name}.{edge.kind.weight}" for edge in edges}
        return {name: learned[name] for name in [*self.projections, *self.biases]}

    def phase_steps(self) -> list[int]:
        """Length of every phase, in steps of the clock."""
        return [
            max(1, round(phase.duration / self.settings.step))
            for phase in self.protocol.phases
        ]


def layer_names(layers: Iterable[int]) -> list[str]:
    """``input, hidden, output``; ``hidden_1, hidden_2`` where there are more."""
    depth = len(list(layers)) - 2
    hidden = ["hidden"] if depth == 1 else [f"hidden_{k + 1}" for k in range(depth)]
    return ["input", *hidden, "output"]


@dataclass(frozen=True)
class Edge:
    """Dense synapses between two layers, given by their numbers from the input.

    ``pre`` is None for a bias; ``rate`` is the number of the projection whose learning
    rate they have.
    """

    name: str
    kind: SynapseModel
    pre: int | None
    post: int
    rate: int


def wiring(model: NetworkModel, layers: Sequence[int]) -> list[Edge]:
    """All learned synapses, from input to output: forward, bias, and then backward."""
    names, edges = layer_names(layers), []
    for rate, (pre, post) in enumerate(zip(names, names[1:], strict=False)):
        edges.append(Edge(f"{pre}_to_{post}", model.synapse, rate, rate + 1, rate))
        edges.append(Edge(f"bias_{post}", model.bias, None, rate + 1, rate))
    for rate, (pre, post) in enumerate(zip(names, names[1:], strict=False)):
        if model.backward is not None and rate > 0:
            edges.append(Edge(f"{post}_to_{pre}", model.backward, rate + 1, rate, rate))
    return edges


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
    tau = model.output.parameters["tau"]
    clock = Clock(dt=settings.step * tau, name="neuron_clock")
    names = layer_names(settings.layers)
    values: dict[str, np.ndarray | float] = {}
    kinds = [model.input, *[model.hidden] * (len(names) - 2), model.output]
    layers = tuple(
        _neurons(name, kind, settings.batch * n, clock, values)
        for name, kind, n in zip(names, kinds, settings.layers, strict=True)
    )
    one = NeuronGroup(settings.batch, "", clock=clock, name=ONE)
    projections: dict[str, DenseSynapses] = {}
    biases: dict[str, DenseSynapses] = {}
    for edge in wiring(model, settings.layers):
        name, kind, post = edge.name, edge.kind, layers[edge.post]
        table = biases if edge.pre is None else projections
        source = one if edge.pre is None else layers[edge.pre]
        table[name] = _synapses(
            name, kind, source, post, settings, clock, values, hold, connect
        )
        values[f"{name}.{RATE}"] = settings.eta[edge.rate]
    presentations = Presentations(
        replicas=settings.batch,
        capacity=capacity,
        phases=len(protocol.phases),
        clock=clock,
    )
    synapses = [*projections.values(), *biases.values()]
    if model.normaliser is not None:
        ends = ("normaliser", model.normaliser, layers[-1], layers[-1])
        synapses.append(_synapses(*ends, settings, clock, values, hold, connect))
    presentations.attach(
        input_group=layers[0],
        output_group=layers[-1],
        read_out=model.read_out,
        scale=model.read_out_unit,
        cost=model.cost,
        onset={
            (group, name): float(value)
            for group, kind in zip(layers, kinds, strict=True)
            for name, value in kind.onset.items()
        },
        marks=[
            (group, name)
            for group, kind in zip(layers, kinds, strict=True)
            for name in kind.marks
        ],
        listeners=[*layers, *synapses],
    )
    network = LayeredNetwork(
        settings=settings,
        model=model,
        protocol=protocol,
        layers=layers,
        projections=projections,
        biases=biases,
        presentations=presentations,
        values=values,
        brian2=Network(*layers, one, *synapses, presentations),
    )
    values.update(protocol_values(network))
    if set_values:
        set_all(network, values)
    return network


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
        f"{name}.tolerance": settings.tolerance * settings.step * float(unit),
    }


def set_all(network: LayeredNetwork, values: Mapping[str, np.ndarray | float]):
    """Write values in SI units into the variables of a built network."""
    for name, value in values.items():
        group, variable = name.split(".")
        found = network[group].variables[variable]
        flat = np.broadcast_to(np.asarray(value).ravel(), (found.size,))
        found.device.fill_with_array(found, flat.astype(found.dtype))


def _neurons(name, kind: NeuronModel, n, clock, values) -> NeuronGroup:
    group = NeuronGroup(n, kind.equations, method=kind.method, clock=clock, name=name)
    for slot, code in kind.regularly.items():
        group.run_regularly(code, when=slot, name=f"{name}_{slot}")
    values.update(_parameters(name, kind))
    return group


def _synapses(
    name, kind: SynapseModel, pre, post, settings, clock, values, hold, connect
):
    values.update(_parameters(name, kind))
    return connect(
        pre,
        post,
        heard(kind.equations, pre, post),
        replicas=settings.batch,
        clock=clock,
        when=kind.when,
        order=kind.order,
        hold=hold,
        name=name,
    )


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


def _parameters(name: str, kind: NeuronModel | SynapseModel) -> dict[str, float]:
    """Values in SI units, checked: every constant of this physics is positive."""
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
        if not 0 < float(value) < np.inf:
            raise InputError(
                f"{parameter} = {value} of '{name}': give a finite value above zero"
            )
        checked[f"{name}.{parameter}"] = float(value)
    return checked
