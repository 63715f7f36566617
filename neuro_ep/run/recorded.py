"""What a network is told before a run of which something is recorded."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.presentation import LONGEST_PATH
from neuro_ep.records.probe import Track, stream

#: The name of the recorder in a network, and of what counts the recorded steps.
RECORDER = "recorder"
NOW = f"{RECORDER}.now"


def told(
    tracks: Iterable[Track], folder: Path, chosen: np.ndarray, first: int = 0
) -> dict[str, np.ndarray | float]:
    """``"recorder.variable"`` -> value for one run that writes into a folder.

    chosen
        Which presentations are recorded, (capacity,).
    first
        The number of the first recorded step: how many other runs recorded before.
    """
    numbers = [0, *(track.number for track in tracks)]
    files: dict = {
        f"{RECORDER}.file_{k}": path_bytes(stream(folder, k)) for k in numbers
    }
    shown = {f"{RECORDER}.chosen": np.asarray(chosen, np.int32), NOW: first - 1}
    return {**shown, **files}


def path_bytes(path: Path) -> np.ndarray:
    """A path as bytes of one length, which ends with zeros.

    Raises InputError for one that is too long for a compiled program.
    """
    text = os.fsencode(path.absolute())
    if len(text) >= LONGEST_PATH:
        raise InputError(f"{path}: a path of {len(text)} bytes is too long")
    return np.frombuffer(text.ljust(LONGEST_PATH, b"\0"), np.int8)
