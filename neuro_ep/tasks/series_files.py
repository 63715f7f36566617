"""Series in time of the user's own: .ts files, as those of the UEA archive.

Such a data set is a pair of text files, NAME_TRAIN.ts and NAME_TEST.ts, which aeon
reads (https://www.aeon-toolkit.org, format: its page ".ts File Format"). Every channel
is shifted and scaled by its mean and deviation over the training series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.settings import Settings, changed
from neuro_ep.records.task import Task

SUMMARY = (
    "series in .ts files of your own, as in the UEA archive "
    "(Bagnall et al. 2018, arXiv 1811.00075)"
)

REMEDY = (
    "--data takes a folder with one pair NAME_TRAIN.ts and NAME_TEST.ts, or the first "
    "of the two"
)
TRAIN, TEST = "_TRAIN.ts", "_TEST.ts"

#: Updates of a training, in at most so many epochs.
UPDATES, EPOCHS = 1000, 100


def load(path: str | Path | None) -> Dataset:
    """The data set of a folder, or of the file with its training series.

    Raises
    ------
    InputError : aeon is missing; no such pair of files, or several; what is in them is
        malformed, lacks classes or values, or differs in length or channels
    """
    if path is None:
        raise InputError(f"uea: no data given; {REMEDY}")
    train = _training_file(Path(path))
    test = train.with_name(train.name.removesuffix(TRAIN) + TEST)
    if not test.is_file():
        raise InputError(f"{test}: no such file, beside {train.name}; {REMEDY}")
    read = _reader()
    x_train, y_train = _series(train, read)
    x_test, y_test = _series(test, read)
    if x_train.shape[1:] != x_test.shape[1:]:
        raise InputError(
            f"{test}: series of {x_test.shape[1]} frames and {x_test.shape[2]} "
            f"channels, but {x_train.shape[1]} and {x_train.shape[2]} in {train.name}; "
            "cut or pad them to one length"
        )
    classes = np.unique(y_train)
    if unknown := set(y_test) - set(classes):
        raise InputError(
            f"{test}: class {str(min(unknown))!r} is not in {train.name}, which has "
            f"{', '.join(map(str, classes))}; take both from one data set"
        )
    return _dataset(train, np.concatenate([x_train, x_test]), len(x_train),
                    np.concatenate([y_train, y_test]), classes)  # fmt: skip


def _dataset(train: Path, series, split: int, labels, classes) -> Dataset:
    """series (samples, frames, channels), of which the first ``split`` train."""
    mean = series[:split].mean(axis=(0, 1))
    deviation = series[:split].std(axis=(0, 1))
    deviation[deviation == 0] = 1  # a channel that never changes says nothing
    samples = np.arange(len(series), dtype=np.int64)
    frames, name = series.shape[1], train.name.removesuffix(TRAIN)
    scaled = (series - mean) / deviation
    return Dataset(
        name="uea",
        inputs=scaled.reshape(len(series), -1).astype(np.float32),
        labels=np.searchsorted(classes, labels).astype(np.int64),
        train=samples[:split],
        test=samples[split:],
        classes=len(classes),
        shape=series.shape[1:],
        source=f"{SUMMARY}; {name}, read from {train.parent}, every channel "
        "standardised by the training series",
        frames=frames,
    )


def _training_file(path: Path) -> Path:
    if path.is_file() and path.name.endswith(TRAIN):
        return path
    if not path.is_dir():
        what = "not a training file" if path.exists() else "no such file or folder"
        raise InputError(f"{path}: {what}; {REMEDY}")
    found = sorted(path.glob(f"*{TRAIN}"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise InputError(f"{path}: training files in it: {names}; {REMEDY}")
    return found[0]


def _reader() -> Callable:
    """What reads a .ts file; InputError where aeon is missing."""
    try:
        # Imported here: most runs do without it.
        from aeon.datasets import load_from_ts_file
    except ImportError as error:
        raise InputError(
            ".ts files are read by aeon, which is missing; "
            "pip install neuro_ep[sequences]"
        ) from error
    return load_from_ts_file


def _series(file: Path, read: Callable) -> tuple[NDArray[np.float64], NDArray]:
    """Series (samples, frames, channels) and their classes, as text."""
    try:
        series, labels, found = read(str(file), return_meta_data=True)
    except (OSError, ValueError, TypeError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{file}: not readable as a .ts file ({reason}); see the format at "
            "www.aeon-toolkit.org, and whether series that differ in length are "
            "declared @equalLength true"
        ) from error
    if not found["classlabel"] or not len(labels) or not all(map(len, series)):
        raise InputError(
            f"{file}: no series with a class; choose a data set for classification, "
            "with a line '@classLabel true' and the classes"
        )
    if lengths := {len(one[0]) for one in series if len(one[0]) != len(series[0][0])}:
        raise InputError(
            f"{file}: series of {len(series[0][0])} and {min(lengths)} frames; cut or "
            "pad them to one length, and declare @equalLength true"
        )
    values = np.stack(series).astype(np.float64).swapaxes(1, 2)
    if not np.isfinite(values).all():
        raise InputError(
            f"{file}: missing or infinite values; fill them in, by interpolation say"
        )
    return values, np.asarray(labels).astype(str)


def fitted(
    settings: Settings, dataset: Dataset, chosen: Collection[str] = ()
) -> Settings:
    """Settings with the sizes of these series, but for those that were chosen.

    Inputs and outputs are channels and classes; steps are shortened until every frame
    is shown for equally many; batches are no larger than the training set, and small
    sets are seen more often.

    Raises InputError where there are more classes than neurons.
    """
    batch = min(settings.batch, len(dataset.train))
    updates = max(1, len(dataset.train) // batch)
    steps = settings.free / settings.step / dataset.frames
    whole = dataset.frames * math.ceil(round(steps, 9))
    fitting = {
        "layers": (dataset.features, *settings.layers[1:]),
        "read": dataset.classes,
        "nudged": settings.free,
        "step": settings.free / whole,
        "batch": batch,
        "epochs": min(max(settings.epochs, math.ceil(UPDATES / updates)), EPOCHS),
    }
    return changed(
        settings, **{k: v for k, v in fitting.items() if k not in set(chosen)}
    )


UEA = Task("uea", SUMMARY, load, fitted)
