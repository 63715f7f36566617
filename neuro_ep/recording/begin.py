"""Beginning a recording, or taking up an unfinished one: all that can be refused is
refused here, before anything is computed and without a trace on the disk.
"""

import json
import math
import os
import shutil
from pathlib import Path
from typing import NoReturn

import h5py

from neuro_ep.errors import InputError
from neuro_ep.recording.origin import provenance
from neuro_ep.recording.parts import (
    damage,
    epoch_files,
    part_folder,
    read_epoch,
    write_header,
)
from neuro_ep.recording.schema import FORMAT, plain
from neuro_ep.recording.writer import SNAPSHOTS, RunWriter, refuse_damaged, warn

REQUIRED = ("rule", "task", "layers", "seed", "epochs", "target", "projections")
OPTIONAL = ("parameters", "equations", "schedule", "provenance", "units", "dataset")
# What a resumed run must share with its beginning, in the order of comparison.
SAME = (
    *("rule", "task", "layers", "seed", "parameters", "equations", "target"),
    "projections",
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
    try:
        _refuse_existing(path, overwrite)
        _check_space(writer)
        if overwrite:
            # In this order: parts without a recording would be an unfinished run.
            shutil.rmtree(writer.part, ignore_errors=True)
            path.unlink(missing_ok=True)
        _begin(writer)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; choose another --out"
        ) from error
    return writer


def resume(path: str | Path, header: dict, *, snapshots: int = SNAPSHOTS) -> RunWriter:
    """Take up an unfinished run, or begin one where there is none.

    The header must agree with the run's in rule, task, layers, seed, parameters,
    equations, target and projections; `epochs` may be larger. A damaged newest epoch is
    skipped with a RuntimeWarning, and the one before it is used.

    InputError, and nothing changed, when the run is complete or differs.
    """
    path = _absolute(path)
    writer = RunWriter(path, _checked(header), snapshots)
    if os.path.exists(path):  # unlike Path's, no error for a bad name
        _refuse_complete(path)
    old = _stored_header(writer.part)
    if old is None:
        return create(path, header, overwrite=True, snapshots=snapshots)
    _refuse_different(writer, old)
    _load_newest(writer)
    if writer.header["epochs"] < writer.last_epoch:
        raise InputError(
            f"epochs={writer.header['epochs']}: {writer.last_epoch} are done already"
            f" in {path}; ask for at least as many"
        )
    _check_space(writer)
    again = writer.header["provenance"]
    resumed = [*old["provenance"].get("resumed", []), again]
    writer.header["provenance"] = {**old["provenance"], "resumed": resumed}
    with writer.disk_errors():
        write_header(writer.part, writer.header)
    return writer


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


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it with --out")
    if overwrite:
        return
    remedy = "choose another --out, or delete it"
    if path.exists():
        raise InputError(f"{path} exists; {remedy}")
    if part_folder(path).exists():
        raise InputError(
            f"{path} has an unfinished run, {path.name}.part; pass --resume, or"
            f" {remedy}"
        )


def _refuse_complete(path: Path) -> NoReturn:
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it with --out")
    try:
        with h5py.File(path, "r") as file:
            ours = file.attrs.get("format") == FORMAT
    except OSError:
        ours = False
    if not ours:
        raise InputError(f"{path} exists and is no recording; choose another --out")
    # Killed after its last rename, a run leaves its parts.
    shutil.rmtree(part_folder(path), ignore_errors=True)
    raise InputError(
        f"{path} is complete: there is nothing to resume; choose another --out"
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
    if disk.total and disk.free < needed:  # a total of 0: the system cannot tell
        raise InputError(
            f"{folder} has {disk.free / 1e6:.1f} MB free, the run needs about"
            f" {needed / 1e6:.1f} MB; free space or choose another --out"
        )


def _begin(writer: RunWriter) -> None:
    """Make the folder of parts and its header, or leave no trace."""
    part = writer.part
    try:
        for folder in reversed([f for f in (part, *part.parents) if not f.exists()]):
            folder.mkdir(exist_ok=folder != part)
            writer.made.append(folder)
        write_header(writer.part, writer.header)
    except BaseException:
        writer.discard()
        raise


def _stored_header(part: Path) -> dict | None:
    """The header of an unfinished run, None when none was begun."""
    try:
        return json.loads((part / "header.json").read_bytes())
    except (OSError, ValueError) as error:
        if epoch_files(part):
            raise InputError(
                f"{part}/header.json is damaged ({error}); delete {part} and start anew"
            ) from error
        return None


def _refuse_different(writer: RunWriter, old: dict) -> None:
    for key in SAME:
        difference = _difference(old.get(key), writer.header[key], key)
        if difference:
            raise InputError(
                f"{writer.path} was begun with another {difference}; resume it with"
                " the same, or choose another --out"
            )


def _difference(old: object, new: object, name: str) -> str:
    """The first difference of two pieces of plain data, in words; "" if there is none.

    1 equals 1.0 by value, and NaN equals NaN as JSON text.
    """
    if old == new or json.dumps(old) == json.dumps(new):
        return ""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if key not in old or key not in new]
        if keys:
            where = "then" if keys[0] in old else "now"
            return f"{name}: {keys[0]} only {where}"
        found = (_difference(old[key], new[key], f"{name}.{key}") for key in old)
        return next(text for text in found if text)
    if isinstance(old, str) and isinstance(new, str):
        lines = zip(f"{old}\n".splitlines(), f"{new}\n".splitlines(), strict=False)
        old, new = next((pair for pair in lines if pair[0] != pair[1]), (old, new))
    return f"{name}: {old!r} then, {new!r} now"


def _load_newest(writer: RunWriter) -> None:
    """Fill the writer from the newest epoch that can be read."""
    files = epoch_files(writer.part)
    for epoch, file in reversed(files.items()):
        reason = damage(file)
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
