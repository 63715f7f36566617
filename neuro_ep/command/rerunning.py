"""The command ``rerun``: a run made again, and whether it is the same."""

from __future__ import annotations

from neuro_ep.errors import InputError
from neuro_ep.messages import printable
from neuro_ep.recording import open_recording
from neuro_ep.records.dataset import Dataset
from neuro_ep.tasks import tables
from neuro_ep.training.progress import Progress
from neuro_ep.training.rerunning import rerun

#: What is told of data in a file.
TOLD = ("label", "test", "scale", "kind")


def run(options) -> int:
    """0 if the weights are the same, bit for bit; else 1."""
    data = _data(options)
    with open_recording(options.file) as recorded:
        epochs = int(recorded.training["epoch"][-1])
    with Progress(epochs) as progress:
        found = rerun(
            options.file,
            data,
            target=options.target,
            weights=options.weights,
            on_epoch=progress.epoch,
            on_progress=progress.within,
            on_compile=progress.compiling,
        )
    if found.same:
        print(f"the same weights, bit for bit, in {len(found.largest)} projections")
        return 0
    for name, gap in found.largest.items():
        print(printable(f"{name}: largest difference {gap:.3g} mV"))
    return 1


def _data(options) -> Dataset | None:
    """The data of a file, None where the recording names a task."""
    given = {name: getattr(options, name) for name in TOLD}
    chosen = {name: value for name, value in given.items() if value is not None}
    if options.data is not None:
        return tables.load(options.data, **chosen)
    for name, value in chosen.items():
        raise InputError(f"--{name} {value}: it is for a file, give that with --data")
    return None
