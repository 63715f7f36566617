"""The parts of an unfinished run: a folder, a header and one file per epoch.

Files appear by renaming, so that what has a final name is whole.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from neuro_ep.recording.bounds import DAMAGE, expect, reason, refuse_unbounded, text
from neuro_ep.recording.checksum import broken_seal, seal_in_place, sealed
from neuro_ep.recording.schema import Arrays, read_arrays, write_arrays
from neuro_ep.records.text import parse

#: Names of files that hold an epoch.
EPOCH = re.compile(r"epoch_[0-9]{6,18}\.h5")


def part_folder(path: Path) -> Path:
    """Where the unfinished run of `path` lives."""
    return path.with_name(path.name + ".part")


def write_header(part: Path, header: dict) -> None:
    write_atomically(part / "header.json", json.dumps(header, indent=1).encode())


def epoch_files(part: Path) -> dict[int, Path]:
    """The epochs in a folder of parts, in order."""
    files = [file for file in part.glob("epoch_*.h5") if EPOCH.fullmatch(file.name)]
    return dict(sorted((int(file.stem[6:]), file) for file in files))


def epoch_name(epoch: int) -> str:
    return f"epoch_{epoch:06d}.h5"


def write_epoch(
    file: h5py.File, log: list, weights: Arrays, state: Arrays, tested: Arrays
) -> None:
    file["log"] = json.dumps(log)
    write_arrays(file.create_group("weights"), weights)
    write_arrays(file.create_group("state"), state)
    write_arrays(file.create_group("tested"), tested)


def read_tested(path: Path) -> Arrays:
    """What an epoch, found whole by `damage`, says of samples that test; {} if old."""
    with h5py.File(path, "r") as file:
        return read_arrays(file["tested"]) if "tested" in file else {}


def read_epoch(path: Path) -> tuple[list[dict], Arrays, Arrays]:
    """The log, the weights and the state; one of DAMAGE where they cannot be read."""
    if broken := broken_seal(path):
        raise ValueError(broken)
    with h5py.File(path, "r") as file:
        refuse_unbounded(file, path.stat().st_size)
        log = parse(text(file, "log"), "its log")
        _refuse_log(log, int(path.stem[6:]))
        return log, read_arrays(file["weights"]), read_arrays(file["state"])


def read_weights(path: Path) -> Arrays:
    """The weights of an epoch whose file has been found whole, by `damage`."""
    with h5py.File(path, "r") as file:
        return read_arrays(file["weights"])


def _refuse_log(log: Any, last: int) -> None:
    """ValueError for a log that is none of an epoch."""
    rows = expect(log, list, "its log")
    epochs = [expect(row, dict, "a row of its log").get("epoch") for row in rows]
    whole = all(type(epoch) is int for epoch in epochs)
    if not whole or epochs != sorted(set(epochs)) or epochs[-1:] != [last]:
        raise ValueError("its log has no epochs, or others")


def damage(path: Path) -> str:
    """What is wrong with an epoch's file, "" when it can be read."""
    try:
        read_epoch(path)
    except DAMAGE as error:
        return reason(error)
    return ""


def image(fill: Callable[[h5py.File], None]) -> bytes:
    """The bytes of the HDF5 file that `fill` writes, with their seal in front.

    In memory, because HDF5 does not report a disk that fills up while it closes a
    file, and crashes later: Python's own write does report it.
    """
    with h5py.File("recording", "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        return sealed(file.id.get_file_image())


def write_atomically(
    path: Path,
    data: bytes,
    temporary: Path | None = None,
    more: Callable[[h5py.File], None] | None = None,
) -> None:
    """Write a file that is whole or absent, whatever happens meanwhile.

    more
        Adds to a recording what is too large for the memory.
    """
    temporary = temporary or path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        if more is not None:
            with h5py.File(temporary, "r+") as grown:
                more(grown)
            seal_in_place(temporary)
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in the folder outlast a power cut; Windows cannot be asked to."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
