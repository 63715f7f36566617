"""What one sample does to a network: traces with their phases shaded, and spikes.

Drawn by ``traces.plot()`` of what :meth:`neuro_ep.load_network` presents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuro_ep.analysis.plain_axes import COLOURS, finish

#: Phases that nudge are shaded by the sign of beta.
SHADES = {1: "#f6e2d3", 0: "none", -1: "#d9e8f3"}

#: A unit in words -> what it is multiplied by, and how it is then called.
READABLE = {"V": (1e3, "mV"), "s": (1e3, "ms"), "A": (1e9, "nA")}

MILLISECONDS = 1e3

Phases = Sequence[tuple[str, float, float, float]]


def draw_sample(
    traces: Mapping[str, tuple[np.ndarray, np.ndarray]],
    units: Mapping[str, str],
    spikes: Mapping[str, tuple[np.ndarray, np.ndarray]],
    phases: Phases,
) -> np.ndarray:
    """Draw a panel for every trace and every raster; the axes, from the top.

    traces
        Name -> times (times,) in seconds and values (times, units), NaN where none.
    units
        Name -> unit of the values, as Brian2 writes it.
    spikes
        Name -> times in seconds and numbers of neurons.
    phases
        (name, begin, end, beta), in seconds.
    """
    import matplotlib.pyplot as plt

    count = len(traces) + len(spikes)
    figure = plt.figure(figsize=(7, 1 + 1.5 * count), layout="constrained")
    column = figure.subplots(count, 1, squeeze=False, sharex=True)[:, 0]
    for panel, (name, (times, values)) in zip(column, traces.items(), strict=False):
        factor, unit = READABLE.get(units[name], (1, units[name]))
        for k, values_of_one in enumerate(factor * values.T):
            colour = COLOURS[k % len(COLOURS)]
            panel.plot(MILLISECONDS * times, values_of_one, color=colour, linewidth=1)
        finish(panel, name, "", unit)
    for panel, (name, (times, neurons)) in zip(
        column[len(traces) :], spikes.items(), strict=True
    ):
        panel.plot(MILLISECONDS * times, neurons, "|", color=COLOURS[0], markersize=5)
        finish(panel, f"spikes of {name}", "", "neuron")
    for panel in column:
        _shade(panel, phases)
    column[-1].set_xlabel("time (ms)", fontsize=9)
    _name(column[0], phases)
    return column


def _shade(panel: Any, phases: Phases) -> None:
    for _, begin, end, beta in phases:
        colour = SHADES[int(np.sign(beta))]
        ends = MILLISECONDS * begin, MILLISECONDS * end
        panel.axvspan(*ends, facecolor=colour, edgecolor="none", zorder=0)


def _name(panel: Any, phases: Phases) -> None:
    """The names of the phases, above the first panel."""
    for name, begin, end, _ in phases:
        middle = MILLISECONDS * (begin + end) / 2
        where = {"ha": "center", "va": "bottom", "color": "#666666", "fontsize": 8}
        panel.text(middle, 1.01, name, transform=panel.get_xaxis_transform(), **where)
