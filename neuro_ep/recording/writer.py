"""Writing a recording so that a kill at any moment loses at most one epoch.

While a run goes on, `run.h5.part/` holds `header.json` and a file per epoch, each
complete in itself: the weights, whatever else the run goes on from, and the whole log.
At the end they become `run.h5`: a run is complete if and only if that file exists.
"""

import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from numbers import Real
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.recording import traces
from neuro_ep.recording.checksum import broken_seal, is_sealed
from neuro_ep.recording.lock import busy, locked
from neuro_ep.recording.parts import (
    damage,
    epoch_files,
    epoch_name,
    image,
    part_folder,
    read_tested,
    read_weights,
    write_atomically,
    write_epoch,
)
from neuro_ep.recording.schema import Arrays, plain, write_contents

SNAPSHOTS = 32  # at most so many epochs keep their weights


class RunWriter:
    """A run being recorded; made by `create` or `resume`.

    path        where the finished recording will be (absolute)
    last_epoch  the last epoch recorded, -1 before the first
    weights     {projection: array} of that epoch, as given, bit for bit
    state       {name: array} of that epoch
    log         the rows so far, one dict per epoch, each with its "epoch"
    """

    def __init__(self, path: Path, header: dict, snapshots: int) -> None:
        if snapshots < 2:
            raise ValueError(f"snapshots={snapshots}: the first and last need 2")
        self.path = path
        self.header = header
        self.snapshots = snapshots
        self.made: list[Path] = []  # folders, the outermost first
        self.last_epoch = -1
        self.newest = -1  # the newest file when the run was begun, damaged or not
        self.weights: Arrays = {}
        self.state: Arrays = {}
        self.log: list[dict] = []
        self.own: set[int] = set()  # epochs written here, which a seal is enough for

    @property
    def part(self) -> Path:
        """The folder of the unfinished run."""
        return part_folder(self.path)

    def checkpoint(
        self,
        epoch: int,
        weights: Arrays,
        row: dict[str, float],
        state: Arrays | None = None,
        tested: Arrays | None = None,
    ) -> None:
        """Record an epoch; when this returns, it survives a kill.

        epoch    above the last one; 0 is the state before any training
        weights  {projection: array}, shapes and units as the header's projections
        row      {quantity: number}, the epoch's line in the log; may lack quantities
        state    {name: array}, whatever else is needed to go on from here
        tested   {name: array}, what was said of each sample that tests

        ValueError when they do not fit the header or the epochs before; InputError
        when the disk refuses, with everything before this epoch still recorded.
        """
        weights = {name: np.array(array) for name, array in weights.items()}
        state = {name: np.array(array) for name, array in (state or {}).items()}
        tested = {name: np.array(array) for name, array in (tested or {}).items()}
        self._check(epoch, weights, row)
        log = [*self.log, {"epoch": int(epoch), **plain(row)}]
        with self.disk_errors():
            data = image(lambda file: write_epoch(file, log, weights, state, tested))
            write_atomically(self.part / epoch_name(epoch), data)
            self.weights, self.state, self.log = weights, state, log
            self.last_epoch = int(epoch)
            self.own.add(int(epoch))
            self._thin()

    def finish(
        self,
        exit_status: int = 0,
        stopped_by: str = "epochs",
        *,
        duration_s: float = math.nan,
    ) -> Path:
        """Assemble the recording and delete the folder of parts; the path.

        stopped_by  "epochs", "divergence" or "interrupt"
        duration_s  wall time of the run in seconds, as its caller counts it

        InputError when the disk refuses, with the parts still there for `resume`.
        """
        if self.last_epoch < 0:
            raise ValueError("finish() before the first checkpoint()")
        end = {
            "exit_status": exit_status,
            "stopped_by": stopped_by,
            "duration_s": float(duration_s),
        }
        header = {**self.header, "provenance": {**self.header["provenance"], **end}}
        with self.disk_errors():
            epochs = self._readable_epochs()
            weights = self._weights_of(epochs)
            contents = header, self.log, epochs, weights, self.state
            tested = read_tested(self.part / epoch_name(self.last_epoch))
            data = image(lambda file: write_contents(file, *contents, tested))
            more = self._traces()
            write_atomically(self.path, data, self.part / "recording.tmp", more)
        # The run is complete now; `resume` deletes what a kill here leaves.
        shutil.rmtree(self.part, ignore_errors=True)
        return self.path

    def discard(self) -> None:
        """Undo `create`: delete the folder of parts and those made to hold it."""
        if self.part in self.made:
            shutil.rmtree(self.part, ignore_errors=True)
        for folder in reversed(self.made):
            with suppress(OSError):
                folder.rmdir()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the run, which ends with the process at the latest.

        InputError when another process holds it, or has recorded since it was begun
        here.
        """
        with ExitStack() as held:
            with self.disk_errors():
                held.enter_context(locked(self.part, self.path))
            newest = max(epoch_files(self.part), default=-1)
            known = max(self.newest, self.last_epoch)
            if os.path.exists(self.path) or newest > known:
                raise busy(self.path)
            yield

    def _check(self, epoch: int, weights: Arrays, row: dict) -> None:
        if epoch <= self.last_epoch:
            raise ValueError(f"epoch {epoch} after epoch {self.last_epoch}")
        projections = self.header["projections"]
        if set(weights) != set(projections):
            raise ValueError(f"weights {sorted(weights)}, not {sorted(projections)}")
        for name, array in weights.items():
            shape = tuple(projections[name]["shape"])
            if array.shape != shape:
                raise ValueError(f"weights {name}: {array.shape}, not {shape}")
            if array.dtype != self.weights.get(name, array).dtype:
                raise ValueError(f"weights {name}: dtype changed to {array.dtype}")
        for name, value in row.items():
            if not isinstance(value, Real | np.bool_):
                raise ValueError(f"log {name}={value!r}: not a number")
        if row.get("epoch", epoch) != epoch:
            raise ValueError(f"log epoch={row['epoch']} in epoch {epoch}")

    def _traces(self) -> Callable[[h5py.File], None] | None:
        """What adds traces and spikes to the recording, where some were asked for."""
        recorder = traces.from_header(self.header)
        if recorder is None:
            return None
        found = traces.epochs_of(recorder, self.part, self.last_epoch)
        return lambda file: traces.write_traces(file, recorder, found)

    def _wanted(self) -> list[int]:
        return snapshot_epochs([row["epoch"] for row in self.log], self.snapshots)

    def _thin(self) -> None:
        """Delete the epochs that neither the recording nor a resume will need.

        The one before the last stays as well, in case the last turns out damaged.
        """
        keep = {*self._wanted(), *(row["epoch"] for row in self.log[-2:])}
        for epoch, file in epoch_files(self.part).items():
            if epoch not in keep:
                file.unlink(missing_ok=True)

    def _readable_epochs(self) -> list[int]:
        """The epochs whose weights the recording will have."""
        files = epoch_files(self.part)
        wanted = [epoch for epoch in self._wanted() if epoch in files]
        epochs = [epoch for epoch in wanted if not self._damage(epoch, files[epoch])]
        if not {self.log[0]["epoch"], self.last_epoch} <= set(epochs):
            refuse_damaged(self.part)
        for epoch in set(wanted) - set(epochs):
            warn(f"{files[epoch]} is damaged; this snapshot is left out")
        return epochs

    def _damage(self, epoch: int, file: Path) -> str:
        """What is wrong with an epoch's file, "" where nothing is."""
        known = epoch in self.own and is_sealed(file)
        return broken_seal(file) if known else damage(file)

    def _weights_of(self, epochs: list[int]) -> Iterator[Arrays]:
        for epoch in epochs:
            yield read_weights(self.part / epoch_name(epoch))

    @contextmanager
    def disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            safe = f"; epochs up to {self.last_epoch} are safe" if self.log else ""
            raise InputError(
                f"{self.path} cannot be written: {error.strerror or error}{safe}; free"
                " space and resume"
            ) from error


def snapshot_epochs(epochs: list[int], limit: int) -> list[int]:
    """The epochs that keep their weights: first, last, and evenly between.

    Every 2^n-th, with the least n that keeps to the limit. As epochs are added, one
    dropped earlier is never wanted again.
    """
    stride = 1
    while True:
        kept = [e for e in epochs[:-1] if (e - epochs[0]) % stride == 0]
        if len(kept) < limit:
            return [*kept, epochs[-1]]
        stride *= 2


def refuse_damaged(part: Path) -> NoReturn:
    raise InputError(
        f"{part} is damaged: its first or last epoch is lost; delete it and start anew"
    )


def warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)
