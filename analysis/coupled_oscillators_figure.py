"""Oscillators that learn to move like others: what they do, and how they learned it.

    python -m neuro_ep.analysis.coupled_oscillators_figure FILE FIGURE

A row for linear springs and one for springs that harden. Left, the read-out of the
student before and after it learned, beside the teacher's; right, the cost over steps,
of echoes, of exact gradients, and of echoes that are wrong.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, FAINT, finish, opened

SCRIPT = "sims/coupled_oscillators.py"
CASES = {"linear": "linear springs", "hardening": "springs that harden"}

#: Curve -> its style and label; the exact one on top.
READ_OUTS = {
    "before": {"color": FAINT, "label": "student before"},
    "after": {"color": COLOURS[0], "label": "student after", "linewidth": 2.5},
    "teacher": {"color": COLOURS[5], "label": "teacher", "linestyle": "--"},
}
COSTS = {
    "not turned": {"color": FAINT, "label": "momenta not turned round"},
    "replayed late": {"color": COLOURS[1], "label": "replayed one step late"},
    "echoes": {"color": COLOURS[0], "label": "echoes", "linewidth": 2.5},
    "exact": {"color": COLOURS[5], "label": "exact gradient", "linestyle": "--"},
}


def read(path: str | Path) -> dict[str, dict[str, Any]]:
    """Case -> dt, cost and read_out, each by name, (steps,).

    InputError where the file is not that of the simulation.
    """
    with opened(path, CASES, SCRIPT) as file:
        return {
            case: {
                "dt": float(file[case].attrs["dt"]),
                "cost": {name: file[case]["cost"][name][()] for name in COSTS},
                "read_out": {
                    name: file[case]["read_out"][name][()] for name in READ_OUTS
                },
            }
            for case in CASES
        }


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: by case how many times the cost fell and how far the curve of echoes is from
    the exact one at most, relatively; file.
    """
    from matplotlib.figure import Figure

    found = read(path)
    figure = Figure(figsize=(9, 5.6), dpi=160, layout="constrained")
    rows = figure.subplots(len(found), 2)
    numbers: dict[str, float | str] = {}
    for (left, right), (case, shown) in zip(rows, found.items(), strict=True):
        _draw_read_outs(left, shown, CASES[case])
        _draw_costs(right, shown["cost"])
        echoes, exact = shown["cost"]["echoes"], shown["cost"]["exact"]
        numbers[f"{case}, fall of the cost"] = float(echoes[0] / echoes[-1])
        numbers[f"{case}, from exact"] = float(np.abs(echoes / exact - 1).max())
    figure.savefig(picture)
    return {**numbers, "file": str(picture)}


def _draw_read_outs(axes: Any, shown: dict, title: str) -> None:
    for name, style in READ_OUTS.items():
        series = shown["read_out"][name]
        axes.plot(shown["dt"] * np.arange(1, len(series) + 1), series, **style)
    finish(axes, title, "time", "position of the oscillator read out")


def _draw_costs(axes: Any, costs: dict[str, np.ndarray]) -> None:
    for name, style in COSTS.items():
        axes.semilogy(np.arange(1, len(costs[name]) + 1), costs[name], **style)
    axes.set_ylim(top=5000 * costs["exact"][0])  # room for the legend
    finish(axes, "learning", "step of Adam", "cost")


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    return figure_command(draw, __doc__, ("file", f"what {SCRIPT} wrote"), arguments)


if __name__ == "__main__":
    sys.exit(main())
