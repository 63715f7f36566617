"""Damped reciprocal networks, simulated: the first run, the second, and the gradient.

The same in numpy is :mod:`neuro_ep.trajectories.damped`, whose records this takes and
gives. A network is two groups of Brian2 objects by hand: neurons, dense synapses onto
themselves, and what is given as a function of time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from brian2 import Clock, Network, NeuronGroup, StateMonitor, TimedArray, prefs, second

from neuro_ep.build.order import at
from neuro_ep.checking.family import Asked, Family
from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.errors import InputError
from neuro_ep.oracle.compare import cosines, relative_errors
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import complex_step
from neuro_ep.records.condition import SecondRun
from neuro_ep.records.model import NeuronModel, SynapseModel
from neuro_ep.trajectories.damped import Damped, cost, response

UNITS, STEPS, STEP, SEED = 5, 400, 0.05, 3

#: The gradient is exact at any beta: those at which it is measured.
BETA, LARGE_BETA = 1.0, -30.0


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


# --- what is measured ----------------------------------------------------------------


def measure(kind: SecondRun, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how) of equations of neurons and synapses."""
    network = reference(asked.seed)
    exact = exact_gradient(network)
    found, path = gradient(kind.neuron, kind.synapse, network, BETA)
    large, _ = gradient(kind.neuron, kind.synapse, network, LARGE_BETA)
    free = response(network, network.force)
    measured = {
        "relative_error": relative_errors(found, exact, exact),
        "cosine": cosines(found, exact, exact),
        "relative_error_large_beta": relative_errors(large, exact, exact),
        "position_error": float(np.abs(path - free).max()),
    }
    how = {"neurons": UNITS, "duration": STEPS * STEP, "step": STEP, "beta": BETA}
    return measured, how


def reference(seed: int) -> Damped:
    """5 units, T = 20, friction 0.05 to 0.6, the last unit being read."""
    draw = np.random.default_rng(seed)
    spread = draw.normal(0, 0.5, (UNITS, UNITS))
    times, units = np.arange(STEPS + 1) * STEP, np.arange(UNITS)
    force = np.cos((0.4 + 0.2 * units) * times[:, None] - units)
    force[0] = 0
    return Damped(
        mass=draw.uniform(0.7, 1.5, UNITS),
        friction=np.linspace(0.05, 0.6, UNITS),
        stiffness=spread @ spread.T + np.eye(UNITS),
        force=force,
        target=0.3 * np.sin(0.8 * times)[:, None],
        dt=STEP,
    )


def exact_gradient(network: Damped) -> Parameters:
    """dC by class, by complex step; stiffness as a symmetric matrix."""
    units = len(network.mass)
    pairs = np.triu_indices(units)

    def tilted_cost(values):
        stiffness = np.zeros((len(values["mass"]), units, units), complex)
        one, other = pairs
        stiffness[:, one, other] = stiffness[:, other, one] = values["stiffness"]
        tilted = replace(network, **values | {"stiffness": stiffness})
        return cost(tilted, response(tilted, network.force))

    values = {name: getattr(network, name) for name in ("friction", "mass")}
    values = {"stiffness": network.stiffness[pairs], **values}
    found = complex_step(tilted_cost, values)
    matrix = np.zeros((units, units))
    matrix[pairs] = found["stiffness"]
    return found | {"stiffness": matrix + np.triu(matrix, 1).T}


FAMILY = Family(
    "second run",
    {
        "relative_error": "of the gradient at beta = 1 beside the exact one, by class",
        "cosine": "of both, by class",
        "relative_error_large_beta": "of the gradient at beta = -30, by class",
        "position_error": "largest difference of the first run and the same in numpy",
    },
    SEED,
    {
        "relative_error": (0, 1e-7),
        "cosine": (1 - 1e-9, 1 + 1e-9),
        "relative_error_large_beta": (0, 1e-7),
        "position_error": (0, 1e-12),
    },
    measure,
    reads=("seed",),
)
