"""Hamiltonian echo learning beside backpropagation through time in PyTorch.

The same network, leapfrog, inputs and targets, in float32 with as many threads: ours
runs freely, echoes twice and gathers the gradient; the peer runs once and goes back
through its stored trajectory. That both gradients agree is checked first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.work import scratch
from neuro_ep.build.network import build_network
from neuro_ep.errors import InputError, RunError
from neuro_ep.oracle.compare import relative_errors
from neuro_ep.records.rule import Rule
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.target import on_target

#: Neurons and steps -> how often the run is presented in one round.
SIZES = {(64, 1000): 20, (256, 1000): 16, (64, 10_000): 2, (256, 10_000): 1}

#: The one that ``ratio`` is about.
MAIN = (256, 1000)

BATCH, INPUTS, OUTPUTS, STEP = 20, 8, 10, 0.02

#: beta times the steps of a run: what copies part by grows with its length.
NUDGING = 20.0

#: Standard deviation of the input weights: the neurons swing, and float32 follows them.
DRIVE = 0.02

#: Rounds of the long runs, at most.
LONG_ROUNDS = 3

#: Largest relative distance of the gradients: float32, and beta is not zero.
SAME = 1e-2

#: Parameter class -> where the network of the rule keeps it.
PLACES = {
    "w": "output_to_output",
    "B": "input_to_output",
    "b": "bias_output",
    "k": "stiffness_output",
    "l": "hardening_output",
    "m": "mass_output",
}


@dataclass(frozen=True)
class EchoWork:
    """theta by class in units of v_unit; x (batch, T, inputs), y (batch, T, outputs);
    presented so many times."""

    theta: dict[str, np.ndarray]
    x: np.ndarray
    y: np.ndarray
    times: int

    @property
    def steps(self) -> int:
        return self.x.shape[1]


def run(name: str, rule: Rule, rounds: int) -> dict:
    """ratio is that of 256 neurons and 1,000 steps; ratios has all four sizes."""
    found = {size: _size(rule, size, rounds) for size in SIZES}
    named = {
        f"{neurons} neurons, {steps} steps": found[neurons, steps]
        for neurons, steps in found
    }
    return {
        **found[MAIN],
        "ratios": {size: one["ratio"] for size, one in named.items()},
        "ratios_tuned": {size: one["ratio_tuned"] for size, one in named.items()},
        "sizes": named,
    }


def _size(rule: Rule, size: tuple[int, int], rounds: int) -> dict:
    neurons, steps = size
    work = make_work(neurons, steps, SIZES[size])
    rounds = min(rounds, LONG_ROUNDS) if steps > MAIN[1] else rounds
    with scratch() as folder:
        ours = EchoProgram(rule, work, Path(folder))
        peer, tuned = _peers(work)
        difference = checked(ours.run(), peer())
        checked(ours.run(), tuned())
        seconds = in_turn(rounds, ours=ours.run, peer=peer, tuned=tuned)
    beside = compared(seconds, "tuned")
    return {
        **compared(seconds),
        "ratio_tuned": beside["ratio"],
        "tuned_s": beside["peer_s"],
        "presentations": work.times,
        "difference": difference,
    }


def make_work(neurons: int, steps: int, times: int, seed: int = 0) -> EchoWork:
    """A network with noise for inputs and targets."""
    theta, draw = parameters(neurons, INPUTS, seed), np.random.default_rng([seed, 1])
    x = draw.normal(size=(BATCH, steps, INPUTS)).astype(np.float32)
    y = draw.normal(0, 0.3, (BATCH, steps, OUTPUTS)).astype(np.float32)
    return EchoWork(theta, x, y, times)


def parameters(neurons: int, inputs: int, seed: int = 0) -> dict[str, np.ndarray]:
    """theta by class of a network that is not chaotic, in units of v_unit."""
    draw = np.random.default_rng(seed)
    pairs = np.triu(draw.normal(0, 0.3 / np.sqrt(neurons), (neurons, neurons)), 1)
    return {
        "w": pairs + pairs.T,
        "B": draw.normal(0, DRIVE, (inputs, neurons)),
        "b": draw.normal(0, 0.1, neurons),
        "k": draw.uniform(0.6, 1.6, neurons),
        "l": draw.uniform(0.1, 0.4, neurons),
        "m": draw.uniform(0.7, 1.5, neurons),
    }


class EchoProgram:
    """The work done by the rule, in a compiled program."""

    def __init__(self, rule: Rule, work: EchoWork, folder: Path):
        self.work, self.samples, self.aims = work, folder / "x.raw", folder / "y.raw"
        work.x.tofile(self.samples)
        work.y.tofile(self.aims)
        with on_target("standalone"):
            network = build_network(
                rule,
                _settings(work),
                capacity=work.times,
                dtype=np.float32,
                set_values=False,
            )
            self.simulation = device.simulation(network)
        self.schedule = _schedule(work, self.samples, self.aims)
        self.values = {f"{PLACES[key]}.{key}": work.theta[key] * 1e-3 for key in PLACES}

    def run(self) -> dict[str, np.ndarray]:
        """The gradient by class, after every presentation has been shown."""
        wanted = {name: f"{place}.gradient" for name, place in PLACES.items()}
        found = self.simulation.run(self.schedule, self.values, wanted.values())
        return {
            name: found[wanted[name]].reshape(self.work.theta[name].shape)
            for name in wanted
        }


def _settings(work: EchoWork) -> Settings:
    duration = work.steps * STEP
    return Settings(
        layers=(INPUTS, work.theta["w"].shape[0]),
        connections=((0, 1), (1, 1)),
        eta=(0.0,),
        beta=NUDGING / work.steps,
        free=duration,
        nudged=duration,
        step=STEP,
        batch=BATCH,
        nudging="symmetric",
        read=OUTPUTS,
    )


def _schedule(work: EchoWork, samples: Path, targets: Path) -> Schedule:
    frames = {"frames": work.steps, "target_frames": work.steps}
    rows = np.tile(np.arange(BATCH), work.times)
    return Schedule(samples, rows, targets=targets, **frames)


def _peers(work: EchoWork):
    """The same in PyTorch, plainly and tuned."""
    try:
        import torch

        from neuro_ep.benchmarks.peer_hamiltonian import BackpropagationThroughTime
    except ImportError:
        raise InputError(
            "the peer needs PyTorch: pip install 'neuro_ep[bench]'"
        ) from None
    x, y = (torch.tensor(np.swapaxes(values, 0, 1)) for values in (work.x, work.y))
    x, y = x.contiguous(), y.contiguous()

    def train(peer):
        for _ in range(work.times):
            found = peer.gradient(x, y)
        return {name: value.numpy() for name, value in found.items()}

    return [
        lambda tuned=tuned: train(BackpropagationThroughTime(work.theta, STEP, tuned))
        for tuned in (False, True)
    ]


def checked(ours, theirs) -> float:
    """How far apart two gradients are, relative to theirs, in the worst class.

    RunError if it is more than float32 and beta make.
    """
    worst = max(relative_errors(ours, theirs, theirs).values())
    if not worst < SAME:
        raise RunError(
            f"the gradients of ours and of PyTorch differ by {worst:.1e}: they do not "
            "compute the same thing"
        )
    return worst
