"""Damped reciprocal networks, simulated: the first run, the second, and the gradient.

The same in numpy is :mod:`neuro_ep.trajectories.damped`, whose records this takes and
gives. A network is two groups of Brian2 objects by hand: neurons, dense synapses onto
themselves, and what is given as a function of time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2 import Clock, Network, NeuronGroup, StateMonitor, TimedArray, prefs, second

from neuro_ep.build.order import at
from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.records.model import NeuronModel, SynapseModel
from neuro_ep.trajectories.damped import Damped


@dataclass(frozen=True)
class Built:
    """A run of a network: its neurons, synapses, positions in time, and all of it."""

    neurons: NeuronGroup
    synapses: DenseSynapses
    positions: StateMonitor
    brian2: Network


def gradient(
    neuron: NeuronModel, synapse: SynapseModel, network: Damped, beta: float = 1.0
) -> tuple[Parameters, np.ndarray]:
    """(dC by class as in the oracle, positions (K + 1, N) of the first run).

    Raises InputError for a stiffness that is not symmetric, and for beta = 0.
    """
    if not np.array_equal(network.stiffness, network.stiffness.T):
        raise InputError(
            "the stiffness is not symmetric: only reciprocal networks learn"
        )
    if beta == 0:
        raise InputError("beta = 0: choose any other number")
    path = positions(run(build(neuron, synapse, network), network))
    second_run = run(build(neuron, synapse, network, path, beta), network)
    g = np.asarray(second_run.synapses.g).T / beta  # row: the neuron that answers
    found = {
        "stiffness": g + g.T - np.diag(np.diag(g)),
        "friction": np.asarray(second_run.neurons.g_friction) / beta,
        "mass": np.asarray(second_run.neurons.g_mass) / beta,
    }
    return found, path


def build(
    neuron: NeuronModel,
    synapse: SynapseModel,
    network: Damped,
    path: np.ndarray | None = None,
    beta: float = 0.0,
) -> Built:
    """The first run, or the second one if the path (K + 1, N) of the first is given."""
    prefs.core.default_float_dtype = np.float64
    path = np.zeros_like(network.force) if path is None else path
    clock = Clock(dt=network.dt * second, name="damped_clock")
    neurons = NeuronGroup(
        *(len(network.mass), neuron.equations),
        method=neuron.method,
        clock=clock,
        namespace=given(network, path),
        name="damped_neurons",
    )
    for when, code in neuron.regularly.items():
        neurons.run_regularly(code, **at(when), name=f"damped_neurons_{when}")
    synapses = DenseSynapses(
        *(neurons, neurons, synapse.equations),
        clock=clock,
        **at(synapse.when, synapse.order),
        name="damped_synapses",
    )
    outputs = network.target.shape[1]
    neurons.mass = network.mass * second**2
    neurons.friction = network.friction * second
    neurons.read = np.arange(len(network.mass)) >= len(network.mass) - outputs
    neurons.beta = beta
    synapses.stiffness = network.stiffness
    monitor = StateMonitor(neurons, "x", True, clock=clock, name="damped_positions")
    return Built(neurons, synapses, monitor, Network(neurons, synapses, monitor))


def given(network: Damped, path: np.ndarray) -> dict[str, TimedArray]:
    """What is given in time: the force, and the first run and targets last to first."""
    dt = network.dt * second
    before = np.zeros_like(path[:2])  # at rest, before it started
    aim = np.zeros_like(path)
    aim[:, -network.target.shape[1] :] = network.target
    return {
        "force": TimedArray(network.force, dt=dt),
        "recorded": TimedArray(np.concatenate([path[::-1], before]), dt=dt),
        "aim": TimedArray(aim[::-1], dt=dt),
    }


def run(built: Built, network: Damped) -> Built:
    """Run as long as the force is given."""
    built.brian2.run((len(network.force) - 1) * network.dt * second, namespace={})
    return built


def positions(built: Built) -> np.ndarray:
    """x (K + 1, N) at the steps and at the end."""
    last = np.asarray(built.neurons.x)[None]
    return np.concatenate([np.asarray(built.positions.x).T, last])
