"""Figures and numbers from recordings; reads HDF5, imports no Brian2.

The plots for scripts of one's own are loaded at first use:

>>> from neuro_ep.analysis import learning_curves
>>> axes, reached = learning_curves(["runs/0.h5", "runs/1.h5"])
"""

from importlib import import_module
from typing import Any

#: What neuro_ep.analysis.plots shows here; matplotlib is imported at first use.
_PLOTS = (
    "confusion_matrix",
    "echo_return",
    "firing_rates",
    "learning_curves",
    "sample_traces",
    "weight_map",
)

__all__ = list(_PLOTS)


def __getattr__(name: str) -> Any:
    if name not in _PLOTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("neuro_ep.analysis.plots"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
