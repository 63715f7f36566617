"""What training records of its epochs beside weights: traces, spikes, phases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from neuro_ep.errors import InputError
from neuro_ep.recording import traces
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.probe import Probe, Spikes, Track
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run.plan import Plan
from neuro_ep.run.recorded import NOW, told
from neuro_ep.run.target import on_target
from neuro_ep.training.rebuild import with_quantities

#: Epochs of which something is recorded where nothing else is said.
EPOCHS = (0, 1, -1)

#: Bytes of a value in the recording, where a double has a copy in single precision.
ITEM_BYTES = {"float32": 4, "float64": 12}

#: Which samples: all that train or test, or a slice of them.
PART = re.compile(r"(train|test)(?:\[(-?\d*):(-?\d*)\])?")


@dataclass(frozen=True, eq=False)
class WatchedRun:
    """What is recorded of a run: which epochs, which samples, and as what."""

    recorder: traces.RecorderHeader
    epochs: frozenset[int]
    rows: np.ndarray

    def begin(self, part: Path, epoch: int, schedule: Schedule, plan: Plan) -> dict:
        """What the network is told before an epoch, {} where it is not recorded."""
        if epoch not in self.epochs:
            return {}
        batch = plan.settings.batch
        found = np.isin(schedule.samples, self.rows)
        shown: np.ndarray = np.array(found, bool).reshape(-1, batch).max(axis=1)
        chosen = np.zeros(plan.capacity, np.int32)
        chosen[: len(shown)] = shown
        folder, first = traces.begun(part, epoch), traces.recorded_before(part, epoch)
        return told(plan.tracks, folder, chosen, first)

    def end(self, part: Path, epoch: int, schedule: Schedule, plan: Plan, results):
        """The epoch is over: keep what it wrote, with what it showed."""
        if epoch not in self.epochs:
            return
        batch, p = plan.settings.batch, plan.presentations
        first = traces.recorded_before(part, epoch)
        learn = np.asarray(schedule.learn).astype(bool)
        nudge = np.ravel(plan.values[f"{p}.phase_nudge"])
        size = np.ravel(schedule.sign) * plan.values[f"{p}.strength"]
        shown = {
            "first": first,
            "steps": results[NOW][0] + 1 - first,
            "sample": np.asarray(schedule.samples).reshape(-1, batch),
            "label": np.asarray(schedule.labels).reshape(-1, batch),
            "learn": learn,
            "beta": (learn * size)[:, None] * nudge,
        }
        traces.kept(part, epoch, shown)


def watched(
    rule,
    dataset: Dataset,
    settings: Settings,
    dtype: str,
    record: Iterable[Probe | Spikes],
    epochs: Iterable[int] | None,
    samples: str | ArrayLike | None,
) -> WatchedRun | None:
    """What a run is asked to record, None where that is nothing.

    Raises InputError for what the network, the run or the data do not have.
    """
    record = tuple(record)
    if not record:
        for name, value in (("record_epochs", epochs), ("record_samples", samples)):
            if value is not None:
                raise InputError(
                    f"{name} = {value!r:.60}: nothing is recorded; say what with record"
                )
        return None
    tracks, lengths, step = _planned(rule, settings, dtype, record)
    chosen = _epochs(settings, EPOCHS if epochs is None else epochs, epochs is None)
    rows = _rows(dataset, samples)
    shown = _presentations(dataset, settings, rows)
    size = _size(tracks, lengths, chosen, shown, ITEM_BYTES[dtype])
    phases = tuple(phase.name for phase in rule.protocol(settings).phases)
    recorder = traces.RecorderHeader(step, phases, dtype, tracks, size)
    return WatchedRun(recorder, chosen, rows)


def _planned(rule, settings: Settings, dtype: str, record):
    """(tracks, steps of every phase, seconds of a step), from a network never run."""
    from neuro_ep.build.network import build_network

    with on_target("numpy", dtype):
        network = build_network(
            with_quantities(rule, settings),
            settings,
            dtype=np.dtype(dtype),
            record=record,
        )
    for item in network.brian2.sorted_objects:  # it warns of those that never run
        item._network = network.brian2.id
    step = float(network.layers[0].clock.dt)
    return network.tracks, network.phase_steps(), step


def _epochs(settings: Settings, epochs, usual: bool) -> frozenset[int]:
    try:
        given = [int(epoch) for epoch in epochs if int(epoch) == epoch]
        whole = len(given) == len(list(epochs)) > 0
    except (TypeError, ValueError):
        whole, given = False, []
    last = settings.epochs
    if not whole or any(not -last - 1 <= epoch <= last for epoch in given if not usual):
        raise InputError(
            f"record_epochs = {epochs!r:.60}: give numbers of epochs, from 0 (before "
            f"training) to {last}, or from -1, the last one"
        )
    found = {epoch % (last + 1) for epoch in given}
    return frozenset(epoch for epoch in found if epoch <= last)


def _rows(dataset: Dataset, samples) -> np.ndarray:
    """Which rows of the data are recorded."""
    if samples is None:
        return np.concatenate([dataset.train, dataset.test])
    if isinstance(samples, str):
        found = PART.fullmatch(samples.replace(" ", ""))
        if found is None:
            raise InputError(
                f"record_samples = {samples!r:.60}: write train, test, or some of "
                "them, such as test[:20]"
            )
        first, last = (int(n) if n else None for n in (found[2], found[3]))
        rows = getattr(dataset, found[1])[first:last]
    else:
        rows = np.asarray(samples)
        known = np.concatenate([dataset.train, dataset.test])
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or set(rows) - set(known):
            raise InputError(
                f"record_samples = {samples!r:.60}: give rows of {dataset.name}, as "
                "whole numbers from its train and test, or words such as 'test[:20]'"
            )
    if not len(rows):
        raise InputError(f"record_samples = {samples!r:.60} names no sample")
    return rows


def _presentations(dataset: Dataset, settings: Settings, rows) -> tuple[int, int]:
    """Presentations of an epoch that are recorded, at most: that train, that test."""
    from neuro_ep.training.epochs import presentations

    training, testing = presentations(dataset, settings)
    return (
        min(training, int(np.isin(dataset.train, rows).sum())),
        min(testing, int(np.isin(dataset.test, rows).sum())),
    )


def _size(tracks: Iterable[Track], lengths, epochs, shown, item: int) -> int:
    """Bytes that all of it may need, at most."""
    training, testing = shown
    total = 0
    for epoch in epochs:
        trained = training if epoch else 0
        steps = trained * sum(lengths) + testing * lengths[0]
        total += sum(t.bytes_of(steps, trained + testing, item) for t in tracks)
    return total
