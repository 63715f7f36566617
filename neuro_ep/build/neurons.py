"""The neurons of a layered network, each layer one group or two compartments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2 import NeuronGroup, linked_var

from neuro_ep.build.order import at, before, turns
from neuro_ep.build.parameters import parameters_of
from neuro_ep.build.wiring import layer_names, wiring
from neuro_ep.engine.dense.shared_loops import neuron_code_object_class
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.settings import Settings


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

    def order_of_sum(self, variable: str, earlier: int) -> float:
        """When a summed variable is delivered: just before it is read."""
        if self.apical is not None and is_linked(self.apical, variable):
            return before(self.apical.order, earlier)
        return before(self.group.order, earlier)


def is_linked(group: NeuronGroup, variable: str) -> bool:
    """Whether a group declares the variable of another compartment as its own."""
    equation = group.equations.get(variable)
    return equation is not None and "linked" in equation.flags


def make_cells(model: NetworkModel, settings: Settings, clock) -> list[Cell]:
    """The layers, in the order in which they move within a step."""
    names = layer_names(settings.layers)
    cells = []
    for k, (name, kind) in enumerate(
        zip(names, kinds_of_layers(model, settings), strict=True)
    ):
        size = settings.batch * settings.layers[k]
        up, down = turns(k, len(names), model.sweep)
        basal, apical = _neurons(name, kind, size, clock, up), None
        if kind.apical is not None:
            apical = _neurons(f"{name}_apical", kind.apical, size, clock, down)
            _link(basal, apical)
            _link(apical, basal)
        cells.append(Cell(kind, basal, apical))
    return cells


def kinds_of_layers(model: NetworkModel, settings: Settings) -> list[NeuronModel]:
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


def _neurons(name, kind: NeuronModel, n, clock, turn) -> NeuronGroup:
    group = NeuronGroup(
        n,
        kind.equations,
        method=kind.method,
        clock=clock,
        order=turn,
        name=name,
        events={event: condition for event, (condition, _) in kind.events.items()},
        codeobj_class=neuron_code_object_class(),
    )
    for event, (_, code) in kind.events.items():
        if code:
            group.run_on_event(event, code, **at(moment.RESET))
    for when, code in kind.regularly.items():
        group.run_regularly(code, **at(when), name=f"{name}_{when}")
    return group


def _link(group: NeuronGroup, other: NeuronGroup):
    """Give a compartment what it declares ``(linked)``."""
    for name in group.equations.names:
        if is_linked(group, name):
            setattr(group, name, linked_var(other, name))


def compartments_of(cells: list[Cell]) -> list[tuple[NeuronGroup, NeuronModel]]:
    """Every group of these layers with its equations."""
    return [part for cell in cells for part in cell.compartments]


def cell_values(compartments) -> dict[str, np.ndarray | float]:
    values: dict[str, np.ndarray | float] = {}
    for group, kind in compartments:
        values.update(parameters_of(group.name, kind))
    return values
