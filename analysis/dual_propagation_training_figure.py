"""Dual propagation beside backpropagation while they learn digits: one picture.

    python -m neuro_ep.analysis.dual_propagation_training_figure FILE FIGURE

Left, test accuracy against epochs, mean of the seeds, with the range of all. Right, the
angle between updates and minus the gradient, by projection, mean of the seeds.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, finish, opened

SCRIPT = "sims/dual_propagation_training.py"
PEER = "backpropagation"
LEARNERS = ("closed form", "continuous time")


def read(path: str | Path) -> dict:
    """test_accuracy {learner: (seeds, epochs + 1)}; angle {learner: {projection:
    (seeds, recorded epochs), in degrees}}; angle_epoch (recorded epochs,).

    InputError where the file is not that of the simulation.
    """
    with opened(path, (*LEARNERS, PEER), SCRIPT) as file:
        return {
            "test_accuracy": {
                name: file[name]["test_accuracy"][()] for name in (*LEARNERS, PEER)
            },
            "angle": {
                name: {key: rows[()] for key, rows in file[name]["angle"].items()}
                for name in LEARNERS
            },
            "angle_epoch": file[LEARNERS[0]]["angle_epoch"][()],
        }


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: the learners (test accuracy at the end, mean of the seeds), angle_<learner>
    (the largest of any projection, seed and epoch, in degrees), file.
    """
    from matplotlib.figure import Figure

    data = read(path)
    figure = Figure(figsize=(10, 3.8), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_accuracies(left, data)
    _draw_angles(right, data)
    figure.savefig(picture)
    ends = {n: float(rows[:, -1].mean()) for n, rows in data["test_accuracy"].items()}
    angles = {
        f"angle_{name}": float(max(rows.max() for rows in found.values()))
        for name, found in data["angle"].items()
    }
    return {**ends, **angles, "file": str(picture)}


def _draw_accuracies(axes: Any, data: dict) -> None:
    lowest = 1.0
    for (name, rows), colour in zip(
        data["test_accuracy"].items(), COLOURS, strict=False
    ):
        epochs, percent = np.arange(rows.shape[1]), 100 * rows
        label = f"{name}  {percent[:, -1].mean():.1f} %"
        axes.plot(epochs, percent.mean(axis=0), color=colour, label=label)
        axes.fill_between(
            epochs, percent.min(0), percent.max(0), color=colour, alpha=0.1
        )
        lowest = min(lowest, rows[:, 1:].min())
    axes.set_ylim(100 * lowest - 1, 100)
    finish(axes, "digits: test accuracy in %", "epoch", "")


def _draw_angles(axes: Any, data: dict) -> None:
    for name, style in zip(LEARNERS, ("-", "--"), strict=True):
        for (projection, rows), colour in zip(
            data["angle"][name].items(), COLOURS[3:], strict=False
        ):
            label = f"{projection.replace('_', ' ')}, {name}"
            axes.plot(data["angle_epoch"], rows.mean(axis=0), style, color=colour,
                      label=label)  # fmt: skip
    axes.set_ylim(bottom=0)
    finish(axes, "angle to the gradient in degrees", "epoch", "")


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    return figure_command(draw, __doc__, ("file", f"what {SCRIPT} wrote"), arguments)


if __name__ == "__main__":
    sys.exit(main())
