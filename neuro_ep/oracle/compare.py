"""How far an estimate is from the truth: relative error, cosine, and order.

Written once, for everything that compares gradients. Both sides are an array, a list of
arrays, or arrays by name (a parameter class, a projection, a layer); everything is
computed in float64. Arrays by name are compared over the names that are given, or else
over all that both sides have: together in :func:`relative_error` and :func:`cosine`,
one by one in :func:`relative_errors` and :func:`cosines`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

#: What can be compared.
Values = np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]


def relative_error(
    found: Values, truth: Values, names: Iterable[str] | None = None
) -> float:
    """The norm of the difference over the norm of the truth.

    Raises ValueError where both sides have no name in common.
    """
    one, other = _pair(found, truth, names)
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def cosine(found: Values, truth: Values, names: Iterable[str] | None = None) -> float:
    """The cosine of the angle between both.

    Raises ValueError where both sides have no name in common.
    """
    one, other = _pair(found, truth, names)
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def relative_errors(
    found: Mapping, truth: Mapping, names: Iterable[str] | None = None
) -> dict[str, float]:
    """The relative error of every name."""
    names = _common(found, truth, names)
    return {name: relative_error(found[name], truth[name]) for name in names}


def cosines(
    found: Mapping, truth: Mapping, names: Iterable[str] | None = None
) -> dict[str, float]:
    """The cosine of every name."""
    names = _common(found, truth, names)
    return {name: cosine(found[name], truth[name]) for name in names}


def order(steps: Sequence[float], errors: Sequence[float]) -> float:
    """The exponent p of error = c step**p, fitted in logarithms."""
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def size(values: Values, names: Iterable[str] | None = None) -> float:
    """The norm of all of it together."""
    return float(np.linalg.norm(flat(values, names)))


def flat(values: Values, names: Iterable[str] | None = None) -> np.ndarray:
    """All of it as one vector of float64, in the order of the names."""
    if isinstance(values, Mapping):
        values = [values[name] for name in (values if names is None else names)]
    if isinstance(values, np.ndarray):
        return np.ravel(values).astype(float)
    return np.concatenate([np.ravel(value) for value in values]).astype(float)


def _pair(found, truth, names) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(truth, Mapping):
        names = _common(found, truth, names)
    return flat(found, names), flat(truth, names)


def _common(found: Mapping, truth: Mapping, names) -> list[str]:
    if names is None:
        names = [name for name in truth if name in found]
    if not list(names):
        raise ValueError(f"nothing to compare: {list(found)} and {list(truth)}")
    return list(names)
