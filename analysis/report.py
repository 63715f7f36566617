"""One recording as one page: what was run, what came of it, and how it was made.

    python -m neuro_ep.analysis.report run.h5 run.html

The page is one file that loads nothing: its style and its pictures are in it. Of an
unfinished run, named as run.h5 or run.h5.part, it shows what there is.
"""

import base64
import hashlib
import io
import json
import math
import shlex
import sys
from html import escape
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from neuro_ep.analysis import training_figure
from neuro_ep.analysis.figure_command import figure_command
from neuro_ep.analysis.plain_axes import COLOURS, FAINT, finish
from neuro_ep.analysis.unfinished_run import (
    UNFINISHED,
    assemble,
    finished_path,
    is_unfinished,
)
from neuro_ep.errors import InputError
from neuro_ep.recording import Recording, Weights, open_recording
from neuro_ep.recording.bounds import damage_told
from neuro_ep.recording.parts import write_atomically
from neuro_ep.recording.quality import QUALITIES, quality_of

SUFFIXES = (".html", ".htm")
QUANTITIES = {**QUALITIES, "cost": "cost"}
#: Kind of a quantity -> the style of its curve.
KINDS = {
    "test": {"color": training_figure.TEST, "linewidth": 2.4},
    "train": {"color": training_figure.TRAIN, "linewidth": 1.6},
}
COLUMNS, PANELS = 4, 40  # of histograms
BINS = 41
FAR, LARGEST = 1e300, 1e30  # weights beyond are drawn there; a cost beyond is not

#: Key of the provenance -> what the page calls it; other keys are shown as they are.
WORDS = {
    "created": "begun",
    "argv": "command line",
    "packages": "versions",
    "cxxflags": "compiler flags",
    "git_dirty": "uncommitted changes",
    "duration_s": "wall time in s",
}
#: Keys of the provenance that are shown elsewhere on the page, or twice in it.
ELSEWHERE = ("source", "stopped_by", "brian2_version")

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; background: #ffffff;
       color: #222222; font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.8rem; }
h2 { margin: 2rem 0 0.5rem; font-size: 1.15rem; }
.facts, .source { color: #5c5c5c; }
.notice { border-left: 0.3rem solid #D55E00; padding: 0.4rem 0.8rem;
          background: #fdf3ec; }
figure { margin: 1rem 0; }
figure.half { display: inline-block; width: 29rem; max-width: 100%; }
img { max-width: 100%; height: auto; }
.settings { columns: 18rem; }
table { border-collapse: collapse; }
th, td { padding: 0.15rem 1.2rem 0.15rem 0; border-bottom: 1px solid #e6e6e6;
         text-align: left; vertical-align: top; font-weight: normal; }
th { color: #5c5c5c; white-space: nowrap; }
td { overflow-wrap: anywhere; }
details { margin-top: 1.5rem; }
summary { cursor: pointer; font-weight: bold; font-size: 1.15rem; }
pre { overflow-x: auto; font-size: 0.85rem; }
@media print {
  body { margin: 0; max-width: none; font-size: 10pt; }
  figure, tr { break-inside: avoid; }
  pre { white-space: pre-wrap; }
}
</style>
</head>
<body>
<h1>$title</h1>
<p class="facts">$facts</p>
$notice
<p class="source">$source</p>
<h2>Result</h2>
$result
<h2>Learning</h2>
$learning
<h2>Weights</h2>
$weights
<h2>Settings</h2>
<div class="settings">$settings</div>
<details><summary>Equations</summary>
$equations
</details>
<details><summary>How it was made</summary>
$made
</details>
</body>
</html>
""")


def write(recording_path: str | Path, page_path: str | Path | None = None) -> dict:
    """Write the page of a recording; the numbers it shows.

    Without a `page_path` it stands beside the recording, run.html for run.h5. A page
    that is there is replaced. Keys: epochs (done), test_accuracy and train_accuracy, or
    test_r2 and train_r2 (the last known, None where none was recorded), path.

    InputError when the recording cannot be read, matplotlib is missing, or the page
    cannot be written.
    """
    training_figure.require_matplotlib()
    recorded = finished_path(recording_path)
    with TemporaryDirectory() as scratch:
        source = recorded
        if is_unfinished(recorded):
            source = Path(scratch) / "run.h5"
            assemble(recorded, source)
        with open_recording(source) as recording, damage_told(recorded):
            path = _page_path(recorded, page_path)
            with np.errstate(all="ignore"):
                text = _page(recording, recorded)
            quality = quality_of(recording.training) or "accuracy"
            names = [f"{kind}_{quality}" for kind in KINDS]
            numbers: dict[str, Any] = {name: _last(recording, name) for name in names}
            numbers["epochs"] = int(recording.training["epoch"][-1])
            numbers["path"] = str(path)
    try:
        write_atomically(path, text.encode(errors="replace"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; name another page"
        ) from error
    return numbers


def _page_path(recorded: Path, page_path: str | Path | None) -> Path:
    """Where the page goes, refused before anything is drawn; never a recording."""
    path = recorded.with_suffix(".html") if page_path is None else Path(page_path)
    if path.suffix.lower() not in SUFFIXES or path.is_dir():
        raise InputError(f"{path}: name a .html file for the page")
    if not path.parent.is_dir():
        raise InputError(
            f"{path}: there is no folder {path.parent}; make it, or name another page"
        )
    return path


def _page(recording: Recording, recorded: Path) -> str:
    """The page of an open recording; `recorded` is where the run is or will be."""
    found = recording.provenance
    layers = "-".join(map(str, recording.layers))
    facts = [f"seed {recording.seed}", f"layers {layers}", found.get("created", "")]
    sources = [found.get("source", ""), recording.dataset.get("source", "")]
    return PAGE.substitute(
        title=escape(f"{recording.rule} on {recording.task}"),
        facts=escape(" · ".join(filter(None, facts))),
        notice=_notice(recording, recorded),
        source="<br>".join(escape(text) for text in sources if text),
        result=_table(_result(recording)),
        learning=_learning(recording),
        weights=_image(_histograms(recording), _about_histograms(recording)),
        settings=_table(_settings(recording)),
        equations="\n".join(
            f"<p>{escape(group)}</p><pre>{escape(text)}</pre>"
            for group, text in recording.equations.items()
        ),
        made=_table(_made(recording, recorded)),
    )


def _table(rows: dict[str, str]) -> str:
    """Rows of a name and a text, both as they are, without markup."""
    lines = (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows.items()
    )
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _notice(recording: Recording, recorded: Path) -> str:
    """What is to be known of a run that did not come to its planned end, or ""."""
    stopped_by = recording.provenance["stopped_by"]
    if stopped_by == "epochs":
        return ""
    done = f"{_done(recording)} epochs are done"
    text = f"Stopped by {stopped_by}: {done}."
    if stopped_by == UNFINISHED:
        text = f"This run is unfinished: {done}. The same command with "
        text += f"--out {shlex.quote(str(recorded))} --resume goes on with it."
    return f'<p class="notice">{escape(text)}</p>'


def _done(recording: Recording) -> str:
    return f"{recording.training['epoch'][-1]} of {recording.epochs}"


def _known(recording: Recording, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(epochs, values) of a quantity where it was recorded; both may be empty."""
    epochs = recording.training["epoch"]
    column = recording.training.get(name, np.full(len(epochs), math.nan))
    lowest = -LARGEST if name.endswith("_r2") else 0
    highest = 1 if name.endswith(("_accuracy", "_r2")) else LARGEST
    known = (column >= lowest) & (column <= highest)
    return epochs[known], column[known]


def _last(recording: Recording, name: str) -> float | None:
    values = _known(recording, name)[1]
    return float(values[-1]) if values.size else None


def _result(recording: Recording) -> dict[str, str]:
    """The last values, of qualities the best as well, and the time of all epochs."""
    rows = {}
    for quantity, called in QUANTITIES.items():
        form = ".2%" if quantity == "accuracy" else ".4g"
        for kind in KINDS:
            values = _known(recording, f"{kind}_{quantity}")[1]
            if values.size:
                best = f" (best {values.max():{form}})" if quantity in QUALITIES else ""
                rows[f"{kind} {called}"] = f"{values[-1]:{form}}{best}"
    rows["epochs"] = _done(recording)
    seconds = _known(recording, "wall_s")[1]
    if seconds.size:
        rows["time of the epochs"] = f"{seconds.sum():.1f} s"
    return rows


def _settings(recording: Recording) -> dict[str, str]:
    rows = {}
    for name, item in recording.parameters.items():
        unit = "" if item["unit"] == "1" else item["unit"]
        rows[name] = f"{_plain(item['value']) or 'none'} {unit}".rstrip()
    return rows


def _plain(value: Any) -> str:
    """A value of JSON as people write it."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item)
    if isinstance(value, list):
        flat = not any(isinstance(item, list | dict) for item in value)
        return ", ".join(map(str, value)) if flat else json.dumps(value)
    return str(value)


def _made(recording: Recording, recorded: Path) -> dict[str, str]:
    """Where the run came from, and the hash by which its file is known."""
    rows = {"recording": str(recorded), "format": recording.format_version}
    if recording.provenance["stopped_by"] != UNFINISHED:
        with open(recorded, "rb") as file:
            rows["SHA-256"] = hashlib.file_digest(file, "sha256").hexdigest()
    for key, value in recording.provenance.items():
        text = shlex.join(map(str, value)) if key == "argv" else _plain(value)
        if key == "resumed":
            text = ", ".join(item["created"] for item in value)
        if text not in ("", "nan") and key not in ELSEWHERE:
            rows[WORDS.get(key, key.replace("_", " "))] = text
    return rows


# --- pictures ---


def _learning(recording: Recording) -> str:
    """Accuracy or R2, and cost; with receptive fields as training_figure has them."""
    pictures = []
    for quantity, called in QUANTITIES.items():
        curves = {kind: _known(recording, f"{kind}_{quantity}") for kind in KINDS}
        if not any(values.size for _, values in curves.values()):
            continue
        about = f"{called} by epoch"
        if quantity in QUALITIES and _sees_pictures(recording):
            about += "; input weights of hidden units as pictures"
            pictures.append(_image(_training_picture(recording.path), about))
        else:
            pictures.append(_image(_curves_picture(curves, called), about, "half"))
    return "\n".join(pictures) or "<p>No accuracy and no cost was recorded.</p>"


def _sees_pictures(recording: Recording) -> bool:
    """Whether some units see a whole sample, a picture, at once."""
    shape = recording.dataset.get("shape", [])
    pixels = math.prod(shape)
    return len(shape) == 2 and any(
        weights.source_pop == "input" and weights.shape[0] == pixels
        for weights in recording.weights.values()
    )


def _training_picture(path: Path) -> bytes:
    with TemporaryDirectory() as scratch:
        picture = Path(scratch) / "training.png"
        training_figure.draw(path, picture)
        return picture.read_bytes()


def _curves_picture(curves: dict[str, tuple], called: str) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.2), dpi=160, layout="constrained")
    axes = figure.subplots()
    for kind, (epochs, values) in curves.items():
        if values.size:
            axes.plot(epochs, values, label=kind, marker=".", **KINDS[kind])
    axes.locator_params(axis="x", integer=True)
    low = min(values.min() for _, values in curves.values() if values.size)
    axes.set_ylim(bottom=max(-1, min(0, low)))
    finish(axes, called, "epoch", "")
    return _png(figure)


def _about_histograms(recording: Recording) -> str:
    left = f": the first {PANELS} of {len(recording.weights)} projections"
    return "Histograms of weights" + left * (len(recording.weights) > PANELS)


def _histograms(recording: Recording) -> bytes:
    """One panel a projection: its weights before training and at the end."""
    from matplotlib.figure import Figure

    shown = dict(list(recording.weights.items())[:PANELS])
    rows = max(1, -(-len(shown) // COLUMNS))
    figure = Figure(figsize=(11.1, 2.5 * rows), dpi=110, layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (name, weights) in zip(panels, shown.items(), strict=False):
        _draw_histogram(axes, name, weights)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    return _png(figure)


def _draw_histogram(axes: Any, name: str, weights: Weights) -> None:
    """Of the first and the last snapshot, on the same bins."""
    values = {weights.epochs[0]: weights.initial, weights.epochs[-1]: weights.final}
    finite = {k: array[np.isfinite(array)].astype(float) for k, array in values.items()}
    edges = _edges(np.concatenate(list(finite.values())))
    colours = (FAINT, COLOURS[0])[-len(finite) :]
    for (epoch, array), colour in zip(finite.items(), colours, strict=True):
        counts = np.histogram(array, edges)[0]
        axes.stairs(counts, edges, color=colour, label=f"epoch {epoch}", linewidth=1.5)
    title = f"{name}, {' x '.join(map(str, weights.shape))}"
    lost = weights.final.size - array.size
    unit = f"weight in {weights.units}" if weights.units not in ("", "1") else "weight"
    axes.locator_params(axis="x", nbins=4)
    finish(axes, title, f"{unit}; {lost} not finite" if lost else unit, "")


def _edges(values: np.ndarray) -> np.ndarray:
    """Bins over all values, and a little more: they may all be the same."""
    if not values.size:
        return np.linspace(-1, 1, BINS + 1)
    values = np.clip(values, -FAR, FAR)
    margin = 0.02 * float(np.abs(values).max()) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, BINS + 1)


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def _image(png: bytes, about: str, width: str = "whole") -> str:
    """A picture that is part of the page; `width` is "whole" or "half" of it."""
    data = base64.b64encode(png).decode()
    about = escape(about.capitalize())
    image = f'<img alt="{about}" src="data:image/png;base64,{data}">'
    return f'<figure class="{width}">{image}</figure>'


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    source = ("recording", "a recording, such as run.h5")
    return figure_command(write, __doc__, source, arguments)


if __name__ == "__main__":
    sys.exit(main())
