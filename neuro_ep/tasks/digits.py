"""Handwritten digits that come with scikit-learn: as pictures, by rows, by pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuro_ep.records.dataset import Dataset
from neuro_ep.records.task import Task, refuse_path

SUMMARY = (
    "1,797 handwritten digits of 8 x 8 pixels "
    "(Alpaydin & Kaynak 1998, UCI, doi:10.24432/C50P49)"
)


def load(path: str | Path | None = None) -> Dataset:
    """All pixels of a digit at once. Raises InputError for a path: it takes none."""
    refuse_path("digits", "scikit-learn", path)
    return _digits()


def _digits() -> Dataset:
    # Imported here: scikit-learn takes longer to import than all the rest.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=360, stratify=labels, random_state=0
    )
    return Dataset(
        name="digits",
        inputs=(pixels / 16).astype(np.float32),
        labels=labels.astype(np.int64),
        train=np.sort(train).astype(np.int64),
        test=np.sort(test).astype(np.int64),
        classes=10,
        shape=(8, 8),
        source=f"{SUMMARY}; as embedded in scikit-learn, pixels / 16, "
        "stratified split with 360 test samples",
    )


def _in_frames(name: str, how: str, frames: int) -> Callable:
    """What loads the digits, read row by row, in so many frames."""

    def load(path: str | Path | None = None) -> Dataset:
        refuse_path(name, "scikit-learn", path)
        digits = _digits()
        source = f"{digits.source}; {how}"
        return replace(digits, name=name, source=source, frames=frames)

    return load


DIGITS = Task("digits", SUMMARY, load)

DIGITS_ROWS = Task(
    "digits-rows",
    "the same digits, a row of 8 pixels after the other",
    _in_frames("digits-rows", "a row after the other", frames=8),
)

DIGITS_PIXELS = Task(
    "digits-pixels",
    "the same digits, a pixel after the other",
    _in_frames("digits-pixels", "a pixel after the other", frames=64),
)
