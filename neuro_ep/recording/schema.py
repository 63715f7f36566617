"""What a recording contains and how its values are laid out in HDF5.

    512 bytes in front    (1.1) the file's checksum, see neuro_ep/recording/checksum.py
    /                     @format @format_version @magic @version
    /neuro_ep             @rule @task @layers @target @epochs
        provenance        attributes; JSON text where a value is a list or a dict
            equations/    one text per group
        units             JSON: {variable: {"unit": text, "si_factor": number}}
        schedule          @json
        dataset           attributes
        weights/<name>    @source_pop @target_pop @units
            initial, final   as the projection's shape, (n_pre, n_post)
            snapshots        (K, n_pre, n_post)
            epochs           (K)
        training/         one column per quantity, one row per epoch
        records/          (1.1) JSON text: rule, model, protocol, settings, whole
        state/            (1.1) what a run would go on from after its last epoch: all
                          that is learned or carried, in SI units, as it is computed
        predictions/      of the last epoch, one row a sample that tests: sample (its
                          row of the data), read_out (one value an output) and, of
                          classes, label and predicted
        presentations/, recorded/   where something was looked at
    /report, /spikes      the same, see neuro_ep/recording/traces.py

`magic` and `version` at the root are those of SONATA.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.recording.bounds import attributes

FORMAT = "neuro_ep-recording"
FORMAT_VERSION = "1.1"
SONATA_MAGIC, SONATA_VERSION = 0x0A7A, (0, 1)

Arrays = dict[str, np.ndarray]


def write_contents(
    file: h5py.File,
    header: dict,
    log: list[dict],
    epochs: list[int],
    weights: Iterator[Arrays],
    state: Arrays,
    tested: Arrays,
) -> None:
    """Write a whole recording.

    `epochs` are the epochs of the snapshots, in order, and `weights` yields the arrays
    of each of them; the first is `initial`, the last is `final`. `state` is what a run
    goes on from, `tested` what the last epoch said of each sample that tests.
    """
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["magic"] = np.uint32(SONATA_MAGIC)
    file.attrs["version"] = np.array(SONATA_VERSION, "u4")
    root = file.create_group("neuro_ep")
    for key in ("rule", "task", "layers", "target", "epochs"):
        root.attrs[key] = header[key]
    _write_provenance(root.create_group("provenance", track_order=True), header)
    root["units"] = json.dumps(header["units"])
    root.create_group("schedule").attrs["json"] = json.dumps(header["schedule"])
    write_attributes(root.create_group("dataset", track_order=True), header["dataset"])
    _write_weights(root, header["projections"], epochs, weights)
    _write_training(root, log, header["units"])
    records = root.create_group("records", track_order=True)
    for name, record in header.get("records", {}).items():
        records[name] = json.dumps(record)
    kept = root.create_group("state", track_order=True)
    kept.attrs["units"] = "SI base units"  # the weights above have units of their own
    write_arrays(kept, state)
    if tested:
        write_arrays(root.create_group("predictions", track_order=True), tested)


def _write_provenance(group: h5py.Group, header: dict) -> None:
    write_attributes(group, header["provenance"])
    write_attributes(group, {"seed": header["seed"]})
    group.attrs["parameters"] = json.dumps(header["parameters"])
    equations = group.create_group("equations", track_order=True)
    for name, text in header["equations"].items():
        equations[name] = text


def _write_weights(
    root: h5py.Group,
    projections: dict,
    epochs: list[int],
    weights: Iterator[Arrays],
) -> None:
    parent = root.create_group("weights", track_order=True)
    groups = {name: parent.create_group(name) for name in projections}
    for k, arrays in enumerate(weights):
        for name, group in groups.items():
            if k == 0:
                _begin_projection(group, projections[name], epochs, arrays[name])
            group["snapshots"][k] = arrays[name]
            if k == len(epochs) - 1:
                group["final"] = arrays[name]
                group["final"].attrs["units"] = projections[name]["units"]


def _begin_projection(
    group: h5py.Group, projection: dict, epochs: list[int], initial: np.ndarray
) -> None:
    for key in ("source_pop", "target_pop", "units"):
        group.attrs[key] = projection[key]
    group["initial"] = initial
    group["epochs"] = np.array(epochs, "i8")
    group.create_dataset(
        "snapshots",
        shape=(len(epochs), *initial.shape),
        dtype=initial.dtype,
        chunks=(1, *initial.shape[:-1], min(initial.shape[-1], 256)),
        compression="gzip",
        compression_opts=4,
        shuffle=True,
    )
    for name in ("initial", "snapshots"):
        group[name].attrs["units"] = projection["units"]


def _write_training(root: h5py.Group, log: list[dict], units: dict) -> None:
    """Columns of the log; a value some rows lack is NaN there, and the column f8."""
    group = root.create_group("training", track_order=True)
    for name in dict.fromkeys(key for row in log for key in row):
        column = np.array([row.get(name, math.nan) for row in log])
        group[name] = column
        if name in units:
            group[name].attrs["units"] = units[name]["unit"]


def write_attributes(group: h5py.Group, values: dict) -> None:
    """Numbers and text as they are, short lists of integers as arrays, else JSON."""
    for key, value in values.items():
        if isinstance(value, dict) or value is None:
            value = json.dumps(value)
        elif isinstance(value, list):
            short = 0 < len(value) <= 64 and all(type(item) is int for item in value)
            value = np.array(value) if short else json.dumps(value)
        group.attrs[key] = value


def read_attributes(group: h5py.Group) -> dict:
    """The inverse of `write_attributes`."""
    return {key: _plain_attribute(value) for key, value in attributes(group).items()}


def _plain_attribute(value: Any) -> Any:
    if isinstance(value, str) and (value[:1] in ("[", "{") or value == "null"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def plain(value: Any) -> Any:
    """The value as JSON has it: tuples as lists, NumPy numbers as Python's."""
    return json.loads(json.dumps(value, default=_jsonable))


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} cannot be stored in a recording: it is not plain data")


def write_arrays(group: h5py.Group, arrays: Arrays) -> None:
    for name, array in arrays.items():
        group[name] = array


def read_arrays(group: h5py.Group) -> Arrays:
    """Every dataset below the group, by its path in it."""
    arrays: Arrays = {}

    def take(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item[()])

    group.visititems(take)
    return arrays
