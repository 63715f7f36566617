"""What one run shows: which samples, in which order, and what each teaches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from neuro_ep.errors import InputError

#: Rows as an array, or the raw file that holds them in the type of the network.
Rows = np.ndarray | Path


@dataclass(frozen=True, eq=False)
class Schedule:
    """Presentations one after the other, each of as many samples as there are replicas.

    inputs
        Samples, (rows, frames * features); or the raw file of them.
    samples
        Which row every replica is shown, (presentations * replicas,).
    labels
        The class of every sample shown, (presentations * replicas,); where there are
        targets in time, or nothing is taught, they may be left out.
    learn
        Whether a presentation goes beyond its first phase, (presentations,); or one
        word for all. What is only tested is neither nudged nor learned.
    sign
        The sign of beta, (presentations,), where the protocol does not fix it; or one
        for all.
    frames
        A sample is so many inputs one after another, each shown for an equal share of a
        phase.
    targets, target_frames
        The same for targets, (rows, target_frames * outputs), where the class is not
        the target; None where it is.

    Raises InputError where shapes do not fit each other.
    """

    inputs: Rows
    samples: ArrayLike
    labels: ArrayLike | None = None
    learn: ArrayLike = True
    sign: ArrayLike = 1.0
    frames: int = 1
    targets: Rows | None = None
    target_frames: int = 0

    def __post_init__(self):
        slots = np.asarray(self.samples).ravel()
        labels = np.zeros_like(slots) if self.labels is None else self.labels
        labels = np.asarray(labels).ravel()
        if labels.shape != slots.shape:
            raise InputError(
                f"{labels.size} labels for {slots.size} samples: give one a sample"
            )
        if (self.targets is None) != (self.target_frames == 0):
            raise InputError(
                "targets in time need target_frames, how many of them a phase has"
            )
        object.__setattr__(self, "samples", slots)
        object.__setattr__(self, "labels", labels)

    def presentations(self, replicas: int) -> int:
        """How many there are with so many samples each."""
        shown = np.size(self.samples) // replicas
        if shown * replicas != np.size(self.samples):
            raise InputError(
                f"{np.size(self.samples)} samples do not fill presentations of "
                f"{replicas}: repeat some"
            )
        return shown
