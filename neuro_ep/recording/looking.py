"""Reading what was looked at during a run: traces, spikes, presentations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from neuro_ep.recording.bounds import array, attribute, damage_told


@dataclass(frozen=True)
class Trace:
    """One variable over time, read from the file when asked for.

    ``values`` are (times, columns) in ``units``, ``times`` (times,) in ms of the
    recorder's clock, ``ids`` (columns,) numbers in the group, where the neurons of one
    sample of a batch stand after those of the other; ``replicas`` are these samples.
    """

    group: h5py.Group
    path: Path

    @property
    def values(self) -> np.ndarray:
        with damage_told(self.path):
            return array(self.group, "exact" if "exact" in self.group else "data")

    @property
    def units(self) -> str:
        with damage_told(self.path):
            return str(attribute(self.group["data"], "units"))

    @property
    def replicas(self) -> int:
        with damage_told(self.path):
            even = "mapping" in self.group
            return int(
                attribute(self.group["mapping"] if even else self.group, "replicas")
            )

    @property
    def ids(self) -> np.ndarray:
        with damage_told(self.path):
            if "mapping" in self.group:
                return array(self.group["mapping"], "node_ids")
            return array(self.group, "ids")

    @property
    def times(self) -> np.ndarray:
        with damage_told(self.path):
            if "mapping" not in self.group:
                return array(self.group, "steps")
            begin, _, step = array(self.group["mapping"], "time")
            return begin + step * np.arange(self.group["data"].shape[0])


def traces_in(file: h5py.File, path: Path) -> dict[str, Trace]:
    """``"group.variable"`` -> what was recorded of it."""
    places = ("report", "neuro_ep/recorded")
    found = [file[place] for place in places if place in file]
    return {name: Trace(part[name], path) for part in found for name in part}


def spikes_in(file: h5py.File, path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Population -> times in ms, and numbers of neurons, of all events."""
    with damage_told(path):
        return {
            name: (array(group, "timestamps"), array(group, "node_ids"))
            for name, group in file.get("spikes", {}).items()
        }


def presentations_in(file: h5py.File, path: Path) -> Mapping[str, np.ndarray]:
    """Column -> one value for every phase that was recorded; {} where none was."""
    with damage_told(path):
        group = file["neuro_ep"].get("presentations")
        return {} if group is None else {name: array(group, name) for name in group}
