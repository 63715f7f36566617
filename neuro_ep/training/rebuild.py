"""A network from its recording alone, and the state that training goes on from.

What a recording says is a stranger's word. Reading one evaluates nothing; training on
does: it compiles and runs the equations that are written in the file. So rebuild only
recordings whose maker you trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.recording import Recording, open_recording
from neuro_ep.recording.agreement import refuse_different
from neuro_ep.recording.bounds import damage_told
from neuro_ep.records.recorded import PARTS, Always, read_recorded
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.plan import Plan


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """What a recording leaves behind.

    rule, settings
        The rule gives the recorded equations and protocol, for these settings only.
    state
        What is learned and what is carried after the last epoch, in SI units.
    epoch, row
        The last epoch that was recorded, and its line of the log.
    seed, dtype, task
        What the run was begun with, for :func:`neuro_ep.train`.
    header
        All that a run which goes on must share with this one.
    """

    file: Path
    rule: Rule
    settings: Settings
    state: Mapping[str, np.ndarray]
    epoch: int
    row: Mapping[str, float]
    seed: int
    dtype: str
    task: str
    header: Mapping[str, object]

    def refuse_other(self, header: Mapping):
        """Raises InputError unless a new run goes on as this one would have."""
        free = {"target", "projections"}
        ours = {**self.header, **{key: header[key] for key in free}}
        refuse_different(self.file, ours, dict(header))

    def refuse_misfit(self, plan: Plan):
        """Raises InputError unless the state is one of this network."""
        wanted = {*plan.weights, *plan.carried}
        if set(self.state) != wanted:
            odd = sorted(set(self.state) ^ wanted)[0]
            raise InputError(f"{self.file}: its state and its network differ in {odd}")
        for name, start in plan.starts.items():
            shape = self.state[name].shape
            if shape != start.shape:
                raise InputError(f"{self.file}: {name} is {shape}, not {start.shape}")


def rebuild(file: str | Path) -> Rebuilt:
    """The network of a recording, and where its training stands.

    Neither the module of the rule nor Brian2 is needed to read it. Train on with

    >>> left = rebuild("run.h5")
    >>> train(left.rule, load_dataset(left.task), replace(left.settings, epochs=60),
    ...       out="more.h5", seed=left.seed, dtype=left.dtype, after=left)

    which compiles and runs what the file says. Raises InputError for a file that is
    damaged, or of a version that did not record the whole network.
    """
    with open_recording(file) as opened, damage_told(Path(file)):
        if not opened.records:
            raise InputError(
                f"{file} has format {opened.format_version}, which does not hold the "
                "whole network: train it again with this version"
            )
        whole = {name: opened.records.get(name) for name in PARTS}
        rule, settings = _told(opened, read_recorded, whole, opened.epochs)
        parameters, epochs = opened.parameters, opened.training["epoch"]
        return Rebuilt(
            file=Path(file),
            rule=rule,
            settings=settings,
            state=_state(opened),
            epoch=int(epochs[-1]),
            row=_last_row(opened),
            seed=opened.seed,
            dtype=str(parameters["dtype"]["value"]),
            task=opened.task,
            header=_header(opened),
        )


def with_quantities(rule: Rule, settings: Settings) -> Rule:
    """The same rule with Brian2's quantities, as building it takes them."""
    from neuro_ep.build.parameters import with_quantities

    return replace(rule, model=Always(with_quantities(rule.model(settings))))


def _told(opened: Recording, read, *arguments):
    """What is read, or which file cannot be."""
    try:
        return read(*arguments)
    except InputError as error:
        raise InputError(f"{opened.path}: {error}") from error


def _header(opened: Recording) -> dict:
    names = ("rule", "task", "layers", "seed", "parameters", "equations", "dataset")
    return {name: getattr(opened, name) for name in (*names, "records")}


def _last_row(opened: Recording) -> dict[str, float]:
    row = {name: column[-1] for name, column in opened.training.items()}
    return {name: value for name, value in row.items() if np.isfinite(value)}


def _state(opened: Recording) -> dict[str, np.ndarray]:
    group, found = opened.file["neuro_ep"].get("state"), {}
    for name in group if isinstance(group, h5py.Group) else ():
        found[name] = _array(opened, group, name)
    return found


def _array(opened: Recording, group: h5py.Group, name: str) -> np.ndarray:
    """Numbers that are in this very file, and no more of them than it can hold."""
    hard = isinstance(group.get(name, getlink=True), h5py.HardLink)
    item = group[name] if hard else None
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiub":
        raise InputError(f"{opened.path} is damaged: its state {name} is no array")
    if item.nbytes > opened.path.stat().st_size or item.external:
        raise InputError(f"{opened.path} is damaged: {name} is larger than the file")
    values = np.asarray(item[()])
    if not np.isfinite(values).all():
        raise InputError(f"{opened.path}: {name} is not finite, its run diverged")
    return values
