"""The error of dual propagation against beta and alpha: one picture.

    python -m neuro_ep.analysis.dual_propagation_figure FILE FIGURE

Relative errors are medians over random networks; a curve ends where more than half of
them do not settle. Units with a kink (ReLU) are exact or wrong by much, so for them the
share of exact networks is drawn instead.
"""

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.errors import InputError

# Okabe and Ito's colours: told apart by every kind of colour vision.
COLOURS = ("#000000", "#E69F00", "#D55E00", "#56B4E9", "#009E73", "#0072B2", "#CC79A7")
FAINT = "#bbbbbb"
PANELS = ("tanh", "sigmoid", "relu", "squared error")
RULES = ("dual propagation", "transpose")
#: Relative error below which a network counts as exact.
EXACT = 1e-9


def read(path: str | Path) -> dict:
    """beta, alpha; error {panel: {variant: (betas, networks)}}; error_of_alpha.

    InputError where the file is not that of sims/dual_propagation_error.py.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; run sims/dual_propagation_error.py")
    with h5py.File(path, "r") as file:
        wanted = ["beta", "alpha", *(f"error/{name}" for name in PANELS)]
        wanted += [f"error_of_alpha/{name}" for name in RULES]
        if lacking := [name for name in wanted if name not in file]:
            raise InputError(f"{path} has no {', '.join(lacking)}; make the run again")
        return {
            "beta": file["beta"][()],
            "alpha": file["alpha"][()],
            "error": {
                panel: {name: rows[()] for name, rows in file["error"][panel].items()}
                for panel in PANELS
            },
            "error_of_alpha": {
                name: file["error_of_alpha"][name][()] for name in RULES
            },
        }


def medians(errors: np.ndarray) -> np.ndarray:
    """Over networks; NaN where more than half of them did not settle."""
    found = np.full(len(errors), np.nan)
    settled = np.isfinite(errors).mean(axis=1) >= 0.5
    found[settled] = np.nanmedian(errors[settled], axis=1)
    return found


def exact_share(errors: np.ndarray) -> np.ndarray:
    """Of the networks; what does not settle is not exact."""
    return (np.nan_to_num(errors, nan=np.inf) < EXACT).mean(axis=1)


def order_in_beta(beta: np.ndarray, errors: np.ndarray) -> float:
    """The slope of the error on logarithmic axes, over the three smallest betas."""
    return float(np.polyfit(np.log(beta[:3]), np.log(medians(errors)[:3]), 1)[0])


def draw(path: str | Path, picture: str | Path) -> dict:
    """Draw the picture; the numbers it shows.

    Keys: order_<variant> of tanh, exact_relu (share at alpha 1/2 by beta), file.
    """
    from matplotlib.figure import Figure

    data = read(path)
    figure = Figure(figsize=(11, 6.4), dpi=160, layout="constrained")
    axes = figure.subplots(2, 3)
    _draw_errors(axes[0, 0], data, "tanh", "tanh, cross-entropy")
    _draw_errors(axes[0, 1], data, "sigmoid", "sigmoid, cross-entropy")
    _draw_exact(axes[1, 0], data)
    _draw_errors(
        axes[1, 1], data, "squared error", "tanh, squared error, alpha 0.5: slope at"
    )
    _draw_alpha(axes[0, 2], data)
    _draw_unsettled(axes[1, 2], data)
    figure.savefig(picture)
    orders = {
        f"order_{name}": order_in_beta(data["beta"], errors)
        for name, errors in data["error"]["tanh"].items()
    }
    exact = exact_share(data["error"]["relu"]["alpha 0.5"]).tolist()
    return {**orders, "exact_relu": exact, "file": str(picture)}


def _curves(data: dict, panel: str) -> list[tuple[str, str, np.ndarray]]:
    """(variant, colour, errors), in one order everywhere."""
    variants = data["error"][panel]
    names = sorted(variants, key=lambda n: ("damped" in n, "transpose" in n, n))
    return [(n, c, variants[n]) for n, c in zip(names, COLOURS, strict=False)]


def _draw_errors(axes: Any, data: dict, panel: str, title: str) -> None:
    for name, colour, errors in _curves(data, panel):
        axes.loglog(data["beta"], medians(errors), ".-", color=colour, label=name)
    _finish(axes, title, "beta", "relative error")


def _draw_exact(axes: Any, data: dict) -> None:
    for name, colour, errors in _curves(data, "relu"):
        axes.semilogx(data["beta"], exact_share(errors), ".-", color=colour, label=name)
    _finish(axes, "ReLU", "beta", "share of exact networks")


def _draw_unsettled(axes: Any, data: dict) -> None:
    for name, colour, errors in _curves(data, "relu"):
        settled = np.isfinite(errors).mean(axis=1)
        axes.semilogx(data["beta"], settled, ".-", color=colour, label=name)
    _finish(axes, "ReLU", "beta", "share of networks that settle")


def _draw_alpha(axes: Any, data: dict) -> None:
    for name, colour in zip(RULES, COLOURS[2::3], strict=False):
        errors = medians(data["error_of_alpha"][name])
        axes.semilogy(data["alpha"], errors, ".-", color=colour, label=name)
    axes.axvline(0.5, color=FAINT, linewidth=0.8)
    _finish(axes, "tanh, beta 0.1", "alpha", "relative error")


def _finish(axes: Any, title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=6, frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    source = ("file", "what sims/dual_propagation_error.py wrote")
    return figure_command(draw, __doc__, source, arguments)


if __name__ == "__main__":
    sys.exit(main())
