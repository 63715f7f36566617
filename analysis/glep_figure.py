"""What is held at the ends, and what nudging then measures: a table and three graphs.

    python -m neuro_ep.analysis.glep_figure runs/glep_boundary_conditions.h5 glep.png

Left: relative error of the gradient against beta, dashed without the residual of the
ends. Middle: cosine of initial values against the length of the run. Right: numbers
that an update keeps against the size of the network; a gap is where no path was found.
Below: the conditions side by side; what they keep, and their time, are those of the
smallest network.
"""

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.errors import InputError

# Okabe and Ito's colours: told apart by every kind of colour vision.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#222222")
INK, FAINT = "#222222", "#8a8a8a"
GROUPS = ("conditions", "horizon", "sizes")

#: Heading of a column -> attribute, and how it is written.
COLUMNS = {
    "condition": ("name", "{}"),
    "found": ("solved", "{}"),
    "residual of the ends": ("residual", "{}"),
    "relative\nerror": ("relative_error_total", "{:.1e}"),
    "without\nresidual": ("relative_error_without_residual", "{:.2f}"),
    "order\nin beta": ("order_in_beta", "{:.2f}"),
    "Morse\nindex": ("morse_index", "{}"),
    "numbers\nkept": ("kept", "{:.0f}"),
    "milli-\nseconds": ("milliseconds", "{:.0f}"),
    "practical": ("practical", "{}"),
}
WIDTHS = (0.1, 0.09, 0.36, 0.07, 0.07, 0.06, 0.06, 0.07, 0.06, 0.06)


def read(path: str | Path) -> dict[str, dict]:
    """{"conditions": {name: attributes, "curves"}, "horizon", "sizes": {name: array}}.

    Curves are (betas,), (durations,) and (sizes,); "stored" of "sizes" is by condition.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: no such file; run sims/glep_boundary_conditions.py first"
        )
    with h5py.File(path, "r") as file:
        if lacking := [name for name in GROUPS if name not in file]:
            raise InputError(f"{path} has no {', '.join(lacking)}; make the run again")
        conditions = {
            name: {
                **group.attrs,
                "name": name,
                "curves": _arrays(group["against_beta"]),
            }
            for name, group in file["conditions"].items()
        }
        sizes = _arrays(file["sizes"]) | {"stored": _arrays(file["sizes/stored"])}
        horizon = _arrays(file["horizon"])
        for name, condition in conditions.items():
            condition["kept"] = sizes["stored"][name][0]
            condition["milliseconds"] = 1e3 * file[f"sizes/seconds/{name}"][0]
    return {"conditions": conditions, "horizon": horizon, "sizes": sizes}


def _arrays(group: h5py.Group) -> dict[str, np.ndarray]:
    return {n: v[()] for n, v in group.items() if isinstance(v, h5py.Dataset)}


def draw(path: str | Path, png_path: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: for each condition the relative error of its check, and file.
    """
    from matplotlib.figure import Figure

    data = read(path)
    figure: Any = Figure(figsize=(11, 6.2), dpi=160, layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(3.2, 2.2))
    left, middle, right = upper.subplots(1, 3)
    names = list(data["conditions"])
    colours = dict(zip(names, COLOURS, strict=True))
    _draw_errors(left, data["conditions"], colours)
    _draw_horizon(middle, data["horizon"])
    _draw_sizes(right, data["sizes"], colours)
    _draw_table(lower.subplots(), data["conditions"], colours)
    figure.savefig(png_path)
    found = {n: float(c["relative_error_total"]) for n, c in data["conditions"].items()}
    return found | {"file": str(png_path)}


def _draw_errors(axes: Any, conditions: dict, colours: dict):
    for name, found in conditions.items():
        curves, line = found["curves"], {"color": colours[name], "linewidth": 1.2}
        betas, right = curves["beta"], curves["relative_error"]
        axes.loglog(betas, right, "o-", ms=3, label=name, **line)
        wrong = curves["relative_error_without_residual"]
        if not np.array_equal(wrong, right):
            axes.loglog(betas, wrong, "--", **line)
    axes.set_xlabel("beta")
    axes.set_title("relative error (dashed: without residual)", fontsize=9, color=INK)
    axes.legend(fontsize=7, frameon=False)
    _plain(axes)


def _draw_horizon(axes: Any, horizon: dict):
    line = {"ms": 3, "color": COLOURS[0]}
    times, wrong = horizon["duration"], horizon["cosine_without_residual"]
    axes.plot(times, horizon["cosine"], "o-", label="with residual", **line)
    axes.plot(times, wrong, "o--", label="without", **line)
    axes.axhline(0, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylim(-1.05, 1.1)
    axes.set_xlabel("duration of the run T")
    axes.set_title("glep-civp: cosine to the gradient", fontsize=9, color=INK)
    axes.set_xticks(times[4::5] if len(times) > 4 else times)
    axes.legend(fontsize=7, frameon=False, loc="lower right", handlelength=4)
    _plain(axes)


def _draw_sizes(axes: Any, sizes: dict, colours: dict):
    for name, colour in colours.items():
        axes.loglog(sizes["neurons"], sizes["stored"][name], "o-", ms=3, color=colour)
    axes.loglog(sizes["neurons"], sizes["parameters"], color=FAINT, linestyle=":")
    whole = np.nanmax([stored[-1] for stored in sizes["stored"].values()])
    for height, text, up in (
        (sizes["parameters"][-1], "parameters", -12),
        (whole, "whole paths", 4),
    ):
        axes.annotate(
            text, (sizes["neurons"][-1], height), (-6, up), fontsize=7, color=FAINT,
            textcoords="offset points", ha="right",
        )  # fmt: skip
    axes.set_xticks(sizes["neurons"], [str(n) for n in sizes["neurons"]])
    axes.minorticks_off()
    axes.set_xlabel("neurons")
    axes.set_title("numbers kept by an update", fontsize=9, color=INK)
    _plain(axes)


def _draw_table(axes: Any, conditions: dict, colours: dict):
    axes.set_axis_off()
    rows = [[_written(found, *entry) for entry in COLUMNS.values()]
            for found in conditions.values()]  # fmt: skip
    table = axes.table(
        rows, colLabels=list(COLUMNS), colWidths=WIDTHS, cellLoc="left", loc="center"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(7.5)
    for (row, column), cell in table.get_celld().items():
        cell.set_linewidth(0)
        cell.set_height(0.19 if row == 0 else 0.125)
        if row and column == 0:
            cell.get_text().set_color(colours[list(conditions)[row - 1]])


def _written(found: dict, name: str, form: str) -> str:
    """An attribute as text, nothing where a condition has none."""
    if name not in found:
        return ""
    value = found[name]
    if isinstance(value, np.bool_):
        return "yes" if value else "no"
    return form.format(value)


def _plain(axes: Any):
    axes.tick_params(labelsize=8, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    source = ("file", "what sims/glep_boundary_conditions.py wrote")
    return figure_command(draw, __doc__, source, arguments)


if __name__ == "__main__":
    sys.exit(main())
