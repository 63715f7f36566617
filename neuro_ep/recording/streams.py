"""Raw files that a network writes while it runs: what the recorder left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_ep.errors import RunError
from neuro_ep.records.probe import Track, stream


@dataclass(frozen=True)
class Timeline:
    """Where the phases of recorded presentations begin and end.

    Every array has one value a phase: ``presentation`` and ``phase`` are numbers,
    ``start`` and ``end`` are recorded steps.
    """

    presentation: np.ndarray
    phase: np.ndarray
    start: np.ndarray
    end: np.ndarray


def timeline(folder: Path, phases: int, steps: int, first: int = 0) -> Timeline:
    """The phases of one run, in which so many steps were recorded, from the first."""
    start, place = _numbers(stream(folder, 0), np.int64, 2).T
    end = np.append(start[1:], first + steps)[: len(start)]
    return Timeline(place // phases, place % phases, start, end)


def states(folder: Path, track: Track, dtype) -> dict[str, np.ndarray]:
    """Variable -> (values, columns) of a track, in SI units, in the file."""
    columns, names = len(track.columns), track.names
    values = _numbers(stream(folder, track.number), dtype, columns * len(names))
    cut = values.reshape(-1, len(names), columns)
    return {name: cut[:, k] for k, name in enumerate(names)}


def events(folder: Path, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """(recorded step, number in the group) of every event, in the order of time."""
    found = _numbers(stream(folder, track.number), np.int64, 2)
    return found[:, 0], found[:, 1]


def value_steps(
    track: Track, steps: int, times: Timeline, first: int = 0
) -> np.ndarray:
    """The recorded step of every value of a track, of so many from the first."""
    if track.steps:
        begin = -(-first // track.steps) * track.steps
        return np.arange(begin, first + steps, track.steps)
    begins = (times.phase == 0) & (times.presentation % track.presentations == 0)
    return times.start[begins]


def _numbers(path: Path, dtype, width: int) -> np.ndarray:
    """Rows of a raw file, mapped; none where nothing was written."""
    size = path.stat().st_size if path.exists() else 0
    row = np.dtype(dtype).itemsize * width
    if size % row:
        raise RunError(f"{path} has {size} bytes, which are not whole rows of {row}")
    if not size:
        return np.zeros((0, width), dtype)
    return np.memmap(path, dtype, mode="r").reshape(-1, width)
