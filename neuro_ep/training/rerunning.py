"""A run made again from its recording: are the weights the same, bit for bit?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.finding import find_dataset
from neuro_ep.recording import Recording, open_recording
from neuro_ep.records.dataset import Dataset
from neuro_ep.training.header import facts
from neuro_ep.training.rebuild import rebuild
from neuro_ep.training.train import train
from neuro_ep.training.transfer import Source


@dataclass(frozen=True)
class Compared:
    """What a run that was made again has learned, beside the first.

    same
        Whether all weights are the same, bit for bit.
    largest
        Projection -> the largest difference, in mV.
    """

    same: bool
    largest: dict[str, float]


def rerun(
    file: str | Path,
    dataset: Dataset | str | None = None,
    *,
    target: str | None = None,
    weights: Source | None = None,
    on_epoch: Callable | None = None,
    on_progress: Callable | None = None,
    on_compile: Callable | None = None,
) -> Compared:
    """Make the run of a recording again, from what the file says alone.

    dataset
        The data that it was trained on; None loads the task that it names.
    target
        None for that of the recording.
    weights
        What the run began with, where that was another recording.
    on_epoch, on_progress, on_compile
        As of :func:`neuro_ep.train`.

    What the file says is compiled and run, so rerun only what comes from people you
    trust. Raises InputError for a file that does not hold the whole run, for other data
    than it was trained on, and where the data cannot be had.

    >>> rerun("run.h5").same
    True
    """
    left = rebuild(file)
    with open_recording(file) as run:
        _refuse_part_of_a_run(run, weights)
        target = target or run.target
        known = dict(run.dataset)
    data = find_dataset(left.task if dataset is None else dataset)
    _refuse_other_data(file, known, data)
    settings = replace(left.settings, epochs=left.epoch)
    with tempfile.TemporaryDirectory() as folder:
        again = train(
            left.rule,
            data,
            settings,
            out=Path(folder) / "again.h5",
            seed=left.seed,
            target=target,
            dtype=left.dtype,
            weights=weights,
            allow_gain=True,
            on_warning=lambda text: None,
            on_epoch=on_epoch,
            on_progress=on_progress,
            on_compile=on_compile,
        )
        with open_recording(file) as first, open_recording(again.file) as second:
            return _compared(first, second)


def _refuse_part_of_a_run(run: Recording, weights: Source | None):
    """Raises InputError for a run that began with what another one left."""
    if run.training["epoch"][0] != 0:
        raise InputError(
            f"{run.path} goes on from {run.provenance.get('goes_on_from')}, and does "
            "not hold the whole run: rerun that one"
        )
    begins = run.provenance.get("begins_from")
    if (begins is None) != (weights is None):
        raise InputError(
            f"{run.path} began with the weights of {begins}: give them (weights)"
            if weights is None
            else f"{run.path} began with weights that were drawn: give none"
        )


def _refuse_other_data(file, known: dict, data: Dataset):
    now = facts(data)
    other = [
        name.removesuffix("_sha256")
        for name in now
        if name.endswith("_sha256") and known.get(name) != now[name]
    ]
    if other:
        raise InputError(
            f"{file} was trained on other data: {', '.join(other)} differ; give those "
            "that it was trained on"
        )


def _compared(first: Recording, second: Recording) -> Compared:
    largest, same = {}, True
    for name, item in first.weights.items():
        then, now = item.final, second.weights[name].final
        same = same and then.dtype == now.dtype and then.tobytes() == now.tobytes()
        gap = np.abs(then.astype(float) - now)
        largest[name] = float(gap.max()) if gap.size else 0.0
    return Compared(same, largest)
