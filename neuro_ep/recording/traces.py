"""Traces and spikes in a recording, in the shapes of SONATA.

    /spikes/<population>         timestamps (ms), node_ids; @sorting by_time
    /report/<population.variable>
        data                     f4 (values, neurons) @units @variable @when
        mapping/                 node_ids, index_pointers, element_ids, element_pos,
                                 time [begin, end, step] (ms)
    /neuro_ep/recorded/<group.variable>
        data, steps              of synapses, and of what is recorded by presentations:
                                 (values, columns) @units, and the time of each (ms)
        ids                      numbers of the columns in their group
    /neuro_ep/presentations/     one value a phase: epoch, t_start, t_end (ms), phase,
                                 beta, learn; sample and label (phases, batch)

Time is that of the recorder, which stands still where nothing is recorded. A population
of a batch has the neurons of one sample after those of the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.recording.streams import Timeline, events, states, timeline, value_steps
from neuro_ep.records.probe import Track
from neuro_ep.records.text import read_record

#: SONATA's enumeration of how spikes are sorted.
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")

#: Values that are copied at once, in bytes.
BLOCK = 2**22

MILLISECONDS = 1e3


@dataclass(frozen=True)
class RecorderHeader:
    """What the header of a run says of what it records.

    step
        Of the clock, in seconds.
    phases
        Their names.
    dtype
        The type of states.
    tracks
        As :class:`neuro_ep.records.probe.Track`.
    size
        How many bytes all of it may need, for the largest.
    """

    step: float
    phases: tuple[str, ...]
    dtype: str
    tracks: tuple[Track, ...]
    size: int = 0


def as_header(recorder: RecorderHeader) -> dict:
    """Plain data for the header."""
    return asdict(recorder)


def from_header(header: Mapping) -> RecorderHeader | None:
    """What a run records, None where it records nothing."""
    told = header.get("recorder")
    return read_record(RecorderHeader, told, "recorder") if told else None


# --- folders of raw files, one an epoch -----------------------------------------------


def folder_of(part: Path, epoch: int) -> Path:
    """Where an epoch's raw files are."""
    return part / "traces" / f"epoch_{epoch:06d}"


def begun(part: Path, epoch: int) -> Path:
    """An empty folder for the raw files of an epoch that is about to run."""
    folder = folder_of(part, epoch).with_suffix(".tmp")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def kept(part: Path, epoch: int, shown: Mapping[str, np.ndarray]) -> None:
    """The epoch is over: what it showed joins its raw files, which get their name.

    shown
        ``first`` and ``steps``, the first recorded step and how many there are;
        ``sample`` and ``label`` (presentations, batch); ``learn``, ``beta``
        (presentations, phases).
    """
    folder = folder_of(part, epoch)
    np.savez(folder.with_suffix(".tmp") / "shown.npz", **dict[str, Any](shown))
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".tmp").rename(folder)


@dataclass(frozen=True)
class EpochTraces:
    """One epoch of what was recorded, from its first step."""

    epoch: int
    folder: Path
    times: Timeline
    steps: int
    first: int
    shown: Mapping[str, np.ndarray]


def epochs_of(recorder: RecorderHeader, part: Path, last: int) -> list[EpochTraces]:
    """The epochs up to the last one, in order."""
    found: list[EpochTraces] = []
    for epoch in _epochs(part):
        if epoch > last:
            continue
        folder, shown = folder_of(part, epoch), _shown(part, epoch)
        steps, first = int(shown["steps"]), int(shown["first"])
        times = timeline(folder, len(recorder.phases), steps, first)
        found.append(EpochTraces(epoch, folder, times, steps, first, shown))
    return found


def recorded_before(part: Path, epoch: int) -> int:
    """How many steps the epochs before one recorded."""
    return sum(int(_shown(part, one)["steps"]) for one in _epochs(part) if one < epoch)


def _epochs(part: Path) -> list[int]:
    names = [folder.name[6:] for folder in (part / "traces").glob("epoch_*")]
    return sorted(int(name) for name in names if name.isdecimal())


def _shown(part: Path, epoch: int) -> dict[str, np.ndarray]:
    with np.load(folder_of(part, epoch) / "shown.npz", allow_pickle=False) as stored:
        return dict(stored)


# --- into the file --------------------------------------------------------------------


def write_traces(file: h5py.File, recorder: RecorderHeader, epochs: list[EpochTraces]):
    """Add all that was recorded to a recording, block by block."""
    if not epochs:
        return
    _write_presentations(file["neuro_ep"], recorder, epochs)
    for track in recorder.tracks:
        if track.kind == "events":
            _write_spikes(file, recorder, track, epochs)
        else:
            for k, name in enumerate(track.names):
                _write_values(file, recorder, track, k, name, epochs)


def _write_values(
    file, recorder: RecorderHeader, track: Track, k: int, name: str, epochs
):
    """One variable of a track: as a report where its steps are even, else beside.

    SONATA wants single precision in reports; of a run in double precision they have the
    values as they were beside it, called "exact".
    """
    even = track.kind == "states" and track.steps
    parent = file if even else file["neuro_ep"]
    group = parent.require_group("report" if even else "recorded").create_group(
        f"{track.group}.{name}"
    )
    columns = track.columns
    rows = max(1, BLOCK // (len(columns) * 8))
    total = sum(len(_steps(track, epoch)) for epoch in epochs)
    shape, chunks = (total, len(columns)), (min(rows, max(total, 1)), len(columns))
    first_type = "f4" if even else recorder.dtype
    data = group.create_dataset("data", shape, first_type, chunks=chunks)
    copies = [data]
    if np.dtype(first_type) != np.dtype(recorder.dtype):
        copies.append(group.create_dataset("exact", shape, "f8", chunks=chunks))
    data.attrs.update(units=track.units[k], variable=name, when="start")
    at = 0
    for epoch in epochs:
        values = states(epoch.folder, track, recorder.dtype)[name]
        for first in range(0, len(values), rows):
            piece = values[first : first + rows] / track.factors[k]
            for copy in copies:
                copy[at : at + len(piece)] = piece
            at += len(piece)
    if even:
        _write_mapping(group.create_group("mapping"), recorder, track, total)
        return
    times = np.concatenate([_steps(track, epoch) for epoch in epochs])
    group["steps"], group["ids"] = times * recorder.step * MILLISECONDS, columns
    group["steps"].attrs["units"] = "ms"
    group.attrs["replicas"] = track.replicas


def _steps(track: Track, epoch: EpochTraces) -> np.ndarray:
    return value_steps(track, epoch.steps, epoch.times, epoch.first)


def _write_mapping(group, recorder: RecorderHeader, track: Track, total: int):
    columns = track.columns
    ids = group.create_dataset("node_ids", data=columns.astype("u8"))
    ids.attrs["sorted"] = np.uint8(bool((np.diff(columns) > 0).all()))
    group["index_pointers"] = np.arange(len(columns) + 1, dtype="u8")
    group["index_pointer"] = group["index_pointers"]
    group["element_ids"] = np.zeros(len(columns), "u4")
    group["element_pos"] = np.zeros(len(columns), "f4")
    step = recorder.step * track.steps * MILLISECONDS
    group["time"] = np.array([0, total * step, step])
    group["time"].attrs["units"] = "ms"
    group.attrs["replicas"] = track.replicas


def _write_spikes(file, recorder: RecorderHeader, track: Track, epochs):
    (event,) = track.names
    name = track.group if event == "spike" else f"{track.group}.{event}"
    group = file.require_group("spikes").create_group(name)
    sizes = [len(events(epoch.folder, track)[0]) for epoch in epochs]
    times = group.create_dataset("timestamps", shape=(sum(sizes),), dtype="f8")
    ids = group.create_dataset("node_ids", shape=(sum(sizes),), dtype="u8")
    times.attrs["units"] = "ms"
    group.attrs.create("sorting", 2, dtype=SORTING)
    group.attrs["replicas"] = track.replicas
    at, rows = 0, BLOCK // 16
    for epoch in epochs:
        steps, numbers = events(epoch.folder, track)
        for first in range(0, len(steps), rows):
            piece = slice(at, at + len(steps[first : first + rows]))
            when = steps[first : first + rows]
            times[piece] = when * recorder.step * MILLISECONDS
            ids[piece] = numbers[first : first + rows]
            at = piece.stop


def _write_presentations(root, recorder: RecorderHeader, epochs):
    group = root.create_group("presentations")
    columns: dict[str, list] = {}
    for epoch in epochs:
        for name, values in _rows(recorder, epoch):
            columns.setdefault(name, []).append(values)
    for name, parts in columns.items():
        group[name] = np.concatenate(parts)
    for name in ("t_start", "t_end"):
        group[name].attrs["units"] = "ms"
    for number, name in enumerate(recorder.phases):
        group.attrs[f"phase {number}"] = name


def _rows(recorder: RecorderHeader, epoch: EpochTraces) -> Iterator[tuple[str, Any]]:
    times, shown = epoch.times, epoch.shown
    place, step = times.presentation, recorder.step * MILLISECONDS
    yield "epoch", np.full(len(place), epoch.epoch)
    yield "presentation", place
    yield "phase", times.phase
    yield "t_start", times.start * step
    yield "t_end", times.end * step
    yield "beta", shown["beta"][place, times.phase]
    yield "learn", shown["learn"][place]
    yield "sample", shown["sample"][place]
    yield "label", shown["label"][place]


def refuse_no_room(recorder: RecorderHeader, folder: Path):
    """InputError where the disk of a folder has no room for what may be recorded."""
    free = shutil.disk_usage(folder).free
    needed = 2 * recorder.size  # raw, and in the recording
    if free < needed:
        raise InputError(
            f"{folder} has {free / 1e9:.2f} GB free, and what is to be recorded may "
            f"need {needed / 1e9:.2f} GB while it is written; record fewer neurons, "
            "epochs or samples, or not every step"
        )
