"""A schedule as values of the presentations, and its samples in a raw file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.records.schedule import Rows, Schedule
from neuro_ep.run.plan import Plan
from neuro_ep.run.recorded import path_bytes

Values = Mapping[str, np.ndarray | float]


def scheduled(plan: Plan, schedule: Schedule, folder: Path) -> dict[str, np.ndarray]:
    """``"presentations.variable"`` -> value; arrays of rows are written to ``folder``.

    Raises
    ------
    InputError
        For more presentations than the network has room for, for rows that the data do
        not have, and for classes that no output stands for.
    """
    shown = schedule.presentations(plan.settings.batch)
    if shown > plan.capacity:
        raise InputError(
            f"{shown} presentations: the network was built for {plan.capacity}"
        )
    width = schedule.frames * plan.settings.layers[0]
    files = {"samples_file": (schedule.inputs, width)}
    if schedule.targets is not None:
        outputs = plan.settings.read or plan.settings.layers[-1]
        files["targets_file"] = (schedule.targets, schedule.target_frames * outputs)
    else:
        _refuse_unknown_classes(plan, schedule)
    values = {
        name: path_bytes(
            _in_file(rows, plan.dtype, folder / name, width, schedule.samples)
        )
        for name, (rows, width) in files.items()
    }
    values |= {
        "n_presentations": np.array(shown),
        "sample": _filled(schedule.samples, plan.capacity * plan.settings.batch),
        "label": _filled(schedule.labels, plan.capacity * plan.settings.batch),
        "learn": _filled(np.broadcast_to(schedule.learn, shown), plan.capacity),
        "sign": _filled(np.broadcast_to(schedule.sign, shown), plan.capacity),
        "frames": np.array(schedule.frames),
        "target_frames": np.array(schedule.target_frames),
    }
    return {f"{plan.presentations}.{name}": value for name, value in values.items()}


def _refuse_unknown_classes(plan: Plan, schedule: Schedule):
    outputs = plan.settings.read or plan.settings.layers[-1]
    labels = np.asarray(schedule.labels)
    wrong = labels[(labels < 0) | (labels >= outputs)]
    if wrong.size:
        raise InputError(
            f"label {wrong[0]}: the network has {outputs} outputs, for classes 0 to "
            f"{outputs - 1}"
        )


def _in_file(rows: Rows, dtype: str, path: Path, width: int, samples) -> Path:
    """The raw file of some rows, checked to have every row that is asked for."""
    item = np.dtype(dtype).itemsize * width
    if isinstance(rows, Path):
        path, size = rows, rows.stat().st_size
    else:
        array = np.ascontiguousarray(rows, dtype=dtype)
        array.tofile(path)
        size = array.nbytes
    wrong = samples[(samples < 0) | (samples >= size // item)]
    if size % item or wrong.size:
        raise InputError(
            f"{path}: {size / item:g} rows of {width} {dtype} values"
            + (f", and row {wrong[0]} is asked for" if wrong.size else "")
        )
    return path


def _filled(values, size: int) -> np.ndarray:
    """The values, and zeros up to the size."""
    values = np.asarray(values)
    filled = np.zeros(size, dtype=values.dtype)
    filled[: values.size] = values
    return filled
