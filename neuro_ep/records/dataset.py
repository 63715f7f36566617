"""Samples with a class each, and which of them train and which test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples and which of them train and which test.

    Attributes
    ----------
    name : the task, a key of `TASKS`
    inputs : float32 (samples, frames * features), dimensionless; pictures are in [0, 1]
    labels : int64 (samples,), in 0 .. classes - 1
    train, test : int64 indices into the samples; they share none
    classes : number of classes
    shape : of one sample before flattening, as (8, 8) for a picture
    source : citation, and how the samples were obtained
    frames : a sample is so many inputs of equal size, one after another; 1 for
        pictures that are seen at once
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

    @property
    def features(self) -> int:
        """How many inputs the network has at any time."""
        return self.inputs.shape[1] // self.frames
