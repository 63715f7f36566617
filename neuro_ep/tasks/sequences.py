"""Signals in time with a class each, drawn from a fixed seed: tasks of memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuro_ep.records.dataset import Dataset
from neuro_ep.records.task import Task, refuse_path

SAMPLES, TEST, SEED = 1500, 300, 0

#: Radians from one frame to the next, one a class.
FREQUENCIES = (0.35, 0.5, 0.65, 0.8)

#: Frames of a signal; of a symbol, which is shown first; of the cue, which comes last.
FRAMES, SHOWN, CUED = 32, 4, 4

SYMBOLS = 4

#: Standard deviation of what is added to every value.
NOISE = 0.1


#: Task -> what it is.
SUMMARIES = {
    "sine-frequencies": "1,500 noisy sines of 32 frames: which of four frequencies",
    "delayed-recall": "1,500 sequences of 32 frames: which of four symbols came first",
}


def frequencies(path: str | Path | None = None) -> Dataset:
    """Sines of four frequencies, in any phase, under noise."""
    refuse_path("sine-frequencies", "this package", path)
    draw = np.random.default_rng(SEED)
    labels = draw.integers(0, len(FREQUENCIES), SAMPLES)
    phase = draw.uniform(0, 2 * np.pi, (SAMPLES, 1))
    angle = np.array(FREQUENCIES)[labels, None] * np.arange(FRAMES) + phase
    signals = np.sin(angle)[:, :, None] + draw.normal(0, NOISE, (SAMPLES, FRAMES, 1))
    return _dataset("sine-frequencies", signals, labels, len(FREQUENCIES))


def recall(path: str | Path | None = None) -> Dataset:
    """Which of four symbols was shown first, asked for by a cue after a silence."""
    refuse_path("delayed-recall", "this package", path)
    draw = np.random.default_rng(SEED)
    labels = draw.integers(0, SYMBOLS, SAMPLES)
    signals = draw.normal(0, NOISE, (SAMPLES, FRAMES, SYMBOLS + 1))
    signals[np.arange(SAMPLES), :SHOWN, labels] += 1
    signals[:, -CUED:, SYMBOLS] += 1
    return _dataset("delayed-recall", signals, labels, SYMBOLS)


def _dataset(name: str, signals, labels, classes: int) -> Dataset:
    samples, frames, features = signals.shape
    return Dataset(
        name=name,
        inputs=signals.reshape(samples, -1).astype(np.float32),
        labels=labels.astype(np.int64),
        train=np.arange(TEST, samples, dtype=np.int64),
        test=np.arange(TEST, dtype=np.int64),
        classes=classes,
        shape=(frames, features),
        source=f"{SUMMARIES[name]}; made here, numpy's default_rng({SEED})",
        frames=frames,
    )


SINE_FREQUENCIES, DELAYED_RECALL = (
    Task(name, SUMMARIES[name], load)
    for name, load in (("sine-frequencies", frequencies), ("delayed-recall", recall))
)
