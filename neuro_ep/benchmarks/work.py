"""The work of the benchmarks: a network, samples like MNIST's, a schedule."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_ep import device
from neuro_ep.rule import Rule, Settings
from neuro_ep.training import initial_weights

SAMPLES = 400
ACTIVE = 0.19  # share of pixels above zero, as in MNIST


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


def make_work(settings: Settings, presentations: int, seed: int = 0) -> Work:
    """Sparse random samples with labels of ten classes."""
    draw = np.random.default_rng(seed)
    shape = (SAMPLES, settings.layers[0])
    inputs = draw.random(shape) * (draw.random(shape) < ACTIVE)
    order = draw.integers(0, SAMPLES, (presentations, settings.batch))
    labels = draw.integers(0, settings.layers[-1], SAMPLES)[order]
    signs = draw.choice([-1.0, 1.0], presentations)
    return Work(settings, inputs.astype(np.float32), order, labels, signs)


class Ours:
    """A compiled network that does the work, from the same weights every time."""

    def __init__(self, rule: Rule, work: Work, folder: Path, hold: bool = True):
        self.network = _network(rule, work, hold=hold)
        self.bundle, _ = device.built(self.network)
        self.work = work
        self.samples = folder / "samples.raw"
        self.samples.write_bytes(work.inputs.tobytes())
        self.weights = initial_weights(rule, work.settings, seed=0)

    def run(self, shown: int | None = None, through=()) -> dict[str, np.ndarray]:
        """Show presentations; return the learned variables in units of v_unit.

        ``through`` is a command that starts the program, see
        :func:`neuro_ep.bundle.run_bundle`.
        """
        learned = self.network.weights
        diverged = f"{self.network.presentations.name}.diverged"
        results = run_bundle(
            self.bundle,
            self._values(shown or self.work.presentations),
            environment={SAMPLES: str(self.samples)},
            wanted=[*learned.values(), diverged],
            through=through,
        )
        if results[diverged][0]:
            raise RunError("the network of the benchmark diverged: nothing was timed")
        return {key: results[variable] * 1e3 for key, variable in learned.items()}

    def _values(self, shown: int) -> dict[str, np.ndarray | float]:
        learned, name = self.network.weights, self.network.presentations.name
        start = {learned[key]: value * 1e-3 for key, value in self.weights.items()}
        schedule = {
            "n_presentations": shown,
            "sample": self.work.order,
            "label": self.work.labels,
            "learn": np.ones(self.work.presentations),
            "sign": self.work.signs,
        }
        values = {f"{name}.{key}": value for key, value in schedule.items()}
        return {**self.network.values, **start, **values}


def scratch() -> tempfile.TemporaryDirectory:
    """A folder for the samples of one benchmark."""
    return tempfile.TemporaryDirectory(prefix="neuro_ep_bench_")
