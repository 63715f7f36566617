"""The simulated side of a check: one presentation of a network, watched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2 import StateMonitor

from neuro_ep.build.network import LayeredNetwork, build_network
from neuro_ep.checking.families.equilibrium_subject import Subject
from neuro_ep.checking.presented import present
from neuro_ep.oracle import compare
from neuro_ep.oracle.field import Parameters
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device

#: eta/beta of the updates, as the gain g of the layer with the largest: enough for
#: weights that keep their digits. Totals are extrapolated to eta = 0 from this and
#: twice this; what is compared step by step is not extrapolated.
GAIN, STEPWISE_GAIN = 3e-4, 3e-5


@dataclass(frozen=True)
class EquilibriumProbe:
    """A built network with monitors of its states and, if wanted, of its weights."""

    subject: Subject
    network: LayeredNetwork
    simulation: device.Simulation
    states: list
    weights: dict


@dataclass(frozen=True)
class Watched:
    """One presentation: update/eta by class, states (time, batch, N) after every step,
    weights by class (time, n_pre, n_post) where they were recorded."""

    update: Parameters
    states: np.ndarray
    weights: Parameters


def probe(
    subject: Subject, nudging: str, dtype=np.float64, stepwise: float = 0
) -> EquilibriumProbe:
    """Build the subject's network.

    stepwise also records every weight, in a nudged phase of so many time constants.
    """
    settings = changed(subject.settings, nudging=nudging)
    if stepwise:
        settings = changed(settings, nudged=stepwise)
    network = build_network(subject.rule, settings, dtype=dtype)
    simulation = device.simulation(network)
    clock = network.layers[0].clock
    states = [
        StateMonitor(group, neuron.state, True, when="end", clock=clock)
        for group, neuron in zip(
            network.layers[1:], subject.field.neurons[1:], strict=True
        )
    ]
    weights = {}
    for name, variable in network.weights.items() if stepwise else ():
        synapses, attribute = network[name], variable.split(".")[1]
        weights[name] = StateMonitor(
            synapses, attribute, synapses[:, :], when="end", clock=clock
        )
    network.brian2.add(*states, *weights.values())
    return EquilibriumProbe(subject, network, simulation, states, weights)


def show(probe: EquilibriumProbe, beta: float, eta: float, sign: int = 1) -> Watched:
    """Present the batch once; sign is that of beta where the protocol draws it."""
    subject = probe.subject
    scales = {edge.name: 1 / (edge.unit or 1) for edge in subject.field.learned}
    begun = len(probe.states[0].t)
    weights = {name: subject.theta[name] * scales[name] for name in scales}
    found = present(
        probe.simulation,
        weights,
        subject.clamp.x,
        subject.labels,
        eta=eta,
        beta=beta,
        sign=sign,
    )
    update = {name: change / scales[name] for name, change in found.update.items()}
    return Watched(update, _states(probe, begun), _recorded(probe, begun, scales))


def _states(probe: EquilibriumProbe, begun: int) -> np.ndarray:
    batch, layers = probe.network.settings.batch, []
    neurons = probe.subject.field.neurons[1:]
    for monitor, neuron in zip(probe.states, neurons, strict=True):
        assert neuron.state is not None
        values = np.asarray(getattr(monitor, neuron.state))[:, begun:].T
        unit = neuron.equations[neuron.state].unit
        layers.append(values.reshape(len(values), batch, -1) * unit)
    return np.concatenate(layers, axis=2)


def _recorded(probe: EquilibriumProbe, begun: int, scales) -> Parameters:
    recorded = {}
    for name, monitor in probe.weights.items():
        attribute = probe.network.weights[name].split(".")[1]
        values = np.asarray(getattr(monitor, attribute))[:, begun:].T
        shape = probe.subject.theta[name].shape
        recorded[name] = values.reshape(-1, *shape) / scales[name]
    return recorded


def slow_update(built: EquilibriumProbe, beta: float) -> Parameters:
    """The update divided by eta as eta -> 0: linear in eta, from two values of it."""
    eta = built.subject.ratio(GAIN) * beta
    one, two = (show(built, beta, n * eta).update for n in (1, 2))
    return {name: 2 * one[name] - two[name] for name in one}


def flat(values: Parameters) -> np.ndarray:
    """All classes as one vector, in the order of their names."""
    return compare.flat(values, sorted(values))
