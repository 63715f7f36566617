"""A run that is going on, or that died, as a recording of what there is of it.

An unfinished run.h5 is a folder run.h5.part (see neuro_ep/recording/parts.py), which is
read here and not changed.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from neuro_ep.errors import InputError
from neuro_ep.recording.bounds import DAMAGE, reason
from neuro_ep.recording.parts import (
    damage,
    epoch_files,
    image,
    part_folder,
    read_epoch,
)
from neuro_ep.recording.schema import Arrays, write_contents

#: What stopped a run that is assembled here.
UNFINISHED = "unfinished"


def finished_path(path: str | Path) -> Path:
    """Where the recording of a run is or will be, named by itself or by its parts.

    InputError for the folders "", "." and "/", beside which no parts can be.
    """
    path = Path(path)
    if not path.name:
        raise InputError(f"{path} is a folder; name a recording, such as run.h5")
    return path.with_suffix("") if path.suffix == ".part" and path.is_dir() else path


def is_unfinished(path: Path) -> bool:
    """Whether there are parts and no recording yet."""
    return not path.exists() and part_folder(path).is_dir()


def assemble(path: Path, target: Path) -> None:
    """Write what there is of the unfinished run of `path` as a recording, `target`.

    It has the whole log, and the weights of the first and the newest epoch that can be
    read. InputError where no epoch can, or the header is damaged.
    """
    part = part_folder(path)
    files = epoch_files(part)
    newest = next((k for k in reversed(files) if not damage(files[k])), None)
    if newest is None:
        raise InputError(
            f"{path} has no complete epoch yet; report it once the first one is done"
        )
    first = min(files)
    epochs = [newest] if first == newest or damage(files[first]) else [first, newest]
    log, _, state = read_epoch(files[newest])
    weights = _weights(files, epochs)
    try:
        header = _header(part)
        data = image(
            lambda file: write_contents(file, header, log, epochs, weights, state, {})
        )
    except (*DAMAGE, RecursionError) as error:
        raise InputError(
            f"{part}/header.json is damaged ({reason(error)}); make the run again"
        ) from error
    target.write_bytes(data)


def _header(part: Path) -> dict:
    header = json.loads((part / "header.json").read_bytes())
    end = {"stopped_by": UNFINISHED, "duration_s": math.nan}
    return {**header, "provenance": {**header["provenance"], **end}}


def _weights(files: dict[int, Path], epochs: list[int]) -> Iterator[Arrays]:
    for epoch in epochs:
        yield read_epoch(files[epoch])[1]
