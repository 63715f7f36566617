"""How long dyads take to settle, against depth: one picture.

    python -m neuro_ep.analysis.dual_propagation_settling_figure FILE FIGURE

Left, the error of the worst layer in time, median of the networks, one curve a depth.
Right, when it falls below 10 % and 1 % for good, beside the time in which a cascade of
2 L filters passes 99 % of a step.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, FAINT, finish, opened

SCRIPT = "sims/dual_propagation_settling.py"


def read(path: str | Path) -> dict:
    """share (shares,), step (tau), depths (L,) and by depth: error (networks, steps),
    time (networks, shares) and filters, in tau.

    InputError where the file is not that of the simulation.
    """
    with opened(path, ("L",), SCRIPT) as file:
        depths = sorted(int(name) for name in file["L"])
        groups = [file["L"][str(depth)] for depth in depths]
        return {
            "share": file.attrs["share"],
            "step": float(file.attrs["step_tau"]),
            "depths": np.array(depths),
            "error": [group["error"][()] for group in groups],
            "time": np.array([group["time_tau"][()] for group in groups]),
            "filters": np.array([group["filters_99_tau"][()] for group in groups]),
        }


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: L <depth> (median times to the shares, in tau), slope (tau a layer, to the
    smallest share), file.
    """
    from matplotlib.figure import Figure

    data = read(path)
    figure = Figure(figsize=(10, 3.8), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_errors(left, data)
    _draw_times(right, data)
    figure.savefig(picture)
    medians = np.median(data["time"], axis=1)
    found = {
        f"L {depth}": row.round(2).tolist()
        for depth, row in zip(data["depths"], medians, strict=True)
    }
    slope = float(np.polyfit(data["depths"], medians[:, -1], 1)[0])
    return {**found, "slope": slope, "file": str(picture)}


def _draw_errors(axes: Any, data: dict) -> None:
    for depth, errors, colour in zip(
        data["depths"], data["error"], COLOURS, strict=False
    ):
        times = data["step"] * np.arange(1, errors.shape[1] + 1)
        median = np.median(errors, axis=0)
        axes.semilogy(times, median, color=colour, label=f"L = {depth}")
    for share in data["share"]:
        axes.axhline(share, color=FAINT, linewidth=0.8)
    axes.set_ylim(1e-4, 2)
    finish(axes, "relative error of the worst layer", "time in tau", "")


def _draw_times(axes: Any, data: dict) -> None:
    depths, medians = data["depths"], np.median(data["time"], axis=1)
    for share, times, colour in zip(data["share"], medians.T, COLOURS, strict=False):
        axes.plot(depths, times, "o-", color=colour, label=f"to {share:.0%}")
    axes.plot(depths, data["filters"], "--", color=FAINT, label="2 L filters, 99 %")
    axes.set_ylim(bottom=0)
    finish(axes, "settling time in tau", "layers of weights L", "")


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    return figure_command(draw, __doc__, ("file", f"what {SCRIPT} wrote"), arguments)


if __name__ == "__main__":
    sys.exit(main())
