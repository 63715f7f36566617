"""Accuracy and the angle of the update against the angle of the weights: one picture.

    python -m neuro_ep.analysis.angle_figure runs/continual_vf_angle.h5 angle.png

Left axis: test accuracy where only weights into the hidden layer learn, and, faint,
where all do; right axis: the angle between the first total update of the weights into
the hidden layer and minus their gradient. Points are seeds, lines means.
The break is where accuracy, on its way from its highest to its lowest mean, is halfway.
"""

import argparse
from pathlib import Path

import h5py
import numpy as np

from neuro_ep.errors import InputError

# Okabe and Ito's colours: told apart by every kind of colour vision.
ACCURACY, ANGLE, FAINT = "#0072B2", "#D55E00", "#8a8a8a"

HIDDEN, ALL, TURNED = "test_accuracy_hidden", "test_accuracy_all", "update_angle_hidden"
NAMES = ("weight_angle", HIDDEN, ALL, TURNED)


def read(path: str | Path) -> dict[str, np.ndarray]:
    """weight_angle (points,); all other names of NAMES (points, seeds)."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; run sims/continual_vf_angle.py first")
    with h5py.File(path, "r") as file:
        if lacking := [name for name in NAMES if name not in file]:
            raise InputError(f"{path} has no {', '.join(lacking)}; make the run again")
        return {name: file[name][()] for name in NAMES}


def where_passed(weights: np.ndarray, means: np.ndarray, level: float) -> float | None:
    """The weight angle at which means first pass a level, on a line between points."""
    above = means > level
    changes = np.flatnonzero(above[1:] != above[:-1])
    if not changes.size:
        return None
    k = changes[0]
    share = (level - means[k]) / (means[k + 1] - means[k])
    return float(weights[k] + share * (weights[k + 1] - weights[k]))


def draw(path: str | Path, png_path: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: break_angle, the weight angle where accuracy is halfway, and passes_90, where
    the update passes 90 degrees; None where they do not; file.
    """
    from matplotlib.figure import Figure

    data = read(path)
    weights, means = data["weight_angle"], data[HIDDEN].mean(axis=1)
    turned = data[TURNED].mean(axis=1)
    lost = where_passed(weights, means, (means.max() + means.min()) / 2)
    figure = Figure(figsize=(6.4, 4), dpi=160, layout="constrained")
    left = figure.subplots()
    right = left.twinx()
    for axes, name, colour, factor, alpha in (
        (left, ALL, ACCURACY, 100, 0.3),
        (left, HIDDEN, ACCURACY, 100, 1),
        (right, TURNED, ANGLE, 1, 1),
    ):
        values = factor * data[name]
        axes.plot(weights, values, ".", color=colour, alpha=alpha / 2)
        axes.plot(weights, values.mean(axis=1), color=colour, alpha=alpha)
        axes.tick_params(axis="y", colors=colour)
    left.set_xlabel("angle between forward and backward weights (deg)")
    left.set_ylabel("test accuracy (%)", color=ACCURACY)
    left.set_ylim(0, 100)
    left.set_xticks(np.arange(0, 181, 45))
    right.set_ylabel("angle of hidden update and gradient (deg)", color=ANGLE)
    right.set_ylim(0, 180)
    right.axhline(90, color=FAINT, linewidth=0.8, linestyle=":")
    if lost is not None:
        left.axvline(lost, color=FAINT, linewidth=0.8)
        left.text(lost, 3, f"break at {lost:.0f} deg ", color=FAINT, ha="right")
    figure.savefig(png_path)
    return {
        "break_angle": lost,
        "passes_90": where_passed(weights, turned, 90),
        "file": str(png_path),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("figure")
    options = parser.parse_args()
    print(draw(options.file, options.figure))


if __name__ == "__main__":
    main()
