"""A data set from arrays of a user's own, with labels of any kind, or targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.own_targets import kind_of, names_of, scaled_targets, targets_of
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
    kind: str | None,
    target_names: Sequence[str],
) -> Dataset:
    """See :meth:`neuro_ep.Dataset.from_arrays`."""
    names = feature_names if len(feature_names) else getattr(inputs, "columns", ())
    pair = _as_pair(test)
    kind = kind_of(name, kind, labels, *([] if pair is None else [pair[1]]))
    samples, answers = _pairs(name, "", inputs, labels, kind)
    if pair is not None:
        more, others = _pairs(name, "test ", pair[0], pair[1], kind)
        columns = getattr(pair[0], "columns", ())
        _refuse_other(name, (samples, answers, names), (more, others, columns))
        test = np.arange(len(samples), len(samples) + len(more))
        samples = np.concatenate([samples, more])
        answers = np.concatenate([answers, others])
    if kind == "classes":
        if len(target_names):
            raise InputError(f"{name}: target_names are of regression; leave them out")
        learned = _classes(name, answers)
        train, held_out = _split(name, test, len(samples), learned["labels"], seed)
    else:
        train, held_out = _split(name, test, len(samples), None, seed)
        called = tuple(map(str, target_names)) or names_of(labels)
        learned = _targets(name, answers, train, called)
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


def _refuse_other(name: str, training: tuple, testing: tuple):
    """Raises InputError where test samples are not of the kind of the others."""
    (samples, answers, names), (more, others, columns) = training, testing
    columns, names = list(map(str, columns)), list(map(str, names))
    if columns and names and columns != names:
        raise InputError(
            f"{name}: test samples have the columns {', '.join(columns)}, and "
            f"training samples {', '.join(names)}; give both the same"
        )
    if more.shape[1:] != samples.shape[1:]:
        raise InputError(
            f"{name}: test samples of shape {more.shape[1:]} and training samples "
            f"of shape {samples.shape[1:]}; give both the same"
        )
    if others.dtype.kind != answers.dtype.kind:
        raise InputError(
            f"{name}: labels are {answers.dtype} and test labels {others.dtype}; "
            "give both of one kind"
        )
    if others.shape[1:] != answers.shape[1:]:
        raise InputError(
            f"{name}: {answers.shape[1]} targets and {others.shape[1]} test targets "
            "a sample; give both the same"
        )


def _as_pair(test: Test) -> tuple | None:
    """Samples and labels, where they are given and not numbers of samples."""
    if not isinstance(test, (tuple, list)) or len(test) != 2:
        return None
    return None if np.isscalar(test[0]) else (test[0], test[1])


def _pairs(name: str, which: str, inputs, labels, kind: str) -> tuple[NDArray, NDArray]:
    classes = kind == "classes"
    what = which + ("labels" if classes else "targets")
    read = _answers if classes else targets_of
    samples = _numbers(name, f"{which}inputs", inputs)
    answers = read(name, what, _unmasked(name, what, labels))
    if len(answers) != len(samples):
        raise InputError(
            f"{name}: {len(answers)} {what} for {len(samples)} {which}samples, "
            "not one each"
        )
    return samples, answers


def _numbers(name: str, what: str, values: ArrayLike) -> NDArray[np.float64]:
    """Numbers in rows, or in rows of frames."""
    try:
        plain = np.asarray(_unmasked(name, what, values))
        if plain.dtype.kind in "cmM":
            raise TypeError(f"they are {plain.dtype}")
        given = plain.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {what} that are no numbers ({error})") from error
    if given.ndim not in (2, 3) or given.size == 0:
        raise InputError(
            f"{name}: {what} of shape {given.shape}; give numbers as (samples, "
            "features), or as (samples, time, features) for series"
        )
    return given


def _unmasked(name: str, what: str, values):
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        raise InputError(f"{name}: {what} that are masked; fill in or leave them out")
    return values


#: Types of labels, one by one -> how they are compared.
KINDS = {
    str: (str, np.str_),
    bytes: (bytes, np.bytes_),
    bool: (bool, np.bool_),
    float: (int, np.integer, float, np.floating),
}


def _answers(name: str, what: str, labels: ArrayLike) -> NDArray:
    """A class of every sample, as text, booleans or int64."""
    array = isinstance(labels, np.ndarray) and labels.dtype.kind != "O"
    given = np.asarray(labels, dtype=None if array else object)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    kinds = {_kind(one) for one in given.tolist()} if given.ndim == 1 else {None}
    if len(kinds) != 1 or None in kinds:
        raise InputError(
            f"{name}: {what} of shape {given.shape}; give a class a sample: text or "
            "whole numbers, all of one kind and none missing"
        )
    if kinds == {float}:
        return np.array([_whole(name, what, one) for one in given.tolist()], np.int64)
    if kinds == {bytes}:
        return np.array([one.decode(errors="replace") for one in given.tolist()])
    return np.array(given.tolist())


def _kind(value) -> type | None:
    return next((kind for kind, of in KINDS.items() if isinstance(value, of)), None)


def _whole(name: str, what: str, value) -> int:
    """A label as a whole number that nothing is lost of."""
    exact = value == value and abs(value) != np.inf and value == int(value)
    large = isinstance(value, float) and abs(value) >= 2**53
    if not exact or large or not -(2**63) <= value < 2**63:
        raise InputError(
            f"{name}: {what} has {value}, which is no class; give text or whole "
            "numbers, and leave out what is missing"
        )
    return int(value)


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


def _targets(name: str, values: NDArray, train: NDArray, names: tuple) -> dict:
    """Targets as they are learned, what they are called, and how they were scaled."""
    if len(names) not in (0, values.shape[1]):
        raise InputError(f"{name}: {len(names)} names for {values.shape[1]} targets")
    scaled, scaling = scaled_targets(name, values, train, names)
    return {
        "labels": np.empty(0, np.int64),
        "classes": 0,
        "targets": scaled,
        "target_names": names,
        "target_scaling": scaling,
    }


def _split(name: str, test: Test, samples: int, labels: NDArray | None, seed: int):
    """Indices of the samples that train, and of those that test."""
    try:
        chosen = np.asarray(test)
    except ValueError:
        chosen = np.array("nothing")
    if chosen.ndim == 0 and chosen.dtype.kind == "f":
        return _drawn(name, float(chosen), samples, labels, seed)
    if chosen.dtype.kind == "b" and chosen.shape == (samples,):
        chosen = np.flatnonzero(chosen)
    mask = chosen.shape == (samples,) and samples > 2 and set(chosen.tolist()) <= {0, 1}
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or mask:
        raise InputError(
            f"{name}: test = {test!r:.60}: give a share such as 0.2, indices, a mask "
            "of True and False with one value a sample, or (inputs, labels)"
        )
    held_out = np.flatnonzero(np.isin(np.arange(samples), chosen))
    if len(held_out) != len(chosen):
        raise InputError(
            f"{name}: test names {len(chosen)} samples, of which {len(held_out)} are "
            f"different ones from 0 to {samples - 1}; name each once, by its index"
        )
    train = np.setdiff1d(np.arange(samples), held_out)
    if labels is None:
        unseen = np.empty(0)
    else:
        unseen = np.setdiff1d(labels[held_out], labels[train])
    if not train.size or unseen.size:
        raise InputError(
            f"{name}: every sample of {max(unseen.size, 1)} classes tests, so that "
            "they cannot be learned; leave some to train on"
            if unseen.size
            else f"{name}: every sample tests; leave some to train on"
        )
    return train, held_out


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
