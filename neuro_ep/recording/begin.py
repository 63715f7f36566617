"""Beginning a recording, or taking up an unfinished one: all that can be refused is
refused here, before anything is computed and without a trace on the disk.
"""

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import h5py

from neuro_ep.errors import InputError
from neuro_ep.recording.agreement import refuse_different, stored_header
from neuro_ep.recording.bounds import DAMAGE
from neuro_ep.recording.lock import busy, is_held, locked
from neuro_ep.recording.origin import provenance
from neuro_ep.recording.parts import (
    damage,
    epoch_files,
    part_folder,
    read_epoch,
    write_header,
)
from neuro_ep.recording.schema import FORMAT, plain
from neuro_ep.recording.traces import from_header, refuse_no_room
from neuro_ep.recording.writer import SNAPSHOTS, RunWriter, refuse_damaged, warn

REQUIRED = ("rule", "task", "layers", "seed", "epochs", "target", "projections")
OPTIONAL = (
    *("parameters", "equations", "schedule", "provenance", "units", "dataset"),
    *("records", "recorder", "begins_from"),
)


def create(
    path: str | Path,
    header: dict,
    *,
    overwrite: bool = False,
    snapshots: int = SNAPSHOTS,
) -> RunWriter:
    """Begin a run that will become the file `path`.

    header     see neuro_ep.recording
    overwrite  delete a recording or an unfinished run that is there
    snapshots  the number of epochs, at most, that keep their weights

    InputError, and nothing changed on disk, when something is there already, the
    folder cannot be written or the disk has too little space.
    """
    path = _absolute(path)
    writer = RunWriter(path, _checked(header), snapshots)
    with _refusals(path):
        _refuse_existing(path, overwrite)
        _check_space(writer)
        with _held(writer):
            _refuse_existing(path, overwrite, begun=True)
            if overwrite:
                # In this order: parts without a recording would be an unfinished run.
                _empty(writer.part)
                path.unlink(missing_ok=True)
            write_header(writer.part, writer.header)
    return writer


def resume(path: str | Path, header: dict, *, snapshots: int = SNAPSHOTS) -> RunWriter:
    """Take up an unfinished run, or begin one where there is none.

    The header must agree with the run's in all that :mod:`.agreement` compares;
    `epochs` may be larger. A damaged newest epoch is skipped with a RuntimeWarning, and
    the one before it is used. A recording that is there is never touched.

    InputError, and nothing changed, when the run is complete or differs.
    """
    path = _absolute(path)
    writer = RunWriter(path, _checked(header), snapshots)
    with _refusals(path):
        if os.path.exists(path) and not writer.part.exists():
            _refuse_complete(path)
        _check_space(writer)
        with _held(writer):
            if os.path.exists(path):  # unlike Path's, no error for a bad name
                _refuse_complete(path)
            old = stored_header(writer.part)
            if old is None:
                _empty(writer.part)
            else:
                _take_up(writer, old)
            write_header(writer.part, writer.header)
    return writer


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the system refuses, in words."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; choose another out"
        ) from error


@contextmanager
def _held(writer: RunWriter) -> Iterator[None]:
    """Hold the folder of parts, made where it is not there; or leave no trace."""
    part = writer.part
    try:
        for folder in reversed([f for f in (part, *part.parents) if not f.exists()]):
            with suppress(FileExistsError):  # another process made it meanwhile
                folder.mkdir()
                writer.made.append(folder)
    except BaseException:
        writer.discard()
        raise
    with locked(part, writer.path):
        try:
            yield
        except BaseException:
            writer.discard()
            raise


def _empty(part: Path) -> None:
    """Delete what is in a folder that is held; the folder stays, as the lock does."""
    for file in part.iterdir():
        if file.is_dir() and not file.is_symlink():
            shutil.rmtree(file, ignore_errors=True)
        else:
            file.unlink(missing_ok=True)


def _take_up(writer: RunWriter, old: dict) -> None:
    """Go on from the newest epoch of a run that agrees."""
    refuse_different(writer.path, old, writer.header)
    _load_newest(writer)
    if writer.header["epochs"] < writer.last_epoch:
        raise InputError(
            f"epochs={writer.header['epochs']}: {writer.last_epoch} are done already"
            f" in {writer.path}; ask for at least as many"
        )
    again, first = writer.header["provenance"], old.get("provenance")
    first = first if isinstance(first, dict) else {}
    before = first.get("resumed", [])
    resumed = [*(before if isinstance(before, list) else []), again]
    writer.header["provenance"] = {**first, "resumed": resumed}


def _absolute(path: str | Path) -> Path:
    # Brian2's devices change the working directory.
    return Path(os.path.abspath(path))


def _checked(header: dict) -> dict:
    """The header as plain data, complete, with this process's provenance added."""
    missing = [key for key in REQUIRED if key not in header]
    if missing:
        raise ValueError(f"the header lacks {', '.join(missing)}")
    header = plain({**dict.fromkeys(OPTIONAL, {}), **header})
    header["provenance"] = {**plain(provenance()), **header["provenance"]}
    for name, projection in header["projections"].items():
        lacking = {"source_pop", "target_pop", "units", "shape"} - set(projection)
        if lacking or "/" in name:
            raise ValueError(f"projection {name!r}: lacks {lacking} or has a slash")
    for name, parameter in header["parameters"].items():
        if not isinstance(parameter, dict) or {*parameter} != {"value", "unit"}:
            raise ValueError(f"parameter {name!r}: {parameter!r} has no value and unit")
    return header


def _refuse_existing(path: Path, overwrite: bool, begun: bool = False) -> None:
    """``begun``: the folder of parts is held; what it has is that of a run before."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    part, remedy = part_folder(path), "choose another out, or overwrite it"
    if not begun and part.exists() and is_held(part):
        raise busy(path)
    if overwrite:
        if path.exists() and not begun and not _is_recording(path):
            raise InputError(f"{path} exists and is no recording; choose another out")
        return
    if path.exists():
        raise InputError(f"{path} exists; {remedy}")
    if any(part.iterdir()) if begun else part.exists():
        raise InputError(
            f"{path} has an unfinished run, {path.name}.part; resume it, or {remedy}"
        )


def _is_recording(path: Path) -> bool:
    """Whether a file says that it is a recording of ours; a damaged one may not."""
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("format") == FORMAT
    except DAMAGE:
        return False


def _refuse_complete(path: Path) -> NoReturn:
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if not _is_recording(path):
        raise InputError(f"{path} exists and is no recording; choose another out")
    # Killed after its last rename, a run leaves its parts.
    shutil.rmtree(part_folder(path), ignore_errors=True)
    raise InputError(
        f"{path} is complete: there is nothing to resume; choose another out"
    )


def _check_space(writer: RunWriter) -> None:
    """Room for the parts and, while they are still there, the recording."""
    shapes = [item["shape"] for item in writer.header["projections"].values()]
    once = 8 * sum(math.prod(shape) for shape in shapes)
    kept = min(writer.header["epochs"] + 1, writer.snapshots)
    needed = once * (2 * kept + 4) + 2**20
    needed -= sum(file.stat().st_size for file in epoch_files(writer.part).values())
    folder = next(folder for folder in writer.part.parents if folder.exists())
    disk = shutil.disk_usage(folder)
    recorder = from_header(writer.header)
    if recorder is not None:
        refuse_no_room(recorder, folder)
    if disk.total and disk.free < needed:  # a total of 0: the system cannot tell
        raise InputError(
            f"{folder} has {disk.free / 1e6:.1f} MB free, the run needs about"
            f" {needed / 1e6:.1f} MB; free space or choose another out"
        )


def _load_newest(writer: RunWriter) -> None:
    """Fill the writer from the newest epoch that can be read."""
    files = epoch_files(writer.part)
    writer.newest = max(files, default=-1)
    for epoch, file in reversed(files.items()):
        reason = damage(file) or _misfit(writer, file)
        if reason:
            warn(f"{file} is damaged ({reason}); going back to the epoch before")
            continue
        writer.log, writer.weights, writer.state = read_epoch(file)
        writer.last_epoch = epoch
        first = writer.log[0]["epoch"]
        if first not in files or damage(files[first]):
            refuse_damaged(writer.part)
        return
    if len(files) > 1:
        refuse_damaged(writer.part)


def _misfit(writer: RunWriter, file: Path) -> str:
    """How the weights of an epoch differ from the header, "" where they do not."""
    wanted = {
        name: tuple(item["shape"])
        for name, item in writer.header["projections"].items()
    }
    weights = read_epoch(file)[1]
    found = {name: values.shape for name, values in weights.items()}
    if found != wanted or any(a.dtype.kind not in "fiu" for a in weights.values()):
        return "its weights are those of another network"
    return ""
