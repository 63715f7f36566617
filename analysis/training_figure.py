"""How a network learned, and what its hidden units look for: one picture of a run.

    python -m neuro_ep.analysis.training_figure run.h5 run.png

Left, accuracy, or R2 of a regression, against epochs. Right, the weights from the input
to the hidden units that have the largest, each as a picture, on one scale centred at
zero.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.errors import InputError
from neuro_ep.messages import printable
from neuro_ep.recording import Recording, Weights, open_recording
from neuro_ep.recording.quality import QUALITIES, quality_of

# Okabe and Ito's colours: told apart by every kind of colour vision.
TEST, TRAIN = "#0072B2", "#D55E00"
INK, FAINT = "#222222", "#8a8a8a"
FORMATS = {".png": "png", ".pdf": "pdf", ".svg": "svg"}  # others are drawn as PNG
KINDS = ("test", "train")
ROWS, COLUMNS = 4, 6
FAR = 1e100  # weights beyond are not drawn
STEPS = (1, 2, 5, 10, 20, 50)  # between grid lines, in percent
LOWEST = {"accuracy": 0, "r2": -100}  # of what is drawn, in percent
# Inches: the page, the lower edge and height both halves share, a receptive field.
WIDTH, HEIGHT = 11.1, 4.5
BOTTOM, TALL = 0.66, 2.9
FIELDS_LEFT, PITCH = 6.0, TALL / ROWS


def draw(recording_path: str | Path, png_path: str | Path) -> dict:
    """Draw the picture of a recording; the numbers it shows.

    Keys: rule, task, layers, seed, epochs, test_accuracy and train_accuracy, or test_r2
    and train_r2 (the last known, fractions of 1, None where none was recorded),
    hidden_units (indices of those drawn, by falling norm of their input weights; []
    where the input is no picture), file.

    InputError when the recording cannot be read or has neither, matplotlib is
    missing, or the picture cannot be written.
    """
    figure_class = _figure_class()
    with open_recording(recording_path) as recording:
        quality, curves = _curves(recording)
        fields = _receptive_fields(recording)
        numbers = {
            "rule": recording.rule,
            "task": recording.task,
            "layers": recording.layers,
            "seed": recording.seed,
            "epochs": int(recording.training["epoch"][-1]),
            **{f"{kind}_{quality}": _last(curves.get(kind)) for kind in KINDS},
            "hidden_units": [] if fields is None else fields["units"],
            "file": str(png_path),
        }
    figure = figure_class(figsize=(WIDTH, HEIGHT), dpi=160, facecolor="white")
    _draw_title(figure, numbers)
    axes = _axes(figure, 0.78, BOTTOM, 3.75 if fields else 9.0, TALL)
    _draw_curves(axes, curves, quality)
    if fields:
        _draw_fields(figure, fields)
    _save(figure, Path(png_path))
    return numbers


def require_matplotlib() -> None:
    """InputError when it is missing, for those who will draw later."""
    _figure_class()


def _figure_class() -> Any:
    """Matplotlib's Figure, whose own canvas is Agg; pyplot's state is left alone."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            "the figure needs matplotlib; pip install neuro_ep[report]"
        ) from error
    return Figure


def _curves(
    recording: Recording,
) -> tuple[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """By what the run is judged, and {"test" or "train": (epochs, values)} where they
    are known.
    """
    quality = quality_of(recording.training) or "accuracy"
    curves = {}
    for kind in KINDS:
        column = recording.training.get(f"{kind}_{quality}", np.array([]))
        known = np.isfinite(column) & (column <= 1)
        if quality == "accuracy":
            known &= column >= 0
        if known.any():
            curves[kind] = recording.training["epoch"][known], column[known]
    if not curves:
        raise InputError(
            f"{recording.path} has neither accuracies nor R2 in its log; name a "
            "recording of a training run"
        )
    return quality, curves


def _last(curve: tuple[np.ndarray, np.ndarray] | None) -> float | None:
    return None if curve is None else float(curve[1][-1])


def _receptive_fields(recording: Recording) -> dict | None:
    """Pictures of the input weights of the hidden units with the largest norm.

    units (at most 24 indices), pictures (units, rows, columns of the input), total
    number of units, unit of the weights; None where the input is no picture.
    """
    shape = recording.dataset.get("shape", [])
    weights = _input_weights(recording, int(np.prod(shape)))
    if len(shape) != 2 or weights is None:
        return None
    final = weights.final.astype(float)
    if not (np.abs(final) < FAR).all():  # not finite, or without a norm
        return None
    order = np.argsort(-np.linalg.norm(final, axis=0), kind="stable")
    units = order[: ROWS * COLUMNS]
    return {
        "units": units.tolist(),
        "pictures": final[:, units].T.reshape(-1, *shape),
        "total": final.shape[1],
        "unit": weights.units,
    }


def _input_weights(recording: Recording, inputs: int) -> Weights | None:
    """The projection from the input to the first hidden layer."""
    hidden = (inputs, *recording.layers[1:2])
    from_input = [w for w in recording.weights.values() if w.source_pop == "input"]
    return next((weights for weights in from_input if weights.shape == hidden), None)


def _axes(figure: Any, left: float, bottom: float, width: float, tall: float) -> Any:
    """New axes at a place in inches."""
    return figure.add_axes(
        (left / WIDTH, bottom / HEIGHT, width / WIDTH, tall / HEIGHT)
    )


def _text(figure: Any, left: float, bottom: float, text: str, **style: Any) -> None:
    place = (left / WIDTH, bottom / HEIGHT)
    figure.text(*place, printable(text), parse_math=False, **style)


def _draw_title(figure: Any, numbers: dict) -> None:
    title = f"{numbers['rule']} on {numbers['task']}"
    layers = "-".join(map(str, numbers["layers"]))
    facts = f"layers {layers}   ·   seed {numbers['seed']}"
    height = HEIGHT - 0.38
    _text(figure, 0.3, height, title, fontsize=15, fontweight="bold", color=INK)
    _text(figure, WIDTH - 0.3, height, facts, fontsize=11, color=FAINT, ha="right")


def _draw_curves(axes: Any, curves: dict, quality: str) -> None:
    low = _lower_limit(curves, LOWEST[quality])
    styles = {"test": (TEST, 2.4, 3), "train": (TRAIN, 1.6, 2)}
    for kind, (epochs, accuracy) in curves.items():
        colour, width, order = styles[kind]
        shown = 100 * accuracy >= low  # a line from far below would look like a jump
        axes.plot(
            epochs[shown],
            100 * accuracy[shown],
            color=colour,
            lw=width,
            zorder=order,
            solid_joinstyle="round",
            solid_capstyle="round",
        )
    last = max(epochs[-1] for epochs, _ in curves.values())
    axes.set_xlim(0, max(last, 1))
    axes.set_ylim(low, 100)
    axes.set_yticks(np.arange(low, 101, next(s for s in STEPS if 100 - low <= 5 * s)))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch", color=INK)
    title = f"{QUALITIES[quality]} in %"
    axes.set_title(title, fontsize=10.5, color=INK, loc="left", pad=10)
    axes.grid(axis="y", color="#e6e6e6", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK, pad=6)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#bbbbbb")
    _label_ends(axes, curves, low, (100 - low) * 0.075)


def _lower_limit(curves: dict, lowest: float) -> float:
    """In percent: just below what trained epochs reach; epoch 0 is chance."""
    reached = [
        value
        for epochs, accuracy in curves.values()
        for epoch, value in zip(epochs, accuracy, strict=True)
        if epoch > 0 or len(epochs) == 1
    ]
    margin = 0.12 * (1 - min(reached))
    step = 5 if min(reached) > 0.8 else 10
    low = step * np.floor(100 * (min(reached) - margin) / step)
    return float(np.clip(low, lowest, 95))


def _label_ends(axes: Any, curves: dict, low: float, apart: float) -> None:
    """Name each curve at its end, the labels at least `apart` percent from another."""
    ends = {kind: 100 * accuracy[-1] for kind, (_, accuracy) in curves.items()}
    heights = {kind: max(end, low) for kind, end in ends.items()}
    if len(ends) == 2:
        upper, lower = sorted(ends, key=lambda kind: (-ends[kind], kind == "test"))
        missing = max(0.0, apart - (heights[upper] - heights[lower])) / 2
        heights[upper] += missing
        heights[lower] -= missing
    for kind, height in heights.items():
        axes.annotate(
            f"{kind} {ends[kind]:.1f} %",
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=TEST if kind == "test" else TRAIN,
            fontsize=12.5 if kind == "test" else 10.5,
            fontweight="bold" if kind == "test" else "normal",
            annotation_clip=False,
        )
        axes.plot(
            [curves[kind][0][-1]],
            [max(ends[kind], low)],
            "o",
            ms=5 if kind == "test" else 4,
            color=TEST if kind == "test" else TRAIN,
            clip_on=False,
            zorder=4,
        )


def _draw_fields(figure: Any, fields: dict) -> None:
    """The pictures in rows, and a slim scale beside them."""
    pictures = fields["pictures"]
    limit = float(np.quantile(np.abs(pictures), 0.995)) or 1.0
    gap = 0.06
    top = BOTTOM + TALL
    for k, picture in enumerate(pictures):
        row, column = divmod(k, COLUMNS)
        left, bottom = FIELDS_LEFT + column * PITCH, top - (row + 1) * PITCH + gap
        axes = _axes(figure, left, bottom, PITCH - gap, PITCH - gap)
        image = axes.imshow(
            picture, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
        )
        axes.set_axis_off()
    shown = len(pictures)
    title = f"input weights of {shown} of {fields['total']} hidden units"
    title += f", in {fields['unit']}" if fields["unit"] else ""
    _text(figure, FIELDS_LEFT, top + 0.14, title, fontsize=10.5, color=INK)
    rows, columns = -(-shown // COLUMNS), min(shown, COLUMNS)
    left, bottom = FIELDS_LEFT + columns * PITCH + 0.03, top - rows * PITCH + gap
    place = _axes(figure, left, bottom, 0.09, rows * PITCH - gap)
    bar = figure.colorbar(image, cax=place, ticks=[-limit, 0, limit])
    bar.ax.set_yticklabels([f"−{limit:.2g}", "0", f"+{limit:.2g}"])
    bar.ax.tick_params(length=0, labelsize=9, colors=INK)
    bar.outline.set_visible(False)


def _save(figure: Any, path: Path) -> None:
    temporary = path.with_name(path.name + ".tmp")
    try:
        figure.savefig(temporary, format=FORMATS.get(path.suffix.lower(), "png"))
        os.replace(temporary, path)
    except OSError as error:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; name another file"
        ) from error


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    source = ("recording", "a recording, such as run.h5")
    return figure_command(draw, __doc__, source, arguments)


if __name__ == "__main__":
    sys.exit(main())
