"""Data of a user's own in files: tables (.csv, .tsv, .parquet), arrays (.npz, .h5)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro_ep.errors import InputError
from neuro_ep.messages import cut
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.own_targets import kind_of
from neuro_ep.tasks.array_files import DAMAGE, LARGEST, read_npz, reason

#: Ending of a file -> how its columns are separated.
SEPARATORS = {".csv": ",;\t", ".tsv": "\t"}
ARRAYS = (".npz", ".h5", ".hdf5")
PARQUET = ".parquet"
TABLES = (*SEPARATORS, PARQUET)
ENDINGS = (*TABLES, *ARRAYS)

#: Names of arrays: samples and labels, or those that train and those that test.
WHOLE, PARTED = ("X", "y"), ("x_train", "y_train", "x_test", "y_test")
REMEDY = f"it should have {' and '.join(WHOLE)}, or {', '.join(PARTED)}"

#: What may be said of a file of a user's own.
CHOICES = ("label", "test", "scale", "seed", "kind")

#: A column to learn by its name, or several.
Label = str | Sequence[str] | None

#: Characters of a cell that a message shows.
SHOWN = 40


def is_file_of_data(word: str) -> bool:
    """Whether a word names a file of one of these kinds."""
    return Path(word).suffix.lower() in ENDINGS


def load(
    path: str | Path,
    label: Label = None,
    test: float | None = None,
    scale: str = "minmax",
    seed: int = 0,
    kind: str | None = None,
) -> Dataset:
    """The data set in a file.

    path
        A table whose first line names its columns, or arrays called X and y, or
        x_train, y_train, x_test and y_test.
    label
        The column of a table that is to be learned, or several, or with commas between,
        which are targets of a regression; all others are features.
    test
        The share of samples that test, 0.2 where nothing is said and the file does not
        say which.
    scale, seed, kind
        As of :meth:`neuro_ep.Dataset.from_arrays`.

    Raises InputError for what cannot be read, with the line and the column.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path}: no such file")
    inputs, labels, held_out, names, targets = _read(file, label, kind)
    if held_out is not None and test is not None:
        raise InputError(f"test = {test}: {file.name} says itself which samples test")
    given = held_out if held_out is not None else 0.2 if test is None else test
    return Dataset.from_arrays(
        *(inputs, labels),
        test=given,
        scale=scale,
        name=file.stem,
        seed=seed,
        feature_names=names,
        source=f"the file {file.name}",
        kind="regression" if targets else kind,
        target_names=targets,
    )


def _read(file: Path, label: Label, kind: str | None) -> tuple:
    """Samples, labels, those that test where the file says so, names of features and
    of targets."""
    ending = file.suffix.lower()
    if ending in TABLES:
        inputs, labels, names, targets = _table(file, label, kind)
        return inputs, labels, None, names, targets
    if label is not None:
        raise InputError(
            f"label = {label!r}: {file.name} has arrays and no columns; leave it out"
        )
    found = read_npz(file, (PARTED, WHOLE), REMEDY) if ending == ".npz" else _hdf5(file)
    if "X" in found:
        return found["X"], found["y"], None, (), ()
    test = found["x_test"], found["y_test"]
    return found["x_train"], found["y_train"], test, (), ()


def _hdf5(file: Path, choices=(PARTED, WHOLE)) -> dict[str, NDArray]:
    try:
        with h5py.File(file) as opened:
            keys = next((k for k in choices if set(k) <= set(opened)), None)
            if keys is None:
                raise InputError(f"{file}: no {', '.join(WHOLE)} in it; {REMEDY}")
            return {key: _array(opened, key) for key in keys}
    except DAMAGE as error:
        raise InputError(f"{file}: not readable ({reason(error)}); {REMEDY}") from error


def _array(opened: h5py.File, key: str) -> NDArray:
    item = (
        opened[key]
        if opened.get(key, getlink=True).__class__ is h5py.HardLink
        else None
    )
    if not isinstance(item, h5py.Dataset) or item.external or item.nbytes > LARGEST:
        raise ValueError(f"{key} is no array in this file")
    text = h5py.check_string_dtype(item.dtype) is not None
    if text or item.dtype.kind == "S":
        return np.array([one.decode("utf-8") for one in np.ravel(item[()])])
    return item[()]


def _table(file: Path, label: Label, kind: str | None) -> tuple:
    """The numbers of all columns but those to learn, what these teach, and the names
    of the features and, where it is a regression, of the targets.
    """
    names, lines = _lines(file)
    chosen = _chosen(file, label, names)
    others = [name for name in names if name not in chosen]
    if not others:
        raise InputError(f"{file}: label = {label}: no column is left to learn from")
    places = [names.index(name) for name in chosen]
    texts = [[row[k].strip() for k in places] for _, row in lines]
    for (line, _), row in zip(lines, texts, strict=True):
        if "" in row:
            name = chosen[row.index("")]
            raise InputError(f"{file}, line {line}: no {name}; leave this line out")
    found = _kind(file, kind, chosen, lines, texts)
    inputs = _columns(file, names, lines, others)
    if found == "classes":
        return inputs, [row[0] for row in texts], others, ()
    return inputs, _columns(file, names, lines, chosen), others, chosen


def _chosen(file: Path, label: Label, names: Sequence[str]) -> list[str]:
    """The columns to learn: one by its name, or several, or with commas between."""
    words = "" if label is None else label
    if not isinstance(words, (str, Sequence)):
        raise InputError(f"label = {label!r:.60}: name a column, or several")
    if not isinstance(words, str):
        chosen = [str(word) for word in words]
    elif words in names:
        chosen = [words]
    else:
        chosen = [word.strip() for word in words.split(",")]
    unknown = [name for name in chosen if name not in names]
    if unknown or len(set(chosen)) != len(chosen):
        told = f"no column {unknown[0]!r}" if unknown else f"{label} names one twice"
        told = told if label is not None else "which column to learn"
        raise InputError(
            f"{file}: {told}; name one with --label (label=): "
            f"{cut(', '.join(names), 300)}"
        )
    return chosen


def _kind(file: Path, kind: str | None, chosen, lines, texts) -> str:
    """Whether these columns are "classes" or "regression", as they are written."""
    if len(chosen) > 1 and kind == "classes":
        raise InputError(
            f"{file}: kind = 'classes': {len(chosen)} columns are targets; name one"
        )
    if kind is not None:
        return kind_of(file.name, kind)
    numbers = [[_as_number(cell) for cell in row] for row in texts]
    if len(chosen) > 1 or not any(None in row for row in numbers):
        return kind_of(file.name, None, _columns_of(file, chosen, lines, texts))
    whole = all(row[0] is None or row[0] % 1 == 0 for row in numbers)
    if whole:
        return "classes"
    place = next(k for k, row in enumerate(numbers) if row[0] is None)
    shown = cut(repr(texts[place][0]), SHOWN)
    raise InputError(
        f"{file}, line {lines[place][0]}: {chosen[0]} = {shown} is no number, and "
        "others have a fraction; leave this line out, or say kind='classes' (--kind "
        "classes)"
    )


def _columns_of(file: Path, chosen, lines, texts) -> NDArray:
    """The numbers in columns of text, one column for each that is to be learned."""
    numbered = [(line, row) for (line, _), row in zip(lines, texts, strict=True)]
    return _columns(file, chosen, numbered, chosen)


def _as_number(cell: str) -> float | None:
    """The number in a cell, None where there is none."""
    try:
        return float(cell.replace("_", "?"))  # which float() takes within digits
    except ValueError:
        return None


def read_features(path: str | Path, features: Sequence[str], count: int) -> NDArray:
    """Samples without labels, (samples, count), in a file as in :func:`load`.

    Columns of a table are found by their names, where they had some, and others are not
    read. Raises InputError for what cannot be read, and for columns that are missing.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path}: no such file")
    ending = file.suffix.lower()
    if ending not in TABLES:
        read = read_npz(file, (WHOLE[:1],), REMEDY) if ending == ".npz" else None
        return (read or _hdf5(file, (WHOLE[:1],)))["X"]
    names, lines = _lines(file)
    wanted = list(features) or names
    if missing := [name for name in wanted if name not in names]:
        raise InputError(
            f"{file}: no column {cut(', '.join(missing), 100)}, which the network was "
            "trained on"
        )
    if len(wanted) != count:
        raise InputError(
            f"{file}: {len(wanted)} columns, and the network reads {count}"
        )
    return _columns(file, names, lines, wanted)


def _columns(file: Path, names, lines, wanted: Sequence[str]) -> NDArray:
    places = [names.index(name) for name in wanted]
    return np.array(
        [[_number(file, line, names[k], row[k]) for k in places] for line, row in lines]
    )


def _lines(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and every line with its number."""
    rows = _parquet(file) if file.suffix.lower() == PARQUET else _text(file)
    if len(rows) < 2:
        raise InputError(f"{file}: no samples below a line with the names of columns")
    names = [name.strip() for name in rows[0][1]]
    if len(set(names)) != len(names) or "" in names:
        raise InputError(
            f"{file}: its first line should name every column once, and says "
            f"{cut(', '.join(names), 100)}"
        )
    for line, row in rows[1:]:
        if len(row) != len(names):
            raise InputError(
                f"{file}, line {line}: {len(row)} cells for {len(names)} columns"
            )
    return names, rows[1:]


def _parquet(file: Path) -> list[tuple[int, list[str]]]:
    """The same lines as a table of text with these columns would have."""
    try:
        import pandas
    except ImportError as error:
        raise InputError(f"{file} needs pandas: pip install pandas pyarrow") from error
    try:
        frame = pandas.read_parquet(file)
    except ImportError as error:
        raise InputError(f"{file} needs pyarrow: pip install pyarrow") from error
    except Exception as error:  # what a stranger's file makes of Arrow is many things
        raise InputError(f"{file}: not a Parquet file ({reason(error)})") from error
    names = [str(name) for name in frame.columns]
    columns = [_cells_of(frame.iloc[:, k]) for k in range(len(names))]
    lines = enumerate(zip(*columns, strict=True), start=2)
    return [(1, names), *((line, list(row)) for line, row in lines)]


def _cells_of(column) -> list[str]:
    """The values of a column as text, "" where one is missing."""
    missing = column.isna().tolist()
    return ["" if no else str(v) for no, v in zip(missing, column, strict=True)]


def _text(file: Path) -> list[tuple[int, list[str]]]:
    """The lines of a table of text, and their numbers."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            first = opened.readline()
            separators = SEPARATORS[file.suffix.lower()]
            separator = max(separators, key=lambda by: _cells(first, by))
            opened.seek(0)
            return [
                (reader.line_num, row)
                for reader in [csv.reader(opened, delimiter=separator)]
                for row in reader
                if any(cell.strip() for cell in row)
            ]
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{file}: not a table of text ({reason(error)})") from error


def _cells(line: str, separator: str) -> int:
    return len(next(csv.reader([line], delimiter=separator), []))


def _number(file: Path, line: int, name: str, cell: str) -> float:
    number = _as_number(cell)
    if number is None:
        shown = cut(repr(cell.strip()), SHOWN)
        raise InputError(
            f"{file}, line {line}: {name} = {shown} is no number; fill in or leave out "
            "what is missing, write 1.5 for 1,5, and code words by numbers"
        )
    return number
