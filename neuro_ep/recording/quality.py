"""By what a run is judged: the accuracy of classes, or R2 where it is a regression."""

from __future__ import annotations

from collections.abc import Collection, Mapping

#: Quantity of the log, after ``test_`` or ``train_`` -> how it is called.
QUALITIES = {"accuracy": "accuracy", "r2": "R2"}


def quality_of(names: Collection[str]) -> str | None:
    """The quantity that a row or a log with these names is judged by, if any.

    >>> quality_of({"epoch": 1, "test_r2": 0.5})
    'r2'
    """
    found = (
        quality
        for quality in QUALITIES
        if {f"test_{quality}", f"train_{quality}"} & set(names)
    )
    return next(found, None)


def told(row: Mapping[str, float], kind: str) -> str:
    """What a row says of the "test" or the "train" samples, in words."""
    quality = quality_of(row) or "accuracy"
    return f"{kind} {QUALITIES[quality]} {row[f'{kind}_{quality}']:.4f}"
