"""What figures of several curves share: colours, plain axes, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py

from neuro_ep.errors import InputError

# Okabe and Ito's colours: told apart by every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9")
FAINT = "#bbbbbb"


def opened(path: str | Path, wanted: Iterable[str], script: str) -> h5py.File:
    """The file for reading; InputError where it is not what the script wrote."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; run {script}")
    file = h5py.File(path, "r")
    if lacking := [name for name in wanted if name not in file]:
        file.close()
        raise InputError(f"{path} has no {', '.join(lacking)}; make the run again")
    return file


def finish(axes: Any, title: str, across: str, up: str) -> None:
    """Titles, labels, a legend where curves have names, no box."""
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    axes.set_xlabel(across, fontsize=9, parse_math=False)
    axes.set_ylabel(up, fontsize=9)
    axes.tick_params(labelsize=8)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
