"""The network in this process, step by step: for the numpy and the Cython target."""

from __future__ import annotations

import numpy as np
from brian2 import NeuronGroup, prefs, second
from brian2.devices.device import auto_target
from brian2.equations.equations import SUBEXPRESSION

from neuro_ep.build.collecting import uncollected
from neuro_ep.build.network import LayeredNetwork, set_all
from neuro_ep.engine.dense.matrix import MatrixVariable
from neuro_ep.presentation.presentations import PLACE
from neuro_ep.run.plan import plan_of
from neuro_ep.run.simulation import Simulation
from neuro_ep.run.target import on_target


class RuntimeSimulation(Simulation):
    """The network in this process, on the numpy or the Cython target."""

    def __init__(self, network: LayeredNetwork, profile: bool = False):
        self.plan, self.network, self.profile = plan_of(network), network, profile
        self.seconds = {}
        self.target = _target_in_use()
        self.dtype = network.dtype
        self.built = {name: self._read(name) for name in kept(network)}

    def _run(self, values, wanted, on_progress):
        with on_target(self.target, self.dtype):
            return self._run_here(values, wanted)

    def _run_here(self, values, wanted):
        network, name = self.network, self.network.presentations.name
        set_all(network, {**self.built, **network.values, **values})
        start = (*PLACE, "diverged", "predicted", "answer", "cost", "sample_cost")
        set_all(network, {f"{name}.{variable}": 0 for variable in start})
        steps = self._steps(values)
        step = float(network.layers[0].clock.dt)
        # Divergence is read from the network; and float32 has no 1e50, which Brian2
        # compares with.
        with np.errstate(over="ignore", invalid="ignore"), uncollected():
            network.brian2.run(
                steps * step * second, namespace={}, profile=self.profile
            )
        if self.profile:
            self.seconds = {
                name: float(time) for name, time in network.brian2.profiling_info
            }
        return {variable: self._read(variable) for variable in wanted}

    def _read(self, name) -> np.ndarray:
        group, variable = name.split(".")
        return np.array(self.network[group].variables[variable].get_value()).ravel()

    def _steps(self, values) -> int:
        """Length of all presentations, and the step in which the last one is read."""
        name = self.network.presentations.name
        shown = int(values[f"{name}.n_presentations"])
        learn = np.asarray(values[f"{name}.learn"])[:shown].astype(bool)
        phases = self.network.phase_steps()
        return int(learn.sum() * sum(phases) + (~learn).sum() * phases[0] + 1)

    def describe(self):
        return {
            "target": self.target,
            "held_sources": ", ".join(self.plan.held),
            "compiler": "",
            "cxxflags": "",
        }


def kept(network: LayeredNetwork) -> set[str]:
    """All that synapses and neurons keep from step to step, ``"group.variable"``."""
    made = [*network.projections.values(), *network.biases.values()]
    gathered = {
        f"{synapses.name}.{variable.name}"
        for synapses in made
        for variable in synapses.variables.values()
        if isinstance(variable, MatrixVariable)
    }
    states = {
        f"{group.name}.{name}"
        for group in network.brian2.objects
        if isinstance(group, NeuronGroup)
        for name, equation in group.equations.items()
        if equation.type != SUBEXPRESSION and "linked" not in equation.flags
    }
    return gathered | states | set(network.weights.values())


def _target_in_use() -> str:
    """The runtime target that Brian2 would use now, also where it is to choose."""
    chosen = prefs.codegen.target
    return auto_target().class_name if chosen == "auto" else chosen
