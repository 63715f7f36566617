"""A data set from arrays of a user's own, with labels of any kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.scaling import Scaling, fitted

#: Which samples test: a share of them, their indices, a mask, or samples and labels.
Test = float | ArrayLike | tuple[ArrayLike, ArrayLike]


def from_arrays(
    inputs: ArrayLike,
    labels: ArrayLike,
    test: Test,
    scale: str,
    name: str,
    seed: int,
    feature_names: Sequence[str],
    source: str,
) -> Dataset:
    """See :meth:`neuro_ep.Dataset.from_arrays`."""
    names = feature_names or getattr(inputs, "columns", ())
    samples, answers = _numbers(name, "inputs", inputs), _answers(name, labels)
    if isinstance(test, tuple) and len(test) == 2 and np.ndim(test[0]) > 1:
        more, others = _numbers(name, "test inputs", test[0]), _answers(name, test[1])
        if more.shape[1:] != samples.shape[1:]:
            raise InputError(
                f"{name}: test samples of shape {more.shape[1:]} and training samples "
                f"of shape {samples.shape[1:]}; give both the same"
            )
        test = np.arange(len(samples), len(samples) + len(more))
        samples = np.concatenate([samples, more])
        answers = np.concatenate([answers, others])
    if len(answers) != len(samples):
        raise InputError(
            f"{name}: {len(answers)} labels for {len(samples)} samples, not one each"
        )
    learned = _classes(name, answers)
    train, held_out = _split(name, test, len(samples), learned["labels"], seed)
    rows, scaling = _scaled(samples, scale, train)
    return Dataset(
        name=name,
        inputs=rows,
        train=train,
        test=held_out,
        shape=samples.shape[1:],
        source=source,
        frames=samples.shape[1] if samples.ndim == 3 else 1,
        feature_names=tuple(map(str, names)),
        scaling=scaling,
        **learned,
    )


def _numbers(name: str, what: str, values: ArrayLike) -> NDArray[np.float64]:
    """Numbers in rows, or in rows of frames."""
    try:
        given = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {what} that are no numbers ({error})") from error
    if given.ndim not in (2, 3) or given.size == 0:
        raise InputError(
            f"{name}: {what} of shape {given.shape}; give numbers as (samples, "
            "features), or as (samples, time, features) for series"
        )
    return given


def _answers(name: str, labels: ArrayLike) -> NDArray:
    """A class of every sample, as it was given."""
    given = np.asarray(labels)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.dtype.kind == "O" and len({type(one) for one in given.flat}) == 1:
        given = np.array(given.tolist())
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "biufUS":
        raise InputError(
            f"{name}: labels of shape {given.shape} and type {given.dtype}; give a "
            "class a sample: text or whole numbers, of one kind, none missing"
        )
    if given.dtype.kind == "f":
        wrong = given[~(np.isfinite(given) & (given % 1 == 0))]
        if wrong.size:
            raise InputError(
                f"{name}: labels has {wrong[0]}, which is no class; give text or whole "
                "numbers, and leave out what is missing"
            )
        return given.astype(np.int64)
    return given.astype(str) if given.dtype.kind == "S" else given


def _classes(name: str, answers: NDArray) -> dict:
    """Labels from 0, and the names of the classes."""
    names, labels = np.unique(answers, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"{name}: every label is {names.tolist()}; give two or more")
    return {
        "labels": labels.ravel().astype(np.int64),
        "classes": len(names),
        "class_names": tuple(names.tolist()),
    }


def _split(name: str, test: Test, samples: int, labels, seed: int):
    """Indices of the samples that train, and of those that test."""
    chosen = np.asarray(test)
    if chosen.ndim == 0 and chosen.dtype.kind == "f":
        return _drawn(name, float(chosen), samples, labels, seed)
    if chosen.dtype.kind == "b" and chosen.shape == (samples,):
        chosen = np.flatnonzero(chosen)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise InputError(
            f"{name}: test = {test!r:.60}: give a share such as 0.2, indices, a mask "
            "with one value a sample, or (inputs, labels)"
        )
    held_out = np.arange(samples)[np.isin(np.arange(samples), chosen)]
    if len(held_out) != len(chosen):
        raise InputError(
            f"{name}: test names {len(chosen)} samples, of which {len(held_out)} are "
            f"different ones from 0 to {samples - 1}"
        )
    return np.setdiff1d(np.arange(samples), held_out), held_out


def _drawn(name: str, share: float, samples: int, labels, seed: int):
    from sklearn.model_selection import train_test_split

    if not 0 < share < 1:
        raise InputError(f"{name}: test = {share}: give a share between 0 and 1")
    try:
        parts = train_test_split(
            np.arange(samples), test_size=share, stratify=labels, random_state=seed
        )
    except ValueError as error:
        raise InputError(f"{name}: no test set can be drawn: {error}") from error
    return tuple(map(np.sort, parts))


def _scaled(samples: NDArray, kind: str, train: NDArray) -> tuple:
    """Rows as the network takes them, and how they were scaled."""
    flat = samples.reshape(len(samples), -1)
    if kind == "none" or not np.isfinite(flat).all():  # which Dataset tells
        return flat, None
    columns = samples.shape[-1]
    scaling = fitted(kind, samples[train].reshape(-1, columns))
    return scaled_rows(samples, scaling), scaling


def scaled_rows(samples: NDArray, scaling: Scaling | None) -> NDArray[np.float32]:
    """Samples, (n, features) or (n, time, features), as rows that were scaled."""
    flat = samples.reshape(-1, samples.shape[-1])
    done = flat if scaling is None else scaling.apply(flat)
    return done.reshape(len(samples), -1).astype(np.float32)
