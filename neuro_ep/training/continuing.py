"""A finished run goes on: its recording stays until the longer one is there."""

from __future__ import annotations

import os
from pathlib import Path

from neuro_ep.errors import InputError
from neuro_ep.recording import RunWriter, open_recording
from neuro_ep.recording.parts import part_folder
from neuro_ep.training.rebuild import Rebuilt

#: Added to the name of a recording while the longer one is made.
MORE = ".more"


def longer(out: str | Path, epochs: int) -> Path | None:
    """Where the longer recording of a finished run is made, None where there is none
    that has fewer epochs.
    """
    path = Path(out)
    more = path.with_name(path.name + MORE) if path.name else path
    if more.is_file() and not part_folder(more).exists():
        os.replace(more, path)  # a process died between its end and this
    if not path.is_file() or part_folder(path).exists():
        return None
    try:
        with open_recording(path) as run:
            return more if run.training["epoch"][-1] < epochs else None
    except InputError:
        return None  # no recording: beginning the run says so


def take_history(writer: RunWriter, after: Rebuilt):
    """What the finished run recorded before its last epoch, in the longer recording."""
    with open_recording(after.file) as run:
        columns = {name: column.tolist() for name, column in run.training.items()}
        rows = [
            {
                name: value
                for name, value in zip(columns, row, strict=True)
                if value == value
            }
            for row in zip(*columns.values(), strict=True)
        ]
        epochs = next(iter(run.weights.values())).epochs.tolist()
        kept = {name: item.snapshots for name, item in run.weights.items()}
    for number, epoch in enumerate(epochs[:-1]):
        before = [row for row in rows if row["epoch"] <= epoch]
        writer.log = before[:-1]
        weights = {name: values[number] for name, values in kept.items()}
        writer.checkpoint(epoch, weights, before[-1])
    writer.log = [row for row in rows if row["epoch"] < after.epoch]
