"""The work of the benchmarks: a network, samples like MNIST's, a schedule."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_ep.build.network import LayeredNetwork, build_network
from neuro_ep.errors import RunError
from neuro_ep.records.rule import Rule
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.bundle import Bundle, run_bundle
from neuro_ep.run.plan import plan_of
from neuro_ep.run.program import threads
from neuro_ep.run.scheduled import scheduled
from neuro_ep.run.target import select_target
from neuro_ep.training.initial_weights import initial_weights

N_SAMPLES = 400
ACTIVE = 0.19  # share of pixels above zero, as in MNIST

#: Largest difference of weights after the work, relative to their change.
SAME = 1e-2


@dataclass(frozen=True)
class Work:
    """Presentations of one batch each: sample numbers, labels, the sign of beta."""

    settings: Settings
    inputs: np.ndarray
    order: np.ndarray
    labels: np.ndarray
    signs: np.ndarray

    @property
    def presentations(self) -> int:
        return len(self.signs)


def make_work(
    settings: Settings, presentations: int, samples: int = N_SAMPLES, seed: int = 0
) -> Work:
    """Sparse random samples with random labels; longer work begins with shorter."""
    draw, orders, signs = (np.random.default_rng([seed, k]) for k in range(3))
    shape = (samples, settings.layers[0])
    inputs = draw.random(shape) * (draw.random(shape) < ACTIVE)
    classes = draw.integers(0, settings.layers[-1], samples)
    order = orders.integers(0, samples, (presentations, settings.batch))
    return Work(
        settings,
        inputs=inputs.astype(np.float32),
        order=order,
        labels=classes[order],
        signs=signs.choice([-1.0, 1.0], presentations),
    )


class Program:
    """A compiled network that does the work, from the same weights every time."""

    def __init__(
        self, network: LayeredNetwork, bundle: Bundle, work: Work, weights, folder: Path
    ):
        self.network, self.bundle, self.work = network, bundle, work
        self.weights = weights
        self.samples = folder / "samples.raw"
        self.samples.write_bytes(work.inputs.tobytes())

    def run(self, shown: int | None = None, **environment) -> dict[str, np.ndarray]:
        """Show presentations; return the learned variables in units of v_unit."""
        learned = self.network.weights
        diverged = f"{self.network.presentations.name}.diverged"
        results = run_bundle(
            self.bundle,
            self._values(shown or self.work.presentations),
            environment={**threads(), **environment},
            wanted=[*learned.values(), diverged],
        )
        if results[diverged][0]:
            raise RunError("the network of the benchmark diverged: nothing was timed")
        return {key: results[variable] * 1e3 for key, variable in learned.items()}

    def _values(self, shown: int) -> dict[str, np.ndarray | float]:
        learned, work = self.network.weights, self.work
        start = {learned[key]: value * 1e-3 for key, value in self.weights.items()}
        slots = shown * work.settings.batch
        schedule = Schedule(
            inputs=self.samples,
            samples=work.order[:slots],
            labels=work.labels[:slots],
            sign=work.signs[:shown],
        )
        shows = scheduled(plan_of(self.network), schedule, self.samples.parent)
        return {**self.network.values, **start, **shows}


def network_for(rule: Rule, work: Work, **options) -> LayeredNetwork:
    """The network of the work in float32, on a new C++ standalone device."""
    select_target("standalone")
    return build_network(
        rule,
        work.settings,
        capacity=work.presentations,
        dtype=np.float32,
        set_values=False,
        **options,
    )


def ours(rule: Rule, work: Work, folder: Path, hold: bool = True) -> Program:
    """The work done by dense synapses; ``hold`` as in :class:`DenseSynapses`."""
    network = network_for(rule, work, hold=hold)
    device.write_endless_run(network)
    bundle, _ = device.build_bundle(network.dtype)
    return Program(
        network, bundle, work, initial_weights(rule, work.settings, 0), folder
    )


def same(ours, theirs, before, peer: str) -> float:
    """The distance of two results, relative to the change that the peer computed.

    All three map the name of a projection to its weights; those of ``before`` count.
    RunError if it is more than rounding makes.
    """
    gap = [ours[name].ravel() - theirs[name].ravel() for name in before]
    change = [theirs[name].ravel() - before[name].ravel() for name in before]
    distance = np.linalg.norm(np.concatenate(gap))
    relative = float(distance / np.linalg.norm(np.concatenate(change)))
    if not relative < SAME:
        raise RunError(
            f"ours and {peer} differ by {relative:.1e} of the change of the weights: "
            "they do not compute the same thing"
        )
    return relative


def scratch() -> tempfile.TemporaryDirectory:
    """A folder for the samples of one benchmark."""
    return tempfile.TemporaryDirectory(prefix="neuro_ep_bench_")
