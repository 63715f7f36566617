"""Plots of recordings for scripts of one's own: each gives its axes, and its number.

>>> from neuro_ep.analysis import learning_curves, sample_traces
>>> axes, reached = learning_curves(["runs/0.h5", "runs/1.h5"])
>>> axes, span = sample_traces("runs/dyad.h5", "hidden.m", "hidden.d", epoch=5)

Axes may be given, or a figure of its own is made. All read files alone, and raise
InputError for what a file does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.plain_axes import COLOURS, finish
from neuro_ep.analysis.traces_figure import draw_sample
from neuro_ep.errors import InputError
from neuro_ep.recording import Recording, open_recording

File = str | Path

MILLI = 1e-3


def learning_curves(
    files: File | Iterable[File],
    quantity: str = "test_accuracy",
    axes: Any = None,
    label: str | None = None,
) -> tuple[Any, dict]:
    """A quantity of the log against epochs: the mean of some runs, and their spread.

    label
        What these runs are called, where others are drawn into the same axes.

    Returns the axes, and {"epochs", "mean", "deviation", "runs"}: arrays of the
    epochs that all runs have and a value for each, and how many runs.
    """
    curves = []
    for file in [files] if isinstance(files, (str, Path)) else files:
        with open_recording(file) as run:
            if quantity not in run.training:
                raise InputError(
                    f"{file} has no {quantity}; it has {', '.join(run.training)}"
                )
            curves.append((run.training["epoch"], run.training[quantity]))
    if not curves:
        raise InputError("no files are given: name recordings")
    shared = sorted(set.intersection(*({*epochs} for epochs, _ in curves)))
    if not shared:
        raise InputError("these runs have no epoch in common")
    rows = np.array(
        [values[np.searchsorted(epochs, shared)] for epochs, values in curves]
    )
    mean = rows.mean(axis=0)
    spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(len(shared))
    axes = _axes(axes)
    colour = COLOURS[len(axes.lines) % len(COLOURS)]
    axes.plot(shared, mean, color=colour, label=label)
    axes.fill_between(shared, mean - spread, mean + spread, color=colour, alpha=0.2)
    name = quantity.replace("_", " ")
    finish(axes, f"{name}, {len(rows)} runs", "epoch", name)
    found = {"epochs": np.array(shared), "mean": mean, "deviation": spread}
    return axes, {**found, "runs": len(rows)}


def weight_map(file: File, projection: str, axes: Any = None) -> tuple[Any, float]:
    """The weights that training ended with, as a picture on one scale around zero.

    Returns the axes, and the largest magnitude, in the unit of the file.
    """
    with open_recording(file) as run:
        if projection not in run.weights:
            raise InputError(
                f"{file} has no {projection}; it has {', '.join(run.weights)}"
            )
        weights = run.weights[projection]
        values, units = weights.final, weights.units
        names = weights.source_pop, weights.target_pop
    largest = float(np.abs(values).max())
    axes = _axes(axes)
    scale = {"vmin": -largest, "vmax": largest, "cmap": "RdBu_r", "aspect": "auto"}
    image = axes.imshow(values.reshape(values.shape[0], -1), **scale)
    axes.figure.colorbar(image, ax=axes, label=units)
    finish(axes, projection, f"neuron of {names[1]}", f"neuron of {names[0]}")
    return axes, largest


def confusion_matrix(file: File, axes: Any = None) -> tuple[Any, float]:
    """Which class (row) the last epoch took for which other (column), in samples.

    Returns the axes, and the share that was right.
    """
    with open_recording(file) as run:
        counts = run.confusion
        learned = run.records.get("data") or {}
    if counts is None:
        raise InputError(f"{file} has no predictions of classes: train it again")
    names = learned.get("class_names") or list(range(len(counts)))
    axes = _axes(axes)
    axes.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        dark = "white" if count > counts.max() / 2 else "black"
        place = {"ha": "center", "va": "center", "color": dark, "fontsize": 8}
        axes.text(column, row, str(count), **place)
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(range(len(counts)), [str(name) for name in names[: len(counts)]])
    finish(axes, "test samples of the last epoch", "predicted", "label")
    return axes, float(np.trace(counts) / max(counts.sum(), 1))


def firing_rates(file: File, population: str, axes: Any = None) -> tuple[Any, float]:
    """How often each neuron fired while it was recorded, mean over the batch.

    Returns the axes, and the mean rate of those that fired, in 1/s.
    """
    with open_recording(file) as run:
        times, neurons = _spikes(run, population)
        seconds = MILLI * run.presentations["t_end"].max()
        group = run.file["spikes"][population]
        replicas = int(group.attrs["replicas"])
        layer = population.split(".")[0]
        size = _size(run, layer)
    counts = np.bincount(neurons.astype(int), minlength=size * replicas)
    rates = counts.reshape(replicas, size).mean(axis=0) / seconds
    axes = _axes(axes)
    axes.bar(np.arange(size), rates, width=1.0, color=COLOURS[0])
    finish(axes, f"rates of {population}", "neuron", "rate (1/s)")
    return axes, float(rates[rates > 0].mean()) if (rates > 0).any() else 0.0


def sample_traces(
    file: File, *names: str, epoch: int | None = None, sample: int | None = None
) -> tuple[np.ndarray, dict[str, float]]:
    """Traces and spikes that training recorded of one sample, its phases shaded.

    names
        Traces such as "hidden.m", of both compartments; all where none is named.
    epoch, sample
        Which epoch, the last one if none is named, and which row of the data, the first
        one that was recorded then.

    Returns the axes, one a trace, and trace -> its largest value less its least.
    """
    with open_recording(file) as run:
        even = [name for name in run.traces if "mapping" in run.traces[name].group]
        wanted = names or tuple(even)
        if missing := [name for name in wanted if name not in even]:
            raise InputError(
                f"{file} has no trace of {missing[0]}; it has "
                f"{', '.join(even) or 'none: record some in training'}"
            )
        rows, replica = _presentation(run, file, epoch, sample)
        shown = run.presentations
        begin, end = shown["t_start"][rows[0]], shown["t_end"][rows[-1]]
        traces = {name: _cut(run, name, begin, end, replica) for name in wanted}
        units = {name: run.traces[name].units for name in wanted}
        spikes = {name: _fired(run, name, begin, end, replica) for name in run.spikes}
        group = run.file["neuro_ep/presentations"]
        phases = [
            (
                str(group.attrs[f"phase {shown['phase'][row]}"]),
                MILLI * (shown["t_start"][row] - begin),
                MILLI * (shown["t_end"][row] - begin),
                float(shown["beta"][row]),
            )
            for row in rows
        ]
    axes = draw_sample(traces, units, spikes, phases)
    return axes, {name: float(np.ptp(values)) for name, (_, values) in traces.items()}


def echo_return(
    file: File,
    name: str,
    epoch: int | None = None,
    sample: int | None = None,
    axes: Any = None,
) -> tuple[Any, float]:
    """How far an echo is from the way it came: |trace in the echo - trace in the run|.

    name
        A trace of positions, such as "output.q_plus", recorded at every step.
    epoch, sample
        As of :func:`sample_traces`; of a sample that teaches.

    Against the time of the run, one line a neuron. Returns the axes, and the largest
    distance. A reversible echo that is not nudged comes back to rounding; a nudged one
    misses by an amount that is proportional to beta, and is what it learns from.
    """
    with open_recording(file) as run:
        rows, replica = _presentation(run, file, epoch, sample, phase="echo")
        shown, group = run.presentations, run.file["neuro_ep/presentations"]
        named = {str(group.attrs[f"phase {shown['phase'][row]}"]): row for row in rows}
        if name not in run.traces or "run" not in named:
            raise InputError(
                f"{file} has no {name} in a run and its echo; it has "
                f"{', '.join(run.traces)}"
            )
        ways = [
            _cut(run, name, shown["t_start"][row], shown["t_end"][row], replica)
            for row in (named["run"], named["echo"])
        ]
        units = run.traces[name].units
    (times, there), (_, back) = ways
    distance = np.abs(there[:0:-1] - back[1:])[::-1]  # the echo begins at the end
    axes = _axes(axes)
    axes.plot(times[1:], distance, linewidth=0.8)
    finish(axes, f"echo of {name}", "time of the run (s)", f"distance ({units})")
    return axes, float(distance.max())


def _presentation(
    run: Recording, file, epoch, sample, phase: str | None = None
) -> tuple[np.ndarray, int]:
    """The rows of one presentation of a sample, and its place in the batch."""
    shown = run.presentations
    if not shown:
        raise InputError(f"{file} recorded no traces: see neuro-ep train --record")
    epoch = shown["epoch"].max() if epoch is None else epoch
    inside = wanted = shown["epoch"] == epoch
    if phase is not None:
        called = run.file["neuro_ep/presentations"].attrs
        names = [str(called[f"phase {number}"]) for number in shown["phase"]]
        wanted = inside & (np.array(names) == phase)
    if sample is None and wanted.any():
        sample = shown["sample"][wanted][0, 0]
    found = np.argwhere(wanted[:, None] & (shown["sample"] == sample))
    if not len(found):
        what = "no sample" if sample is None else f"no sample {sample}"
        with_it = "" if phase is None else f" with the phase {phase}"
        raise InputError(
            f"{file} recorded {what}{with_it} in epoch {epoch}; it has epochs "
            f"{', '.join(map(str, np.unique(shown['epoch'])))}"
        )
    first, replica = found[0]
    same = inside & (shown["presentation"] == shown["presentation"][first])
    return np.flatnonzero(same), int(replica)


def _cut(run: Recording, name: str, begin, end, replica: int):
    """Times in seconds and values (times, neurons) of one sample."""
    trace = run.traces[name]
    times = trace.times
    half = 0.5 * (times[1] - times[0]) if len(times) > 1 else 0.5
    inside = (times > begin - half) & (times < end - half)
    values = trace.values[inside].reshape(inside.sum(), trace.replicas, -1)
    return MILLI * (times[inside] - begin), values[:, replica]


def _fired(run: Recording, name: str, begin, end, replica: int):
    """Times in seconds and neurons of the events of one sample."""
    times, neurons = run.spikes[name]
    size = _size(run, name.split(".")[0])
    inside = (times >= begin) & (times < end) & (neurons // size == replica)
    return MILLI * (times[inside] - begin), neurons[inside] % size


def _spikes(run: Recording, population: str):
    if population not in run.spikes:
        raise InputError(
            f"{run.path} has no spikes of {population}; it has "
            f"{', '.join(run.spikes) or 'none: record some in training'}"
        )
    return run.spikes[population]


def _size(run: Recording, layer: str) -> int:
    """Neurons of a layer of one sample."""
    for weights in run.weights.values():
        if weights.target_pop == layer:
            return int(weights.shape[-1])
    return int(run.layers[0])


def _axes(axes: Any) -> Any:
    """The axes that are given, or those of a new figure."""
    if axes is not None:
        return axes
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(6, 4), layout="constrained").subplots()
