"""Reading a finished recording: opened, verified, and all that it says looked at."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.recording.bounds import (
    array,
    attribute,
    damage_told,
    expect,
    refuse_unbounded,
    text,
)
from neuro_ep.recording.checksum import broken_seal, is_sealed
from neuro_ep.recording.looking import (
    Trace,
    presentations_in,
    spikes_in,
    traces_in,
)
from neuro_ep.recording.parts import epoch_files, part_folder
from neuro_ep.recording.probe import refuse_deadly
from neuro_ep.recording.schema import FORMAT, FORMAT_VERSION, read_attributes
from neuro_ep.records.text import parse

#: What the provenance may say of where a run came from, and of which type it is.
ORIGIN = {
    **dict.fromkeys(("created", "hostname", "cpu", "git_commit"), str),
    "argv": list,
}

#: What it says of how the run ended.
END = {"stopped_by": str, "duration_s": (int, float)}


@dataclass(frozen=True)
class Weights:
    """The weights of one projection, read from the file when asked for.

    Arrays are (n_pre, n_post), `snapshots` (K, n_pre, n_post), in `units`; `epochs` (K)
    says after which epoch each snapshot was taken.
    """

    group: h5py.Group
    path: Path

    def _read(self, name: str) -> np.ndarray:
        with damage_told(self.path):
            return array(self.group, name)

    @property
    def initial(self) -> np.ndarray:
        return self._read("initial")

    @property
    def final(self) -> np.ndarray:
        return self._read("final")

    @property
    def snapshots(self) -> np.ndarray:
        return self._read("snapshots")

    @property
    def epochs(self) -> np.ndarray:
        return self._read("epochs")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.group["final"].shape

    @property
    def units(self) -> str:
        return attribute(self.group, "units")

    @property
    def source_pop(self) -> str:
        return attribute(self.group, "source_pop")

    @property
    def target_pop(self) -> str:
        return attribute(self.group, "target_pop")


@dataclass(frozen=True)
class Recording:
    """A finished run, open for reading; a context manager that closes it.

    All but the arrays of `weights` stays readable after closing. `training` has one
    array per quantity, one value per epoch, NaN where a row lacked it.
    """

    file: h5py.File
    path: Path
    format_version: str
    rule: str
    task: str
    layers: list[int]
    seed: int
    epochs: int
    target: str
    provenance: dict
    parameters: dict
    equations: dict[str, str]
    schedule: Any
    units: dict
    dataset: dict
    training: dict[str, np.ndarray]
    weights: Mapping[str, Weights]
    records: dict

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()

    @property
    def predictions(self) -> Mapping[str, np.ndarray]:
        """What the last epoch said of every sample that tests: ``sample``, its row of
        the data, ``read_out`` (samples, outputs) and, of classes, ``label`` and
        ``predicted``; {} where the file is of before.
        """
        group = self.file["neuro_ep"].get("predictions")
        with damage_told(self.path):
            return {} if group is None else {name: array(group, name) for name in group}

    @property
    def confusion(self) -> np.ndarray | None:
        """How many samples of each class (row) were taken for each other (column)."""
        found = self.predictions
        if "label" not in found:
            return None
        classes = found["read_out"].shape[1]
        counts = np.zeros((classes, classes), int)
        with damage_told(self.path):
            sound = (found["label"] >= 0) & (found["predicted"] >= 0)
            if not sound.all():
                raise ValueError("a class below zero")
            np.add.at(counts, (found["label"], found["predicted"]), 1)
        return counts

    @property
    def traces(self) -> Mapping[str, Trace]:
        """``"group.variable"`` -> what was recorded of it while the network ran."""
        return traces_in(self.file, self.path)

    @property
    def spikes(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Population -> (times in ms, numbers of neurons) of all its events."""
        return spikes_in(self.file, self.path)

    @property
    def presentations(self) -> Mapping[str, np.ndarray]:
        """What was shown while something was recorded, one value a phase: ``epoch``,
        ``t_start`` and ``t_end`` in ms, ``phase``, ``beta``, ``learn``, and ``sample``
        and ``label`` of each sample of the batch.
        """
        return presentations_in(self.file, self.path)

    def tree(self) -> dict:
        """All but the weights' values, as JSON has it; null for what is not finite."""
        with damage_told(self.path):
            return self._tree()

    def _tree(self) -> dict:
        weights = {
            name: {
                "source_pop": item.source_pop,
                "target_pop": item.target_pop,
                "units": item.units,
                "shape": list(item.shape),
                "dtype": str(item.group["final"].dtype),
                "epochs": item.epochs.tolist(),
            }
            for name, item in self.weights.items()
        }
        tree = {
            "file": str(self.path),
            "format": FORMAT,
            "format_version": self.format_version,
            "rule": self.rule,
            "task": self.task,
            "layers": self.layers,
            "seed": self.seed,
            "epochs": self.epochs,
            "target": self.target,
            "dataset": self.dataset,
            "training": {name: col.tolist() for name, col in self.training.items()},
            "weights": weights,
            "parameters": self.parameters,
            "equations": self.equations,
            "schedule": self.schedule,
            "units": self.units,
            "provenance": self.provenance,
            "records": self.records,
        }
        return _finite(tree)


def open_recording(
    path: str | Path, verify: bool = True, probed: bool = False
) -> Recording:
    """Open a finished run.

    ``verify`` compares the file with its checksum before HDF5 opens it. A file that has
    none, or is not verified, is first read in another process, unless it was
    ``probed``: damaged, it may end the process that reads it.

    InputError when there is none, when it is unfinished, damaged, of a newer format or
    something else.
    """
    path = Path(path)
    _refuse_absent(path)
    file = _open(path, verify, probed)
    try:
        with damage_told(path):
            _refuse_foreign(file, path)
            refuse_unbounded(_inside(file, "neuro_ep"), path.stat().st_size)
            return _read(file, path)
    except BaseException:
        file.close()
        raise


def _refuse_absent(path: Path) -> None:
    if not path.name:
        raise InputError("the name of a recording is empty: give that of a file")
    if path.is_dir() and path.suffix == ".part":
        path = path.with_suffix("")
    part = part_folder(path)
    if not os.path.exists(path) and part.is_dir():
        done = max(epoch_files(part), default=0)
        raise InputError(
            f"{path} is unfinished: {done} epochs are done; train with --out {path}"
            " --resume to go on"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a recording, such as run.h5")
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file; check the path")


def _open(path: Path, verify: bool, probed: bool) -> h5py.File:
    try:
        broken = broken_seal(path)
        if verify and broken:
            raise InputError(
                f"{path} is damaged: {broken}; take a copy of it or make the run again"
                " (neuro-ep info --no-verify looks at it anyway)"
            )
        if not h5py.is_hdf5(path):
            raise InputError(
                f"{path} is not an HDF5 file (or not a whole one); name a recording"
                " that neuro-ep train made"
            )
        if not probed and (broken or not is_sealed(path)):
            refuse_deadly(path)
        return h5py.File(path, "r")
    except OSError as error:
        if "truncated" in str(error):
            remedy = "it is truncated; take a copy of it or make the run again"
        elif "lock" in str(error):
            remedy = f"{error}; if no other program writes it, set"
            remedy += " HDF5_USE_FILE_LOCKING=FALSE"
        else:
            remedy = f"{error.strerror or error}; take a copy or make the run again"
        raise InputError(f"{path} cannot be read: {remedy}") from error


def _refuse_foreign(file: h5py.File, path: Path) -> None:
    if _of(file) != FORMAT:
        raise InputError(
            f"{path} is HDF5 but not a recording of neuro_ep (its @format is"
            f" {_of(file)!r}); name one that neuro-ep train made"
        )
    version = expect(attribute(file, "format_version"), str, "format_version")
    if int(version.split(".")[0]) > int(FORMAT_VERSION.split(".")[0]):
        raise InputError(
            f"{path} has format {version}, this neuro_ep reads {FORMAT_VERSION};"
            " pip install --upgrade neuro_ep"
        )


def _of(file: h5py.File) -> Any:
    """What the file says that it is."""
    return attribute(file, "format") if "format" in file.attrs else None


def _inside(group: h5py.Group, name: str) -> h5py.Group:
    """A group that stands in this very group."""
    hard = isinstance(group.get(name, getlink=True), h5py.HardLink)
    return expect(group[name] if hard else None, h5py.Group, f"{group.name}{name}")


def _read(file: h5py.File, path: Path) -> Recording:
    root = _inside(file, "neuro_ep")
    found = _provenance(_inside(root, "provenance"))
    schedule = attribute(_inside(root, "schedule"), "json")
    return Recording(
        file=file,
        path=path,
        format_version=str(attribute(file, "format_version")),
        **{name: _word(root, name) for name in ("rule", "task", "target")},
        layers=_counts(attribute(root, "layers"), "layers"),
        seed=expect(found.pop("seed", None), int, "seed"),
        epochs=expect(attribute(root, "epochs"), int, "epochs"),
        parameters=_parameters(found.pop("parameters", None)),
        provenance=found,
        equations=_equations(root["provenance"]),
        schedule=parse(expect(schedule, str, "schedule"), f"{path}: its schedule"),
        units=expect(parse(text(root, "units"), f"{path}: its units"), dict, "units"),
        dataset=_dataset(_inside(root, "dataset")),
        training=_training(_inside(root, "training")),
        weights=_weights(_inside(root, "weights"), path),
        records=_records(root, path),
    )


def _word(group: h5py.Group, name: str) -> str:
    return expect(attribute(group, name), str, name)


def _counts(value: Any, what: str) -> list[int]:
    for one in expect(value, list, what):
        expect(one, int, what)
    return value


def _provenance(group: h5py.Group) -> dict:
    found = read_attributes(group)
    for name, kind in ORIGIN.items():
        expect(found.setdefault(name, kind()), kind, name)
    for name, wanted in END.items():
        expect(found.get(name), wanted, name)
    expect(found.get("exit_status", 0), int, "exit_status")
    for name in ("packages", "resumed"):
        value = found.get(name) or ({} if name == "packages" else [])
        expect(value, dict if name == "packages" else list, name)
    for again in found.get("resumed") or []:
        created = expect(again, dict, "resumed").setdefault("created", "")
        expect(created, str, "resumed")
    return found


def _parameters(value: Any) -> dict:
    for name, item in expect(value, dict, "parameters").items():
        if not {"value", "unit"} <= set(expect(item, dict, name)):
            raise ValueError(f"the parameter {name} has no value or no unit")
        expect(item["unit"], str, f"the unit of {name}")
    return value


def _equations(group: h5py.Group) -> dict[str, str]:
    """Group -> text; the name of a group may have slashes, which HDF5 nests."""
    found: dict[str, str] = {}

    def take(parent: h5py.Group, before: str) -> None:
        for name in parent:
            if isinstance(parent[name], h5py.Group):
                take(parent[name], f"{before}{name}/")
            else:
                found[f"{before}{name}"] = text(parent, name)

    take(_inside(group, "equations"), "")
    return found


def _dataset(group: h5py.Group) -> dict:
    found = read_attributes(group)
    if "shape" in found:
        _counts(found["shape"], "the shape of the data")
    expect(found.get("source", ""), str, "the source of the data")
    return found


def _training(group: h5py.Group) -> dict[str, np.ndarray]:
    columns = {name: array(group, name) for name in group}
    lengths = {column.shape for column in columns.values()}
    epochs = columns.get("epoch")
    if epochs is None or epochs.ndim != 1 or not epochs.size or len(lengths) > 1:
        raise ValueError("the log has no epochs, or columns that differ in length")
    if epochs.dtype.kind not in "iu":
        raise ValueError("the epochs of the log are no whole numbers")
    return columns


def _weights(group: h5py.Group, path: Path) -> dict[str, Weights]:
    return {name: _projection(_inside(group, name), path) for name in group}


def _projection(group: h5py.Group, path: Path) -> Weights:
    for name in ("source_pop", "target_pop", "units"):
        _word(group, name)
    epochs = array(group, "epochs", "iu")
    shapes = [group[name].shape for name in ("initial", "final")]
    wanted = (*epochs.shape, *shapes[0])
    alike = shapes[0] == shapes[1] and group["snapshots"].shape == wanted
    kinds = {group[name].dtype.kind for name in ("initial", "final", "snapshots")}
    if not alike or epochs.ndim != 1 or not math.prod(wanted) or kinds - set("fiu"):
        raise ValueError(f"{group.name} has no weights, or some of another shape")
    return Weights(group, path)


def _records(root: h5py.Group, path: Path) -> dict:
    """The whole records as plain data; none in a file of format 1.0."""
    if "records" not in root:
        return {}
    group = _inside(root, "records")
    return {name: parse(text(group, name), f"{path}: its {name}") for name in group}


def _finite(value: Any) -> Any:
    """The same tree with None for NaN and infinities, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
