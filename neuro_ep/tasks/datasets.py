"""Data sets to learn: samples with a class each, and a fixed split."""

import difflib
import gzip
import http.client
import math
import warnings
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.tasks import TASKS

_MNIST_CLASSES = 10
_IDX_STEMS = {
    "x_train": "train-images{}idx3-ubyte",
    "y_train": "train-labels{}idx1-ubyte",
    "x_test": "t10k-images{}idx3-ubyte",
    "y_test": "t10k-labels{}idx1-ubyte",
}
_MNIST_REMEDY = (
    "--data takes a folder with the four IDX files of MNIST (plain or .gz) "
    "or an .npz file with x_train, y_train, x_test, y_test"
)


def load(task: str, path: str | Path | None = None) -> Dataset:
    """The data set of a task.

    Parameters
    ----------
    task : a key of `TASKS`
    path : for mnist, a folder with the four IDX files (plain or .gz) or an .npz file
        with x_train, y_train, x_test, y_test; without it OpenML is asked. Any data
        of ten classes in these formats will do, as Fashion-MNIST. For uea, a folder
        with NAME_TRAIN.ts and NAME_TEST.ts, or the first of them.

    Raises
    ------
    InputError : unknown task; file or folder missing, malformed or contradictory;
        no path and no network
    """
    if task not in TASKS:
        raise InputError(_unknown(task))
    if task == "uea":
        return _series(path)
    if task != "mnist":
        if path is not None:
            origin = "scikit-learn" if task.startswith("digits") else "this package"
            raise InputError(
                f"{path}: {task} comes with {origin} and takes no data; "
                "leave --data out, or name the task mnist"
            )
        return _OWN[task]()
    if path is None:
        return _mnist_from_openml()
    return _mnist_from_files(Path(path))


def _unknown(task: str) -> str:
    close = difflib.get_close_matches(task.lower(), TASKS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown task {task!r}: the tasks are {', '.join(TASKS)}{hint}"


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
        source=f"{TASKS['digits']}; as embedded in scikit-learn, pixels / 16, "
        "stratified split with 360 test samples",
    )


def _rows() -> Dataset:
    """The digits, read from the top row to the bottom one."""
    return _read("digits-rows", "a row after the other", frames=8)


def _pixels() -> Dataset:
    """The digits, read row by row, pixel by pixel."""
    return _read("digits-pixels", "a pixel after the other", frames=64)


def _read(name: str, how: str, frames: int) -> Dataset:
    digits = _digits()
    source = f"{digits.source}; {how}"
    return replace(digits, name=name, source=source, frames=frames)


def _frequencies() -> Dataset:
    from neuro_ep.tasks import sequences

    return sequences.frequencies()


def _recall() -> Dataset:
    from neuro_ep.tasks import sequences

    return sequences.recall()


def _series(path: str | Path | None) -> Dataset:
    from neuro_ep.tasks import series_files as time_series_files

    return time_series_files.load(path)


_OWN = {
    "digits": _digits,
    "digits-rows": _rows,
    "digits-pixels": _pixels,
    "sine-frequencies": _frequencies,
    "delayed-recall": _recall,
}


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
            f"mnist could not be fetched from OpenML ({_reason(error)}); "
            f"{_MNIST_REMEDY}"
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
        dict.fromkeys(_IDX_STEMS, "OpenML mnist_784"),
        "fetched from OpenML (mnist_784, version 1)",
    )


def _mnist_from_files(path: Path) -> Dataset:
    if path.is_dir():
        files = {key: _idx_file(path, stem) for key, stem in _IDX_STEMS.items()}
        arrays = {key: _read_idx(file) for key, file in files.items()}
        places = {key: str(file) for key, file in files.items()}
    elif not path.exists():
        raise InputError(f"{path}: no such file or folder; {_MNIST_REMEDY}")
    else:
        arrays = _read_npz(path)
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
        classes=_MNIST_CLASSES,
        shape=shape,
        source=f"{TASKS['mnist']}; {obtained}, pixels / 255",
    )


def _check_pixels(pixels: NDArray, place: str) -> None:
    if pixels.ndim < 2 or pixels.size == 0:
        raise InputError(
            f"{place}: pictures of shape {pixels.shape}, not (samples, rows, columns) "
            f"with at least one sample; {_MNIST_REMEDY}"
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
    wrong = labels[(labels < 0) | (labels >= _MNIST_CLASSES)]
    if wrong.size:
        raise InputError(
            f"{place}: label {wrong[0]} is outside 0 .. {_MNIST_CLASSES - 1}; "
            "mnist has ten classes, check that the file belongs to it"
        )


def _idx_file(folder: Path, stem: str) -> Path:
    # Mirrors and archives differ in the separator.
    names = [stem.format(sep) + end for sep in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder / names[0]}: no such file, nor .gz; {_MNIST_REMEDY}")


def _read_idx(file: Path) -> NDArray[np.uint8]:
    """An IDX file of bytes: 0, 0, 8, number of dimensions, big-endian sizes, data."""
    again = "download the file again"
    try:
        raw = file.read_bytes()
        if file.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file}: not readable ({_reason(error)}); {again}") from error
    dimensions = 3 if "idx3" in file.name else 1
    magic = bytes([0, 0, 8, dimensions])
    if raw[:4] != magic:
        raise InputError(
            f"{file}: not an IDX file of bytes in {dimensions} dimensions: it begins "
            f"with {raw[:4].hex() or 'nothing'}, not {magic.hex()}; {again}"
        )
    header = 4 + 4 * dimensions
    if len(raw) < header:
        raise InputError(f"{file}: truncated in its header; {again}")
    sizes = [int(n) for n in np.frombuffer(raw[4:header], dtype=">u4")]
    if len(raw) - header != math.prod(sizes):
        raise InputError(
            f"{file}: {len(raw) - header} bytes of data where its header promises "
            f"{math.prod(sizes)}; {again}"
        )
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(sizes)


def _read_npz(file: Path) -> dict[str, NDArray]:
    try:
        # A file object, because numpy leaves its own open when the archive is broken.
        with file.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            names = getattr(archive, "files", None)  # a bare .npy array has none
            missing = [key for key in _IDX_STEMS if key not in (names or ())]
            if not missing:
                return {key: archive[key] for key in _IDX_STEMS}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{file}: not a readable .npz file ({_reason(error)}); {_MNIST_REMEDY}"
        ) from error
    if names is None:
        raise InputError(f"{file}: a single array, not an .npz file; {_MNIST_REMEDY}")
    raise InputError(f"{file}: no {', '.join(missing)} in it; {_MNIST_REMEDY}")


def _reason(error: BaseException) -> str:
    """The first line of an error's message, for an error of one line."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
