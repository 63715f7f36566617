"""What dyads learn from a stream of digits without phases or resets: one picture.

    python -m neuro_ep.analysis.dual_propagation_stream_figure FILE FIGURE

Left, test accuracy against epochs, mean of the seeds. Right, that of every seed at the
end. Durations are those of a sample, in time constants of the neurons.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, finish, opened

SCRIPT = "sims/dual_propagation_stream.py"
#: What every run of the simulation has.
ALWAYS = "always on, 40"


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Case -> test accuracies (seeds, epochs + 1).

    InputError where the file is not that of the simulation.
    """
    with opened(path, (ALWAYS,), SCRIPT) as file:
        return {name: file[name]["test_accuracy"][()] for name in file}


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: the cases (test accuracy at the end, mean of the seeds), file.
    """
    from matplotlib.figure import Figure

    found = read(path)
    figure = Figure(figsize=(10, 3.8), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_curves(left, found)
    _draw_ends(right, found)
    figure.savefig(picture)
    ends = {name: float(rows[:, -1].mean()) for name, rows in found.items()}
    return {**ends, "file": str(picture)}


def _draw_curves(axes: Any, found: dict) -> None:
    for (name, rows), colour in zip(found.items(), COLOURS, strict=False):
        percent = 100 * rows.mean(axis=0)
        axes.plot(percent, color=colour, label=f"{name} tau")
    axes.set_ylim(100 * min(rows[:, 1:].min() for rows in found.values()) - 1, 100)
    finish(axes, "digits: test accuracy in %", "epoch", "")


def _draw_ends(axes: Any, found: dict) -> None:
    for place, (rows, colour) in enumerate(zip(found.values(), COLOURS, strict=False)):
        ends = 100 * rows[:, -1]
        axes.plot(np.full(len(ends), place), ends, "o", color=colour, alpha=0.5)
        axes.plot([place - 0.2, place + 0.2], [ends.mean()] * 2, color=colour)
    axes.set_xticks(range(len(found)), [name.replace(", ", "\n") for name in found])
    finish(axes, "at the end, by seed", "", "")


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    return figure_command(draw, __doc__, ("file", f"what {SCRIPT} wrote"), arguments)


if __name__ == "__main__":
    sys.exit(main())
