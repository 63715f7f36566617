"""Samples with a class or targets each, and which of them train and which test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError
from neuro_ep.records.scaling import Scaling


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples, what they teach, and which of them train and which test.

    Attributes
    ----------
    name : the task, or what the data are called
    inputs : float32 (samples, frames * features), dimensionless; pictures are in [0, 1]
    labels : int64 (samples,), in 0 .. classes - 1; empty where there are targets
    train, test : int64 indices into the samples; they share none
    classes : number of classes; 0 where there are targets
    shape : of one sample before flattening, as (8, 8) for a picture
    source : citation, and how the samples were obtained
    frames : a sample is so many inputs of equal size, one after another; 1 for
        pictures that are seen at once
    class_names : what the classes are called, () where 0, 1, 2, ... is all
    feature_names : what the columns of the inputs are called, () where nothing is said
    scaling : how the inputs were scaled, None where they were not
    targets : float32 (samples, targets), what the outputs should be in a regression,
        scaled; None where samples have classes
    target_names : what the targets are called, () where nothing is said
    target_scaling : how the targets were scaled, None where they were not

    Numbers of other types are converted where nothing is lost. These numbers become
    indices in compiled programs, so nothing else is taken.

    Raises
    ------
    InputError : where shapes, types or ranges do not fit, where values are not finite,
        where a split is empty, repeats a sample or shares one with the other
    """

    name: str
    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    classes: int
    shape: tuple[int, ...]
    source: str
    frames: int = 1
    class_names: tuple = ()
    feature_names: tuple[str, ...] = ()
    scaling: Scaling | None = None
    targets: NDArray[np.float32] | None = None
    target_names: tuple[str, ...] = ()
    target_scaling: Scaling | None = None

    @classmethod
    def from_arrays(
        cls,
        inputs: ArrayLike,
        labels: ArrayLike,
        *,
        test: float | ArrayLike | tuple[ArrayLike, ArrayLike] = 0.2,
        scale: str = "minmax",
        name: str = "own data",
        seed: int = 0,
        feature_names: Sequence[str] = (),
        source: str = "arrays of the user's own",
        kind: str | None = None,
        target_names: Sequence[str] = (),
    ) -> Dataset:
        """Data of your own.

        inputs
            Numbers, (samples, features); or (samples, time, features) for series.
        labels
            A class a sample: text, whole numbers or booleans. Or targets of a
            regression, numbers of shape (samples,) or (samples, targets), which are
            scaled as they are in the training samples; the network's predictions
            come back in their unit.
        test
            The share of samples that test, drawn with ``seed``, every class alike; or
            their indices; or a mask; or (inputs, labels) of other samples.
        scale
            "minmax" brings every feature from 0 to 1, "standard" to mean 0 and
            deviation 1, as it is in the training samples; "none" leaves them.
        feature_names
            What the features are called; the columns, where inputs are a DataFrame.

        kind
            "classes" or "regression"; None infers it: numbers with a fraction, or in
            two or more columns, are targets. Whole numbers of which many differ, and
            columns of 0 and 1 only, may be either: they ask for it to be said.
        target_names
            What the targets are called; the columns, where labels are a DataFrame.

        Raises InputError for what does not fit or cannot be learned.

        >>> from sklearn.datasets import load_wine
        >>> Dataset.from_arrays(*load_wine(return_X_y=True), name="wine").classes
        3
        """
        from neuro_ep.records.own_data import from_arrays

        given = inputs, labels, test, scale, name, seed, feature_names, source
        return from_arrays(*given, kind, target_names)

    def __post_init__(self):
        inputs = _finite_rows(self.name, self.inputs)
        samples = len(inputs)
        frames = _count(self.name, "frames", self.frames)
        if inputs.shape[1] % frames or inputs.shape[1] != math.prod(self.shape):
            raise InputError(
                f"{self.name}: samples of {inputs.shape[1]} values, which are not "
                f"{frames} frames of equal size in the shape {tuple(self.shape)}"
            )
        taught = self._classes() if self.targets is None else self._targets()
        train, test = (
            _split(self.name, part, getattr(self, part), samples)
            for part in ("train", "test")
        )
        if shared := np.intersect1d(train, test).size:
            raise InputError(
                f"{self.name}: {shared} samples are in both train and test, so it "
                "would not be a test; put each into one of them"
            )
        if self.targets is not None and min(len(train), len(test)) < 2:
            raise InputError(
                f"{self.name}: {len(train)} samples train and {len(test)} test: R2 is "
                "of two or more; name more"
            )
        features = inputs.shape[1] // frames
        if self.feature_names and len(self.feature_names) != features:
            raise InputError(
                f"{self.name}: {len(self.feature_names)} names for {features} features"
            )
        if len(set(self.feature_names)) < len(self.feature_names):
            twice = max(self.feature_names, key=list(self.feature_names).count)
            raise InputError(f"{self.name}: two features are called {twice!r:.60}")
        checked = {"inputs": inputs, "train": train, "test": test, "frames": frames}
        for key, value in {**checked, **taught}.items():
            object.__setattr__(self, key, value)

    def _classes(self) -> dict:
        """Labels and the number of classes, checked."""
        classes = _count(self.name, "classes", self.classes)
        labels, samples = self.labels, len(self.inputs)
        labels = _integers(self.name, "labels", labels, classes)
        if len(labels) != samples:
            raise InputError(
                f"{self.name}: {len(labels)} labels for {samples} samples, not one each"
            )
        if self.class_names and len(self.class_names) != classes:
            raise InputError(
                f"{self.name}: {len(self.class_names)} names for {classes} classes"
            )
        if self.target_names or self.target_scaling:
            raise InputError(f"{self.name}: names or scaling of targets, and no target")
        return {"labels": labels, "classes": classes}

    def _targets(self) -> dict:
        """Targets, checked; there are no classes beside them."""
        targets = _finite_rows(self.name, self.targets, "targets")
        samples, outputs = targets.shape
        if samples != len(self.inputs):
            raise InputError(
                f"{self.name}: {samples} targets for {len(self.inputs)} samples, not "
                "one each"
            )
        if np.size(self.labels) or self.classes or self.class_names:
            raise InputError(f"{self.name}: both classes and targets; give one of them")
        sizes = [len(self.target_names)] if self.target_names else []
        sizes += [len(self.target_scaling.factor)] if self.target_scaling else []
        if any(size != outputs for size in sizes) or _repeats(self.target_names):
            raise InputError(
                f"{self.name}: names or scaling that are not of {outputs} targets, "
                "each by a name of its own"
            )
        return {"labels": np.empty(0, np.int64), "classes": 0, "targets": targets}

    @property
    def features(self) -> int:
        """How many inputs the network has at any time."""
        return self.inputs.shape[1] // self.frames

    @property
    def outputs(self) -> int:
        """How many outputs the network has: one a class, or one a target."""
        return self.classes if self.targets is None else self.targets.shape[1]


def _repeats(names: Sequence[str]) -> bool:
    return len(set(names)) != len(names)


def _finite_rows(name: str, values, what: str = "inputs") -> NDArray[np.float32]:
    """Inputs or targets as finite numbers, one row a sample."""
    given = np.asarray(values)
    if given.ndim != 2 or given.size == 0 or given.dtype.kind not in "biuf":
        raise InputError(
            f"{name}: {what} of shape {given.shape} and type {given.dtype}; give "
            "numbers, one row a sample (flatten pictures, and name their shape)"
        )
    with np.errstate(over="ignore"):
        rows = given.astype(np.float32, copy=False)
    wrong = np.argwhere(~np.isfinite(rows))
    if wrong.size:
        row, column = wrong[0]
        raise InputError(
            f"{name}: {what}[{row}, {column}] = {given[row, column]}; fill in or leave "
            "out what is missing, and scale what float32 cannot hold"
        )
    return rows


def _integers(name: str, what: str, values, end: int) -> NDArray[np.int64]:
    """Whole numbers from 0, below the end, in one dimension."""
    given = np.asarray(values)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise InputError(
            f"{name}: {what} of shape {given.shape} and type {given.dtype}; give whole "
            f"numbers from 0 to {end - 1} in one dimension"
        )
    wrong = given[(given < 0) | (given >= end)]
    if wrong.size:
        raise InputError(
            f"{name}: {what} has {wrong[0]}, which is not from 0 to {end - 1}"
        )
    return given.astype(np.int64, copy=False)


def _split(name: str, part: str, values, samples: int) -> NDArray[np.int64]:
    """Indices of samples, at least one and none twice."""
    if np.asarray(values).size == 0:
        raise InputError(f"{name}: no sample in {part}; give at least one")
    indices = _integers(name, part, values, samples)
    if len(np.unique(indices)) != len(indices):
        raise InputError(f"{name}: {part} names a sample twice; name each once")
    return indices


def _count(name: str, what: str, value) -> int:
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name}: {what} = {value!r}; give a whole number from 1")
    return int(value)
