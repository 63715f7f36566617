"""What a user's own data are to teach: classes, or targets of a regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.scaling import Scaling, fitted_targets

KINDS = ("classes", "regression")

#: Whole numbers are taken for classes up to so many different ones, and beyond where
#: each of them has so many samples.
FEW, SAMPLES_EACH = 20, 10


def kind_of(name: str, kind: str | None, *given: ArrayLike) -> str:
    """Whether these are "classes" or "regression", where the user does not say.

    Text, booleans and whole numbers are classes; numbers in two or more columns, and
    numbers with a fraction, are targets. What may be either is refused.
    """
    if kind is not None:
        if kind not in KINDS:
            raise InputError(f"{name}: kind = {kind!r}: choose {' or '.join(KINDS)}")
        return kind
    found = [_as_numbers(one) for one in given]
    numbers = [one for one in found if one is not None]
    if not numbers or len(numbers) != len(found):
        return "classes"
    if any(one.ndim > 2 or (one.ndim == 2 and one.shape[1] != 1) for one in numbers):
        _refuse_indicators(name, numbers)
        return "regression"
    values = np.concatenate([one.ravel() for one in numbers])
    values = values[np.isfinite(values)]
    if (values % 1).any():
        return "regression"
    _refuse_unclear(name, values)
    return "classes"


def _as_numbers(given: ArrayLike) -> NDArray[np.float64] | None:
    """Numbers that are not booleans; None for all else."""
    try:
        array = np.asarray(given)
        plain = array.dtype.kind in "iuf" or (
            array.dtype.kind == "O" and all(map(_is_number, array.ravel()))
        )
        return array.astype(float) if plain else None
    except (TypeError, ValueError, OverflowError):
        return None


def _is_number(value) -> bool:
    known = isinstance(value, (int, float, np.integer, np.floating))
    return known and not isinstance(value, bool)


def _refuse_indicators(name: str, numbers: Sequence[NDArray]):
    if all(one.size and np.isin(one, (0, 1)).all() for one in numbers):
        raise InputError(
            f"{name}: labels of shape {numbers[0].shape} that are 0 and 1 only: give a "
            "class a sample, such as labels.argmax(axis=1); or, if they are targets, "
            "say kind='regression'"
        )


def _refuse_unclear(name: str, values: NDArray):
    different, samples = len(np.unique(values)), len(values)
    many = different > FEW and different * SAMPLES_EACH > samples
    if different > 2 and (many or 2 * different > samples):
        raise InputError(
            f"{name}: {different} different whole numbers in {samples} samples may be "
            "classes or targets: say kind='regression' (--kind regression), or "
            "kind='classes'"
        )


def targets_of(name: str, what: str, values: ArrayLike) -> NDArray[np.float64]:
    """Targets as finite numbers, (samples, targets)."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name}: {what} that are no numbers ({error})") from error
    plain = array.dtype.kind in "biuf"
    if not plain and not (array.dtype.kind == "O" and all(map(_is_number, array.flat))):
        raise InputError(
            f"{name}: {what} of type {array.dtype} that are no numbers: give numbers, "
            "none missing, or say kind='classes'"
        )
    found = array.astype(float)
    found = found.reshape(-1, 1) if found.ndim == 1 else found
    if found.ndim != 2 or found.size == 0:
        raise InputError(
            f"{name}: {what} of shape {array.shape}; give a number a sample, or "
            "(samples, targets)"
        )
    wrong = np.argwhere(~np.isfinite(found))
    if wrong.size:
        row, column = wrong[0]
        raise InputError(
            f"{name}: {what}[{row}, {column}] = {found[row, column]}; fill in or leave "
            "out what is missing"
        )
    return found


def scaled_targets(
    name: str, values: NDArray, train: NDArray, names: Sequence[str]
) -> tuple[NDArray[np.float32], Scaling]:
    """Targets as output neurons reach them, by what they are in training."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaling = fitted_targets(values[train])
        scaled = scaling.apply(values).astype(np.float32)
    for column, factor in enumerate(scaling.factor):
        if factor == 0:
            called = names[column] if len(names) else f"number {column}"
            one = values[train, column]
            raise InputError(
                f"{name}: target {called} is {one[0]} in every training sample, so "
                "that there is nothing to learn; leave it out"
                if np.ptp(one) == 0
                else f"{name}: target {called} is as far from its mean as "
                f"{one[abs(one).argmax()]:g}; give it in another unit"
            )
    return scaled, scaling


def names_of(labels) -> tuple[str, ...]:
    """The names that a table of targets, or a single column, brings along."""
    if len(columns := getattr(labels, "columns", ())):
        return tuple(map(str, columns))
    name = getattr(labels, "name", None)
    return (name,) if isinstance(name, str) else ()
