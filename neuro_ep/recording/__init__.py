"""Recordings: one HDF5 file per run, begun, resumed and read here.

Writing: `create` or `resume` gives a `RunWriter`. Reading: `open_recording`,
`describe`. What the file looks like is in neuro_ep/recording/schema.py.

The header that a run begins with is a dict of plain data:

    rule, task, target  str
    layers              [int, ...], numbers of units
    seed, epochs        int; epochs as planned
    parameters          {name: {"value": number | list | str, "unit": str}}
    equations           {group: text}
    schedule            anything JSON has
    provenance          as `provenance()` gives, which is filled in
    units               {variable: {"unit": str, "si_factor": float}}
    projections         {name: {"source_pop", "target_pop", "units": str,
                                "shape": [n_pre, n_post]}}
    dataset             {"name", "source": str, "shape": [...], "classes", "train",
                         "test": int, and hashes of the data}
    records             {"rule", "model", "protocol", "settings": whole, as
                         neuro_ep.records.recorded writes them}

Log rows may have any quantity; `test_accuracy` and `train_accuracy`, where present, are
fractions of 1.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.recording.begin import create, resume
from neuro_ep.recording.origin import provenance
from neuro_ep.recording.parts import epoch_files, part_folder
from neuro_ep.recording.schema import (
    FORMAT,
    FORMAT_VERSION,
    read_arrays,
    read_attributes,
)
from neuro_ep.recording.writer import RunWriter
from neuro_ep.records.text import parse

__all__ = [
    "Recording",
    "RunWriter",
    "Weights",
    "create",
    "describe",
    "open_recording",
    "provenance",
    "resume",
]


@dataclass(frozen=True)
class Weights:
    """The weights of one projection, read from the file when asked for.

    Arrays are (n_pre, n_post), `snapshots` (K, n_pre, n_post), in `units`; `epochs` (K)
    says after which epoch each snapshot was taken.
    """

    group: h5py.Group

    @property
    def initial(self) -> np.ndarray:
        return self.group["initial"][()]

    @property
    def final(self) -> np.ndarray:
        return self.group["final"][()]

    @property
    def snapshots(self) -> np.ndarray:
        return self.group["snapshots"][()]

    @property
    def epochs(self) -> np.ndarray:
        return self.group["epochs"][()]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.group["final"].shape

    @property
    def units(self) -> str:
        return self.group.attrs["units"]

    @property
    def source_pop(self) -> str:
        return self.group.attrs["source_pop"]

    @property
    def target_pop(self) -> str:
        return self.group.attrs["target_pop"]


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

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()

    def tree(self) -> dict:
        """All but the weights' values, as JSON has it; null for what is not finite."""
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


def open_recording(path: str | Path) -> Recording:
    """Open a finished run.

    InputError when there is none, when it is unfinished, damaged, of a newer format or
    something else.
    """
    path = Path(path)
    _refuse_absent(path)
    file = _open(path)
    try:
        _refuse_foreign(file, path)
        return _read(file, path)
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        file.close()
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is damaged ({error}); take a copy of it or make the run again"
        ) from error


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


def _open(path: Path) -> h5py.File:
    try:
        with open(path, "rb") as raw:
            raw.read(1)
        if not h5py.is_hdf5(path):
            raise InputError(
                f"{path} is not an HDF5 file (or not a whole one); name a recording"
                " that neuro-ep train made"
            )
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
    if file.attrs.get("format") != FORMAT:
        raise InputError(
            f"{path} is HDF5 but not a recording of neuro_ep (its @format is"
            f" {file.attrs.get('format')!r}); name one that neuro-ep train made"
        )
    version = str(file.attrs["format_version"])
    if int(version.split(".")[0]) > int(FORMAT_VERSION.split(".")[0]):
        raise InputError(
            f"{path} has format {version}, this neuro_ep reads {FORMAT_VERSION};"
            " pip install --upgrade neuro_ep"
        )


def _read(file: h5py.File, path: Path) -> Recording:
    root = file["neuro_ep"]
    found = read_attributes(root["provenance"])
    equations = read_arrays(root["provenance/equations"])
    return Recording(
        file=file,
        path=path,
        format_version=str(file.attrs["format_version"]),
        rule=root.attrs["rule"],
        task=root.attrs["task"],
        layers=root.attrs["layers"].tolist(),
        seed=found.pop("seed"),
        epochs=int(root.attrs["epochs"]),
        target=root.attrs["target"],
        parameters=found.pop("parameters"),
        provenance=found,
        equations={name: text.item().decode() for name, text in equations.items()},
        schedule=json.loads(root["schedule"].attrs["json"]),
        units=json.loads(root["units"].asstr()[()]),
        dataset=read_attributes(root["dataset"]),
        training={name: column[()] for name, column in root["training"].items()},
        weights={name: Weights(group) for name, group in root["weights"].items()},
        records=_records(root, path),
    )


def _records(root: h5py.Group, path: Path) -> dict:
    """The whole records as plain data; none in a file of format 1.0."""
    if "records" not in root:
        return {}
    texts = read_arrays(root["records"])
    return {
        name: parse(text.item(), f"{path}: its {name}") for name, text in texts.items()
    }


def _finite(value: Any) -> Any:
    """The same tree with None for NaN and infinities, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def describe(path: str | Path) -> str:
    """A page of text about a recording; errors as `open_recording`."""
    with open_recording(path) as recording:
        parts = [
            f"{path}: a run of neuro_ep, recording format {recording.format_version}",
            _table(_facts(recording)),
            "weights\n" + _table(_projections(recording)),
            "parameters\n" + _table(_parameters(recording)),
        ]
        for group, text in recording.equations.items():
            lines = "\n".join(f"  {line.strip()}" for line in text.strip().splitlines())
            parts.append(f"equations of {group}\n{lines}")
    return "\n\n".join(parts)


def _table(rows: dict[str, str]) -> str:
    width = max(map(len, rows), default=0)
    return "\n".join(f"  {key:{width}}  {value}" for key, value in rows.items())


def _facts(recording: Recording) -> dict[str, str]:
    found, data = recording.provenance, recording.dataset
    versions = found.get("packages") or {}
    facts = {
        "rule": recording.rule,
        "task": recording.task,
        "data": ", ".join(
            f"{key}: {value}" for key, value in data.items() if "sha256" not in key
        ),
        "layers": "-".join(map(str, recording.layers)),
        "seed": str(recording.seed),
        "accuracy": _accuracy(recording.training),
        "epochs": f"{recording.training['epoch'][-1]} of {recording.epochs},"
        f" stopped by {found['stopped_by']}, exit status {found['exit_status']}",
        "duration": f"{found['duration_s']:.1f} s, target {recording.target}",
        "made": f"{found['created']} on {found['hostname']} ({found['cpu']})",
        "command": " ".join(found["argv"]),
        "code": found["git_commit"] + (" with changes" if found["git_dirty"] else ""),
        "versions": ", ".join(f"{name} {v}" for name, v in versions.items() if v),
    }
    if found.get("resumed"):
        facts["resumed"] = ", ".join(item["created"] for item in found["resumed"])
    return {key: value for key, value in facts.items() if value}


def _accuracy(training: dict[str, np.ndarray]) -> str:
    """The last known accuracies, in words; "" where none was recorded."""
    texts = []
    for kind in ("test", "train"):
        column = training.get(f"{kind}_accuracy", np.array([]))
        known = column[np.isfinite(column)]
        if known.size:
            texts.append(f"{kind} {known[-1]:.2%} (best {known.max():.2%})")
    return ", ".join(texts)


def _projections(recording: Recording) -> dict[str, str]:
    return {
        name: f"{item.source_pop} to {item.target_pop}, {item.shape[0]} x"
        f" {item.shape[-1]}, in {item.units or '1'}, {len(item.epochs)} snapshots to"
        f" epoch {item.epochs[-1]}"
        for name, item in recording.weights.items()
    }


def _parameters(recording: Recording) -> dict[str, str]:
    return {
        name: f"{item['value']} {item['unit']}".rstrip()
        for name, item in recording.parameters.items()
    }
