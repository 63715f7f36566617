"""MNIST, and what comes in its formats: IDX files, an .npz file, or OpenML."""

import http.client
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.task import Task
from neuro_ep.tasks.array_files import (
    REMEDY,
    STEMS,
    idx_file,
    read_idx,
    read_npz,
    reason,
)

SUMMARY = (
    "70,000 handwritten digits of 28 x 28 pixels "
    "(LeCun et al. 1998, Proc. IEEE 86, doi:10.1109/5.726791)"
)

CLASSES = 10


def load(path: str | Path | None = None) -> Dataset:
    """The data set in some files; OpenML is asked where none are given.

    ``path`` is a folder with the four IDX files (plain or .gz) or an .npz file with
    x_train, y_train, x_test, y_test. Any data of ten classes in these formats will do,
    as Fashion-MNIST.

    Raises
    ------
    InputError : file or folder missing, malformed or contradictory; no path and no
        network
    """
    return _mnist_from_openml() if path is None else _mnist_from_files(Path(path))


def _mnist_from_openml() -> Dataset:
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            # Its warnings of retries would stand above the one-line error.
            warnings.simplefilter("ignore")
            # liac-arff: the other parser needs pandas.
            pixels, labels = fetch_openml(
                "mnist_784",
                version=1,
                return_X_y=True,
                as_frame=False,
                parser="liac-arff",
                n_retries=1,
            )
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError(
            f"mnist could not be fetched from OpenML ({reason(error)}); {REMEDY}"
        ) from error
    pixels = pixels.astype(np.uint8).reshape(-1, 28, 28)
    labels = labels.astype(np.int64)
    split = 60_000
    return _mnist(
        {
            "x_train": pixels[:split],
            "y_train": labels[:split],
            "x_test": pixels[split:],
            "y_test": labels[split:],
        },
        dict.fromkeys(STEMS, "OpenML mnist_784"),
        "fetched from OpenML (mnist_784, version 1)",
    )


def _mnist_from_files(path: Path) -> Dataset:
    if path.is_dir():
        files = {key: idx_file(path, stem) for key, stem in STEMS.items()}
        arrays = {key: read_idx(file) for key, file in files.items()}
        places = {key: str(file) for key, file in files.items()}
    elif not path.exists():
        raise InputError(f"{path}: no such file or folder; {REMEDY}")
    else:
        arrays = read_npz(path)
        places = {key: f"{path} [{key}]" for key in arrays}
    return _mnist(arrays, places, f"read from {path}")


def _mnist(
    arrays: dict[str, NDArray], places: dict[str, str], obtained: str
) -> Dataset:
    """The data set of four arrays; places names each of them in errors."""
    for part in ("train", "test"):
        x, y = f"x_{part}", f"y_{part}"
        _check_pixels(arrays[x], places[x])
        _check_labels(arrays[y], places[y])
        if len(arrays[x]) != len(arrays[y]):
            raise InputError(
                f"{places[y]}: {len(arrays[y])} labels for {len(arrays[x])} pictures "
                f"in {places[x]}; take both from one download"
            )
    shape = arrays["x_train"].shape[1:]
    if arrays["x_test"].shape[1:] != shape:
        raise InputError(
            f"{places['x_test']}: pictures of shape {arrays['x_test'].shape[1:]}, but "
            f"{shape} in {places['x_train']}; take both from one data set"
        )
    pixels = np.concatenate([arrays["x_train"], arrays["x_test"]])
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    samples = np.arange(len(labels), dtype=np.int64)
    split = len(arrays["y_train"])
    return Dataset(
        name="mnist",
        inputs=pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255),
        labels=labels.astype(np.int64),
        train=samples[:split],
        test=samples[split:],
        classes=CLASSES,
        shape=shape,
        source=f"{SUMMARY}; {obtained}, pixels / 255",
    )


def _check_pixels(pixels: NDArray, place: str) -> None:
    if pixels.ndim < 2 or pixels.size == 0:
        raise InputError(
            f"{place}: pictures of shape {pixels.shape}, not (samples, rows, columns) "
            f"with at least one sample; {REMEDY}"
        )
    # Fractions would silently become pictures 255 times too dark.
    if pixels.dtype.kind not in "ui" or pixels.min() < 0 or pixels.max() > 255:
        raise InputError(
            f"{place}: pixels are not integers from 0 to 255 (dtype {pixels.dtype}); "
            "give the raw, unscaled pictures"
        )


def _check_labels(labels: NDArray, place: str) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise InputError(
            f"{place}: labels of shape {labels.shape} and dtype {labels.dtype}; "
            "one integer for each picture is needed"
        )
    wrong = labels[(labels < 0) | (labels >= CLASSES)]
    if wrong.size:
        raise InputError(
            f"{place}: label {wrong[0]} is outside 0 .. {CLASSES - 1}; "
            "mnist has ten classes, check that the file belongs to it"
        )


MNIST = Task("mnist", SUMMARY, load)
