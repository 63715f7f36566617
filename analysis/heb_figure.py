"""A machine that learns by itself: its cost from presentation to presentation.

    python -m neuro_ep.analysis.heb_figure runs/heb_self_learning.h5 heb.png

Left, XOR, right, a curve; every line is a seed, averaged over some presentations that
follow each other. Crosses at the end: with parameters held, XOR as it was learned, the
curve between the points that were learned.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, FAINT, finish, opened

SCRIPT = "sims/heb_self_learning.py"
CASES = ("xor", "xor_without_kick", "curve")

#: Averages over the course of a run, at most.
POINTS = 50


def read(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
    """Case -> cost (seeds, presentations), tested (seeds, rows).

    InputError where the file is not that of the simulation.
    """
    with opened(path, CASES, SCRIPT) as file:
        return {name: {n: v[()] for n, v in file[name].items()} for name in CASES}


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: the cases (mean cost with parameters held), solved (seeds), file.
    """
    from matplotlib.figure import Figure

    found = read(path)
    figure = Figure(figsize=(9, 3.6), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_case(left, found["xor_without_kick"], FAINT, "without the kick")
    _draw_case(left, found["xor"], COLOURS[0], "self-learning")
    finish(left, "XOR", "presentations", "cost")
    _draw_case(right, found["curve"], COLOURS[0], "")
    finish(right, "a curve", "presentations", "")
    figure.savefig(picture)
    costs = {name: float(case["tested"].mean()) for name, case in found.items()}
    return {**costs, "solved": int(found["xor"]["solved"].sum()), "file": str(picture)}


def _draw_case(axes: Any, case: dict[str, np.ndarray], colour: str, label: str) -> None:
    times, costs = averaged(case["cost"])
    names = [label or None, *[None] * (len(costs) - 1)]
    for cost, tested, name in zip(costs, case["tested"], names, strict=True):
        axes.semilogy(times, cost, color=colour, linewidth=0.9, label=name)
        axes.semilogy(1.02 * times[-1], tested.mean(), "x", color=colour, ms=4)


def averaged(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middles (n,) and averages (seeds, n) of costs (seeds, presentations)."""
    parts = np.array_split(np.arange(costs.shape[1]), min(POINTS, costs.shape[1]))
    middles = np.array([part.mean() for part in parts])
    return middles, np.stack([costs[:, part].mean(axis=1) for part in parts], axis=1)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    return figure_command(draw, __doc__, ("file", f"what {SCRIPT} wrote"), arguments)


if __name__ == "__main__":
    sys.exit(main())
