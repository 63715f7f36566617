"""Memory against the length of a run, echoes beside stored trajectories: one picture.

python -m neuro_ep.analysis.rhel_memory_figure FILE FIGURE
"""

import sys
from pathlib import Path

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, finish, opened

SCRIPT = "sims/rhel_memory.py"
LABELS = {"ours": "echoes", "peer": "backpropagation through time, PyTorch"}


def read(path: str | Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By method: (steps, MiB). InputError where the file is not the simulation's."""
    with opened(path, LABELS, SCRIPT) as file:
        return {
            name: (file[name]["steps"][()], file[name]["peak_bytes"][()] / 2**20)
            for name in LABELS
        }


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: growth (memory of the longest run over that of the shortest, by method), file.
    """
    from matplotlib.figure import Figure

    curves = read(path)
    figure = Figure(figsize=(5, 3.8), dpi=160, layout="constrained")
    axes = figure.subplots()
    for (name, (steps, memory)), colour in zip(curves.items(), COLOURS, strict=False):
        axes.loglog(steps, memory, "o-", color=colour, label=LABELS[name])
    finish(axes, "most memory held, in MiB", "steps of the run", "")
    figure.savefig(picture)
    growth = {
        name: float(memory[-1] / memory[0]) for name, (_, memory) in curves.items()
    }
    return {
        **{f"growth of {LABELS[k]}": v for k, v in growth.items()},
        "file": str(picture),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    return figure_command(draw, __doc__, ("file", f"what {SCRIPT} wrote"), arguments)


if __name__ == "__main__":
    sys.exit(main())
