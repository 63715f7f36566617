"""Samples with a class each, and which of them train and which test."""

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
    """Labelled samples and which of them train and which test.

    Attributes
    ----------
    name : the task, or what the data are called
    inputs : float32 (samples, frames * features), dimensionless; pictures are in [0, 1]
    labels : int64 (samples,), in 0 .. classes - 1
    train, test : int64 indices into the samples; they share none
    classes : number of classes
    shape : of one sample before flattening, as (8, 8) for a picture
    source : citation, and how the samples were obtained
    frames : a sample is so many inputs of equal size, one after another; 1 for
        pictures that are seen at once
    class_names : what the classes are called, () where 0, 1, 2, ... is all
    feature_names : what the columns of the inputs are called, () where nothing is said
    scaling : how the inputs were scaled, None where they were not

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
    ) -> Dataset:
        """Data of your own.

        inputs
            Numbers, (samples, features); or (samples, time, features) for series.
        labels
            A class a sample: text, whole numbers or booleans.
        test
            The share of samples that test, drawn with ``seed``, every class alike; or
            their indices; or a mask; or (inputs, labels) of other samples.
        scale
            "minmax" brings every feature from 0 to 1, "standard" to mean 0 and
            deviation 1, as it is in the training samples; "none" leaves them.
        feature_names
            What the features are called; the columns, where inputs are a DataFrame.

        Raises InputError for what does not fit or cannot be learned.

        >>> from sklearn.datasets import load_wine
        >>> Dataset.from_arrays(*load_wine(return_X_y=True), name="wine").classes
        3
        """
        from neuro_ep.records.own_data import from_arrays

        given = inputs, labels, test, scale, name, seed, feature_names, source
        return from_arrays(*given)

    def __post_init__(self):
        inputs = _finite_rows(self.name, self.inputs)
        samples = len(inputs)
        classes = _count(self.name, "classes", self.classes)
        frames = _count(self.name, "frames", self.frames)
        if inputs.shape[1] % frames or inputs.shape[1] != math.prod(self.shape):
            raise InputError(
                f"{self.name}: samples of {inputs.shape[1]} values, which are not "
                f"{frames} frames of equal size in the shape {tuple(self.shape)}"
            )
        labels = _integers(self.name, "labels", self.labels, classes)
        if len(labels) != samples:
            raise InputError(
                f"{self.name}: {len(labels)} labels for {samples} samples, not one each"
            )
        train, test = (
            _split(self.name, part, getattr(self, part), samples)
            for part in ("train", "test")
        )
        if shared := np.intersect1d(train, test).size:
            raise InputError(
                f"{self.name}: {shared} samples are in both train and test, so it "
                "would not be a test; put each into one of them"
            )
        checked = {"inputs": inputs, "labels": labels, "train": train, "test": test}
        if self.class_names and len(self.class_names) != classes:
            raise InputError(
                f"{self.name}: {len(self.class_names)} names for {classes} classes"
            )
        features = inputs.shape[1] // frames
        if self.feature_names and len(self.feature_names) != features:
            raise InputError(
                f"{self.name}: {len(self.feature_names)} names for {features} features"
            )
        for key, value in {**checked, "classes": classes, "frames": frames}.items():
            object.__setattr__(self, key, value)

    @property
    def features(self) -> int:
        """How many inputs the network has at any time."""
        return self.inputs.shape[1] // self.frames


def _finite_rows(name: str, inputs) -> NDArray[np.float32]:
    """The inputs as finite numbers, one row a sample."""
    given = np.asarray(inputs)
    if given.ndim != 2 or given.size == 0 or given.dtype.kind not in "biuf":
        raise InputError(
            f"{name}: inputs of shape {given.shape} and type {given.dtype}; give "
            "numbers, one row a sample (flatten pictures, and name their shape)"
        )
    with np.errstate(over="ignore"):
        rows = given.astype(np.float32, copy=False)
    wrong = np.argwhere(~np.isfinite(rows))
    if wrong.size:
        row, column = wrong[0]
        raise InputError(
            f"{name}: inputs[{row}, {column}] = {given[row, column]}; fill in or leave "
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
