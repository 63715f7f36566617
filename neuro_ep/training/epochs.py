"""An epoch is one run of the simulation: the schedule it gets, the row it leaves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro_ep.oracle.gain import gain
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run.plan import Plan
from neuro_ep.run.recorded import NOW
from neuro_ep.run.simulation import Simulation
from neuro_ep.training.gain import open_rates, seen_by
from neuro_ep.training.watching import WatchedRun

State = dict[str, np.ndarray]


def presentations(dataset: Dataset, settings: Settings) -> tuple[int, int]:
    """Batches of an epoch: whole ones for training, enough to test every sample."""
    training = len(dataset.train) // settings.batch
    return training, math.ceil(len(dataset.test) / settings.batch)


def epoch_draw(seed: int, epoch: int) -> np.random.Generator:
    """What an epoch is drawn with: first a permutation of the training samples."""
    return np.random.default_rng(np.random.SeedSequence([seed, 1, epoch]))


def taught(dataset: Dataset, rows: NDArray) -> dict[str, Any]:
    """What a schedule is told that these samples teach: classes, or targets."""
    if dataset.targets is None:
        return {"labels": dataset.labels[rows]}
    return {"targets": dataset.targets, "target_frames": 1}


@dataclass(frozen=True)
class Epochs:
    """One epoch after another on one simulation.

    ``samples`` is the raw file of the inputs; ``on_progress`` is called with
    (epoch, presentations shown, presentations of the epoch), or None. What is
    ``watched`` is written into the folder ``part``.
    """

    simulation: Simulation
    dataset: Dataset
    seed: int
    samples: Path
    on_progress: Callable[[int, int, int], None] | None = None
    watched: WatchedRun | None = None
    part: Path = Path()

    @property
    def plan(self) -> Plan:
        return self.simulation.plan

    @property
    def settings(self) -> Settings:
        return self.plan.settings

    def show(self, epoch: int, state: State) -> tuple[State, dict[str, float], State]:
        """Run one epoch (0 only evaluates); return the state after it, its row, and
        what was said of each sample that tests.

        ``state`` holds the learned variables by projection, and those that are carried
        by ``"group.variable"``, in SI units. What it lacks of these begins at zero.
        """
        started = time.monotonic()
        training, testing = presentations(self.dataset, self.settings)
        training = training if epoch else 0
        schedule = self._schedule(epoch, training, testing)
        order, learned = schedule.samples, self.plan.weights
        values = {learned[name]: state[name] for name in learned}
        carried = self.plan.carried
        values.update({name: state[name] for name in carried if name in state})
        results = self._run(epoch, schedule, values)
        after = {
            name: results[variable].reshape(state[name].shape)
            for name, variable in learned.items()
        }
        after |= {name: results[name] for name in carried}
        diverged = self._read("diverged", results)[0] or not _finite(after)
        row = {
            "epoch": epoch,
            **self._judged(order, training, results),
            **self._gains(order, results),
            "diverged": int(diverged),
            "wall_s": time.monotonic() - started,
        }
        return after, row, self._tested(order, training, results)

    def _run(self, epoch: int, schedule: Schedule, values: State) -> State:
        """One run of the simulation, recorded where that was asked for."""
        if self.watched is not None:
            values |= self.watched.begin(self.part, epoch, schedule, self.plan)
        results = self.simulation.run(
            schedule, values, self._wanted(), self._progress(epoch)
        )
        if self.watched is not None:
            self.watched.end(self.part, epoch, schedule, self.plan, results)
        return results

    def _wanted(self) -> list[str]:
        name = self.plan.presentations
        counted = [NOW] if self.plan.tracks else []
        judged = "predicted", "answer", "sample_cost", "diverged"
        reads = [f"{name}.{read}" for read in judged]
        kept = [*self.plan.weights.values(), *self.plan.carried]
        return [*kept, *self._activities(), *reads, *counted]

    def _activities(self) -> list[str]:
        activity = self.plan.activity
        if activity is None:
            return []
        return [f"{layer}.{activity}" for layer in self.plan.layers[1:]]

    def _read(self, name: str, results: State) -> np.ndarray:
        return results[f"{self.plan.presentations}.{name}"]

    def _judged(self, order, training, results) -> dict[str, float]:
        """Training samples are judged before their update, held-out ones at the end."""
        trained = training * self.settings.batch
        ends = {"test": slice(trained, trained + len(self.dataset.test))}  # no filling
        if training:
            ends["train"] = slice(0, trained)
        cost, row = self._read("sample_cost", results), {}
        for kind, shown in ends.items():
            name, value = self._quality(order, results, shown)
            row[f"{kind}_{name}"] = value
            row[f"{kind}_cost"] = float(cost[shown].mean())
        return row

    def _quality(self, order, results, shown: slice) -> tuple[str, float]:
        """What the samples of a part are judged by, and how well they were answered."""
        targets = self.dataset.targets
        if targets is None:
            right = self._read("predicted", results)[shown]
            return "accuracy", float(
                (right == self.dataset.labels[order[shown]]).mean()
            )
        answers = self._read("answer", results).reshape(-1, targets.shape[1])[shown]
        return "r2", r2(targets[order[shown]], answers)

    def _tested(self, order, training, results) -> State:
        """Of every sample that tests: its row, what every output said, and its class
        and the one that was predicted, where there are classes.
        """
        first, data = training * self.settings.batch, self.dataset
        shown = slice(first, first + len(data.test))
        answers = self._read("answer", results).reshape(-1, data.outputs)[shown]
        rows = order[shown]
        found = {"sample": rows, "read_out": answers.astype(np.float32)}
        if data.targets is None:
            predicted = self._read("predicted", results)[shown]
            found |= {"label": data.labels[rows], "predicted": predicted}
        return found

    def _schedule(self, epoch, training, testing) -> Schedule:
        """The order of the samples, from (seed, epoch) alone, and the signs of beta."""
        draw = epoch_draw(self.seed, epoch)
        batch, shown = self.settings.batch, training + testing
        order = np.concatenate(
            [
                draw.permutation(self.dataset.train)[: training * batch],
                np.resize(self.dataset.test, testing * batch),
            ]
        ).astype(np.int64)
        sign = np.full(shown, math.copysign(1, self.settings.beta))
        if self.plan.random_sign:
            sign *= draw.choice([-1.0, 1.0], self.plan.capacity)[:shown]
        return Schedule(
            inputs=self.samples,
            samples=order,
            **taught(self.dataset, order),
            learn=np.arange(shown) < training,
            sign=sign,
            frames=self.dataset.frames,
        )

    def _gains(self, order, results) -> dict[str, float]:
        """g of every layer, measured at the free state of the last batch shown."""
        batch, settings = self.settings.batch, self.settings
        read = [results[name].reshape(batch, -1) for name in self._activities()]
        gains: dict[str, float] = {}
        if not read:
            return gains
        activities = [self.dataset.inputs[order[-batch:]], *read]
        shares = np.ravel(self.plan.values[f"{self.plan.presentations}.phase_plastic"])
        for number, eta in enumerate(open_rates(settings, shares)):
            pre, post = settings.edges[number]
            name = f"gain_{self.plan.layers[post]}"
            seen = seen_by(settings, number, activities[pre])
            sound = np.isfinite(seen).all()  # otherwise the run has diverged
            found = gain(eta, settings.beta, seen) if sound else math.nan
            gains[name] = max(found, gains.get(name, 0.0))
        return gains

    def _progress(self, epoch):
        if self.on_progress is None:
            return None
        return lambda done, total: self.on_progress(epoch, done, total)


def r2(targets: NDArray, answers: NDArray) -> float:
    """R2, its mean over the targets; NaN where answers are not finite.

    It is the same in any unit of a target. Raises ValueError for less than 2 samples.
    """
    from sklearn.metrics import r2_score

    if len(targets) < 2:
        raise ValueError(f"R2 of {len(targets)} samples")
    if not np.isfinite(answers).all():
        return math.nan
    return float(r2_score(targets, answers))


def _finite(state) -> bool:
    return all(bool(np.isfinite(values).all()) for values in state.values())
