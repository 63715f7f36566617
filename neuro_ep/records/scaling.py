"""How columns of numbers were brought into the range that neurons take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError

#: Name -> what it makes of a column: from 0 to 1, or with mean 0 and deviation 1.
KINDS = ("minmax", "standard")

#: Mean and deviation of targets once they are scaled: output neurons of every kind
#: reach what is within 0 and 1.
MIDDLE, DEVIATION = 0.5, 0.2

#: Below this, a range has no number that it could be multiplied by.
SMALLEST = 1e-300


@dataclass(frozen=True)
class Scaling:
    """``x*factor + shift`` for every column; a column that is constant becomes 0.

    >>> Scaling((0.5,), (1.0,)).apply([[4.0]])
    array([[3.]])
    """

    factor: tuple[float, ...]
    shift: tuple[float, ...]

    def apply(self, rows: ArrayLike) -> NDArray[np.float64]:
        """The rows, (samples, columns), scaled. Raises InputError for other columns."""
        return self._checked(rows) * self.factor + self.shift

    def undo(self, rows: ArrayLike) -> NDArray[np.float64]:
        """What was scaled to these rows; what was constant stays unknown, as NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self._checked(rows) - self.shift) / self.factor

    def _checked(self, rows: ArrayLike) -> NDArray[np.float64]:
        given = np.asarray(rows, dtype=float)
        if given.ndim != 2 or given.shape[1] != len(self.factor):
            raise InputError(
                f"data of shape {given.shape}: give {len(self.factor)} columns, as in "
                "training"
            )
        return given


def fitted(kind: str, rows: NDArray) -> Scaling:
    """The scaling of a kind that these rows ask for; raises InputError for others."""
    if kind not in KINDS:
        raise InputError(f"scale = {kind!r}: choose one of {', '.join(KINDS)}, none")
    # scikit-learn takes a column of currents in amperes for a constant
    width, middle = np.ptp(rows, axis=0), rows.min(axis=0)
    if kind == "standard":
        width, middle = rows.std(axis=0), rows.mean(axis=0)
    moving = (np.ptp(rows, axis=0) > 0) & (width > SMALLEST)
    factor = np.where(moving, 1 / np.where(moving, width, 1), 0.0)
    return Scaling(tuple(factor.tolist()), tuple((-middle * factor).tolist()))


def fitted_targets(rows: NDArray) -> Scaling:
    """The scaling that brings every column to :data:`MIDDLE` and :data:`DEVIATION`."""
    standard = fitted("standard", rows)
    factor = np.multiply(standard.factor, DEVIATION)
    shift = np.multiply(standard.shift, DEVIATION) + MIDDLE
    return Scaling(tuple(factor.tolist()), tuple(shift.tolist()))
