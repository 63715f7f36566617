"""How time and memory grow with a network: one picture of the benchmark "scaling".

    neuro-ep bench scaling --json > scaling.json
    python -m neuro_ep.analysis.scaling_figure scaling.json scaling.png

Left, the time of a step against the number of synapses and the memory beside it, for
growing width; right, the same against the number of replicas. Both axes logarithmic;
the thin line is proportional growth.
"""

import json
import sys
from pathlib import Path
from typing import Any

from neuro_ep.analysis import training_figure
from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.errors import InputError

TIME, MEMORY, FAINT = "#0072B2", "#D55E00", "#8a8a8a"


def draw(json_path: str | Path, picture_path: str | Path) -> dict:
    """Draw the picture; the numbers it shows: growth, memory_ratio and file.

    InputError when the file is not of this benchmark or the picture cannot be written.
    """
    training_figure.require_matplotlib()
    from matplotlib.figure import Figure

    result = _result(Path(json_path))
    figure = Figure(figsize=(10, 4), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    by_width, by_replicas = _series(result["rows"])
    _draw(left, by_width, "synapses", "synapses, growing width")
    _draw(right, by_replicas, "replicas", "replicas")
    left.legend(frameon=False)
    try:
        figure.savefig(picture_path)
    except (OSError, ValueError) as error:
        raise InputError(f"{picture_path} cannot be written: {error}") from error
    numbers = {key: result[key] for key in ("growth", "memory_ratio")}
    return {**numbers, "file": str(picture_path)}


def _result(path: Path) -> dict:
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(result, dict) or not result.get("rows"):
        raise InputError(f"{path}: no rows; make it with neuro-ep bench scaling --json")
    return result


def _series(rows: list[dict]) -> tuple[list[dict], list[dict]]:
    """Rows that differ in width, those that differ in replicas: the larger share."""
    series = []
    for fixed, along in (("replicas", "width"), ("width", "replicas")):
        values = [row[fixed] for row in rows]
        common = max(values, key=values.count)
        chosen = [row for row in rows if row[fixed] == common]
        series.append(sorted(chosen, key=lambda row: row[along]))
    return series[0], series[1]


def _draw(axes: Any, rows: list[dict], along: str, label: str) -> None:
    x = [row[along] for row in rows]
    time = [row["us_per_step"] for row in rows]
    memory = [row["peak_bytes"] / 1e6 for row in rows]
    axes.loglog(x, time, "o-", color=TIME, label="time of a step in µs")
    axes.loglog(x, memory, "s-", color=MEMORY, label="peak memory in MB")
    axes.loglog(x, [time[-1] * k / x[-1] for k in x], color=FAINT, lw=0.8)
    axes.set_xlabel(label)
    axes.grid(color="#e6e6e6", lw=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    source = ("result", "what neuro-ep bench scaling --json printed")
    return figure_command(draw, __doc__, source, arguments)


if __name__ == "__main__":
    sys.exit(main())
