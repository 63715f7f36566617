"""Every step of continual EP beside backpropagation through time: one picture.

    python -m neuro_ep.analysis.gdu_figure runs/continual_ep_gdu.h5 gdu.png

Rows: real-time and discrete dynamics. Columns: five neurons and five synapses of every
layer against time (thick and pale, minus BPTT; thin and dashed, simulated), and the
mean error of every layer against beta and against the gain g (eta/beta times what the
presynaptic neurons add up to).
"""

import argparse
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.errors import InputError

# Okabe and Ito's colours: told apart by every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
INK = "#222222"
DYNAMICS = {"continuous": "real time", "discrete": "discrete time"}
KINDS = ("neurons", "synapses")


def read(path: str | Path) -> dict[str, dict]:
    """{dynamics: {"step", "curves": {(kind, name): ...}, "beta", "gain"}}.

    A curve has minus_bptt and simulated, (steps, number); "beta" and "gain" hold the
    axis and the error of every layer against it, all (points,).
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; run sims/continual_ep_gdu.py first")
    with h5py.File(path, "r") as file:
        if lacking := [name for name in DYNAMICS if name not in file]:
            raise InputError(f"{path} has no {', '.join(lacking)}; make the run again")
        return {name: _dynamics(file[name]) for name in DYNAMICS}


def _dynamics(group: h5py.Group) -> dict:
    curves = {
        (kind, name): {key: values[()] for key, values in place.items()}
        for kind in KINDS
        for name, place in sorted(group[kind].items(), key=_order)
    }
    tables = {
        axis: {
            key: values[()] for key, values in group[f"error_against_{axis}"].items()
        }
        for axis in ("beta", "gain")
    }
    return {"step": float(group.attrs["step"]), "curves": curves, **tables}


def _order(item) -> int:
    """From the input to the output, as they were recorded."""
    return int(item[1].attrs["order"])


def draw(path: str | Path, png_path: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: for each kind of dynamics the mean error at the smallest beta, and file.
    """
    from matplotlib.figure import Figure

    data = read(path)
    columns = len(data["continuous"]["curves"]) + 2
    figure = Figure(figsize=(2.6 * columns, 5.2), dpi=160, layout="constrained")
    rows = figure.subplots(len(data), columns)
    numbers: dict[str, Any] = {"file": str(png_path)}
    for axes, (dynamics, found) in zip(rows, data.items(), strict=True):
        for place, (key, curve) in zip(axes, found["curves"].items(), strict=False):
            _draw_curves(place, ": ".join(key), curve, found["step"])
        for place, axis in zip(axes[-2:], ("beta", "gain"), strict=True):
            _draw_errors(place, found[axis], axis)
        axes[0].set_ylabel(f"{DYNAMICS[dynamics]}\nupdate of a step", color=INK)
        numbers[dynamics] = _smallest(found["beta"])
    _draw_legends(rows[0])
    figure.savefig(png_path)
    return numbers


def _smallest(table: dict) -> float:
    return float(np.mean([e[0] for name, e in table.items() if name != "beta"]))


def _draw_curves(axes: Any, title: str, curve: dict, step: float):
    times = step * np.arange(len(curve["simulated"]))
    for number, colour in enumerate(COLOURS[: curve["simulated"].shape[1]]):
        truth, simulated = curve["minus_bptt"][:, number], curve["simulated"][:, number]
        axes.plot(times, truth, color=colour, linewidth=3.5, alpha=0.4)
        axes.plot(times, simulated, color=colour, linewidth=1, linestyle="--")
    axes.set_title(title.replace("_", " "), fontsize=9, color=INK)
    axes.set_xlabel("time (time constants)")
    _plain(axes)


def _draw_errors(axes: Any, table: dict, axis: str):
    names = sorted(name for name in table if name != axis)
    for name, colour in zip(names, COLOURS, strict=False):
        label = name.replace("_", " ")
        axes.loglog(table[axis], table[name], "o-", ms=3, color=colour, label=label)
    axes.loglog(table[axis], table[axis], color="#bbbbbb", linewidth=1, zorder=0)
    axes.set_xlabel({"beta": "beta", "gain": "gain g ~ eta/beta"}[axis])
    axes.set_title("relative error", fontsize=9, color=INK)
    _plain(axes)


def _plain(axes: Any):
    axes.tick_params(labelsize=8, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_legends(axes: Any):
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=INK, linewidth=3.5, alpha=0.4, label="minus BPTT"),
        Line2D([], [], color=INK, linewidth=1, linestyle="--", label="continual EP"),
    ]
    axes[0].legend(handles=lines, fontsize=7, frameon=False)
    grey = Line2D([], [], color="#bbbbbb", linewidth=1, label="error = abscissa")
    handles = [*axes[-2].get_legend_handles_labels()[0], grey]
    axes[-2].legend(handles=handles, fontsize=6, frameon=False)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("figure")
    options = parser.parse_args()
    print(draw(options.file, options.figure))


if __name__ == "__main__":
    main()
