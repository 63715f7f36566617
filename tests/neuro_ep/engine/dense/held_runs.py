"""Runs for test_held.py, each in a process: python held_runs.py KIND OUT.npz."""

import os
import sys
from pathlib import Path

import numpy as np
from brian2 import (
    Network,
    NetworkOperation,
    NeuronGroup,
    StateMonitor,
    ms,
    mV,
    prefs,
    scheduling_summary,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject

from neuro_ep.build.network import build_network
from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target
from neuro_ep.tasks import load
from neuro_ep.training.epochs import Epochs, presentations
from neuro_ep.training.initial_weights import initial_weights

SETTINGS = Settings(
    layers=(20, 12, 4),
    eta=(0.05, 0.03),
    beta=0.5,
    free=4,
    nudged=2,
    step=0.4,
    batch=5,
)
PRESENTATIONS = 200

SOURCE = "x : 1"
TARGET = "dv/dt = (I - v)/(5*ms) : volt\nI : volt\ny = tanh(v/mV) : 1"
RULE = """
dw/dt = (0.3*x_pre*y_post - 0.1*x_pre*y_post**2)*mV/(10*ms) : volt (clock-driven)
I_post = w*x_pre : volt (summed)
"""
DECAY = """
dw/dt = 0.3*x_pre*y_post*mV/(10*ms) - w/(200*ms) : volt (clock-driven)
I_post = w*x_pre : volt (summed)
"""


FADING = "x = 0.9*x"


def training(out: str, target: str, fading: str = ""):
    """Two hundred presentations of other samples, held and plain, in float64.

    ``fading`` is code that changes the input in every step, unannounced.
    """
    draw = np.random.default_rng(3)
    samples = draw.random((50, 20))
    order = draw.integers(0, 50, PRESENTATIONS * 5)
    sign = draw.choice([-1.0, 1.0], PRESENTATIONS)
    schedule = Schedule(samples, order, order % 4, sign=sign)
    values = {
        "input_to_hidden.w": draw.normal(size=(20, 12)) * 3e-4,
        "hidden_to_output.w": draw.normal(size=(12, 4)) * 3e-4,
    }
    wanted = [
        *("input_to_hidden.w", "hidden_to_output.w", "bias_hidden.b"),
        *("hidden.v", "output.v", "presentations.cost"),
    ]
    found = {}
    for hold in (True, False):
        select_target(target)
        network = build_network(
            CONTINUAL_EP,
            SETTINGS,
            capacity=PRESENTATIONS,
            set_values=target != "standalone",
            hold=hold,
        )
        if fading:
            network.layers[0].run_regularly(fading)
        simulation = device.simulation(network)
        held = network.projections["input_to_hidden"].held is not None
        results = simulation.run(schedule, values, wanted)
        found.update({f"{hold}/{name}": value for name, value in results.items()})
        found[f"{hold}/held"] = held
        found[f"{hold}/announced"] = network.projections["input_to_hidden"].announced
    np.savez(out, **found)


def options(out: str):
    """Two epochs on digits in float32, with every way of computing the same."""
    digits = load("digits")
    settings = CONTINUAL_EP.settings("digits", layers=(64, 32, 10))
    samples = Path(out).with_suffix(".raw")
    digits.inputs.astype(np.float32).tofile(samples)
    found = {}
    for hold in (True, False):
        select_target("standalone")
        network = build_network(
            CONTINUAL_EP,
            settings,
            capacity=sum(presentations(digits, settings)),
            dtype=np.float32,
            set_values=False,
            hold=hold,
        )
        simulation = device.simulation(network)
        for threads in ("1", "2"):
            os.environ["OPENBLAS_NUM_THREADS"] = threads
            state = start(network, settings)
            epochs = Epochs(simulation, digits, 0, samples)
            for epoch in (1, 2):
                state, _ = epochs.show(epoch, state)
            for name, weights in state.items():
                found[f"{hold}-{threads}/{name}"] = weights
    np.savez(out, **found)


def start(network, settings) -> dict[str, np.ndarray]:
    """The weights before training, in SI units; biases at zero."""
    drawn = initial_weights(CONTINUAL_EP, settings, seed=0)
    sizes = {**network.projections, **network.biases}
    return {
        name: np.asarray(
            drawn.get(name, np.zeros((1, size.N_post))) * 1e-3, dtype=np.float32
        )
        for name, size in sizes.items()
    }


def dense(rule: str, hold: bool, watch=()):
    """Thirty steps with a source that changes in the middle."""
    draw = np.random.default_rng(1)
    keywords = {"codeobj_class": NumpyCodeObject, "method": "euler"}
    source = NeuronGroup(3 * 6, SOURCE, **keywords)
    target = NeuronGroup(3 * 4, TARGET, **keywords)
    synapses = DenseSynapses(source, target, rule, replicas=3, hold=hold, order=1)
    source.x, target.v = draw.random(18), draw.normal(size=12) * mV
    synapses.w = draw.normal(size=(6, 4)) * mV
    network = Network(source, target, synapses, *[kind(synapses) for kind in watch])
    held = synapses.held is not None
    network.run(1.5 * ms)
    source.x = draw.random(18)
    network.run(1.5 * ms)
    return np.asarray(synapses.w), np.asarray(target.v), held, network


def reading(out: str):
    """What reads or changes weights during a run, on compiled kernels in-process."""
    prefs.codegen.target = "cython"
    seen: list[np.ndarray] = []
    found = {}
    for name, rule, watch in (
        ("rule", RULE, []),
        ("decay", DECAY, []),
        ("monitor", RULE, [lambda s: StateMonitor(s, "w", record=[0, 5], name="seen")]),
        ("python", RULE, [lambda s: NetworkOperation(lambda: seen.append(+s.w[:]))]),
    ):
        for hold in (True, False):
            seen.clear()
            w, v, held, network = dense(rule, hold, watch)
            found |= {f"{name}/{hold}/w": w, f"{name}/{hold}/v": v}
            found[f"{name}/{hold}/held"] = held
            found[f"{name}/{hold}/schedule"] = repr(scheduling_summary(network))
            if name == "monitor":
                found[f"{name}/{hold}/seen"] = np.asarray(network["seen"].w)
            if name == "python":
                found[f"{name}/{hold}/seen"] = np.asarray(seen)
    np.savez(out, **found)


if __name__ == "__main__":
    if sys.argv[1] == "reading":
        reading(sys.argv[2])
    elif sys.argv[1] == "options":
        options(sys.argv[2])
    elif sys.argv[1] == "fading":
        training(sys.argv[2], "standalone", FADING)
    else:
        training(sys.argv[2], sys.argv[1])
