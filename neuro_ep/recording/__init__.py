"""Recordings: one HDF5 file per run, begun, resumed and read here.

Writing: `create` or `resume` gives a `RunWriter`. Reading: `open_recording`,
`describe`. What the file looks like is in neuro_ep/recording/schema.py, and within
which bounds it is read in neuro_ep/recording/bounds.py.

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
                         "test": int, "targets": int in a regression, and hashes of
                         the data}
    records             {"rule", "model", "protocol", "settings": whole, as
                         neuro_ep.records.recorded writes them}

Log rows may have any quantity; `test_accuracy` and `train_accuracy`, where present, are
fractions of 1, `test_r2` and `train_r2` what a regression has in their place, see
neuro_ep/recording/quality.py.
"""

from neuro_ep.recording.begin import create, resume
from neuro_ep.recording.describing import describe
from neuro_ep.recording.origin import provenance
from neuro_ep.recording.reading import Recording, Weights, open_recording
from neuro_ep.recording.writer import RunWriter

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
