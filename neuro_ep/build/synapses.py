"""The synapses of a layered network: their kind, and when each sum is delivered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from brian2 import Equations, NeuronGroup
from brian2.utils.stringtools import get_identifiers

from neuro_ep.build.order import at, before, slot
from neuro_ep.build.parameters import RATE, parameters_of
from neuro_ep.build.wiring import Edge
from neuro_ep.engine.convolution import BiasSynapses, ConvSynapses, PoolSynapses
from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.errors import InputError
from neuro_ep.records import moment
from neuro_ep.records.model import SynapseModel


class SynapseMaker:
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
        how |= self._pathways(kind, pre)
        order, adds = self._sums(equations, pre, post)
        self.values.update(parameters_of(name, kind))
        synapses = connect(
            pre,
            post,
            equations,
            replicas=self.settings.batch,
            clock=post.clock,
            sum_order=order,
            adds=adds,
            deliver=slot(kind.deliver),
            name=name,
            **at(kind.when, kind.order),
            **how,
        )
        if kind.update:
            _update(synapses, kind.update)
        for when, code in kind.regularly.items():
            regularly(synapses, kind.gate, code, **at(when), name=f"{name}_{when}")
        return synapses

    def _pathways(self, kind: SynapseModel, pre) -> dict[str, str]:
        """What events run, under the names of what the maker of synapses takes."""
        found = {"on_pre": kind.on_pre, "on_post": kind.on_post}
        if pre is self.cells[0].group and not declares(pre, kind.on_post):
            del found["on_post"]
        found = {side: code for side, code in found.items() if code}
        return {**found, "on_event": kind.on_event} if found else {}

    def _sums(self, equations: Equations, pre, post):
        """Summed variable -> order; and those that add to what was delivered before."""
        order, adds = {}, []
        for equation in equations.values():
            if "summed" not in equation.flags:
                continue
            variable, _, side = equation.varname.rpartition("_")
            group = post if side == "post" else pre
            cell = self.by_name.get(group.name)
            earlier = self.begun.get((group.name, variable), 0)
            self.begun[group.name, variable] = earlier + 1
            turn = before(group.order, earlier)  # of what a layer does not consist of
            if cell is not None:
                turn = cell.order_of_sum(variable, earlier)
            order[equation.varname] = turn
            if earlier:
                adds.append(equation.varname)
        return order, adds


def _update(synapses: DenseSynapses, code: str):
    """Run code at the end of the steps in which plasticity is open."""
    name = f"{synapses.name}_update"
    synapses.run_where(code, "plastic", **at(moment.FINISH), name=name)


def regularly(synapses: DenseSynapses, gate: str, code: str, **how):
    """Run code at every step, or where the gate is open."""
    if gate:
        return synapses.run_where(code, gate, **how)
    return synapses.run_regularly(code, **how)


def declares(pre: NeuronGroup, code: str) -> bool:
    """Whether these neurons have all that the code names of the presynaptic side."""
    sides = {name for name in get_identifiers(code) if name.endswith("_pre")}
    return sides <= {f"{name}_pre" for name in pre.variables}


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
