"""Small recordings, finished and not."""

import numpy as np
import pytest

from neuro_ep import recording

ROWS = [
    {"test_accuracy": 0.1, "test_cost": 0.9, "wall_s": 0.5},
    {
        "test_accuracy": 0.8125,
        "train_accuracy": 0.71,
        "test_cost": 0.4321,
        "train_cost": 0.5,
        "wall_s": 2.0,
    },
    {
        "test_accuracy": 0.7654,
        "train_accuracy": 0.8,
        "test_cost": 0.25,
        "train_cost": 0.3,
        "wall_s": 2.0,
    },
]


def weights(epoch, inputs=12):
    rng = np.random.default_rng(epoch)
    return {
        "input_hidden": rng.normal(size=(inputs, 5)).astype("f4"),
        "hidden_output": rng.normal(size=(5, 2)),
    }


def begin(path, inputs=12, epochs=2, **changes):
    header = {
        "rule": "ep",
        "task": "toy",
        "layers": [inputs, 5, 2],
        "seed": 3,
        "epochs": epochs,
        "target": "numpy",
        "projections": {
            name: {"source_pop": a, "target_pop": b, "units": "mV", "shape": size}
            for name, a, b, size in (
                ("input_hidden", "input", "hidden", [inputs, 5]),
                ("hidden_output", "hidden", "output", [5, 2]),
            )
        },
        "parameters": {
            "beta": {"value": 0.73, "unit": "1"},
            "tau": {"value": 10.0, "unit": "ms"},
            "eta": {"value": [0.02, 0.01], "unit": "1"},
        },
        "equations": {"hidden": "dv/dt = -v/tau : volt # if v < 0"},
        "provenance": {"source": "Someone 1999", "argv": ["neuro-ep", "a b"]},
        "dataset": {"name": "toy", "source": "drawn at random", "shape": [3, 4]},
    }
    return recording.create(path, header | changes)


def record(path, rows=ROWS, inputs=12, **changes):
    writer = begin(path, inputs, **changes)
    for epoch, row in enumerate(rows):
        writer.checkpoint(epoch, weights(epoch, inputs), row)
    return writer.finish(duration_s=4.5)


def listing(folder):
    return {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def unfinished(path, epochs=2):
    writer = begin(path, epochs=5)
    for epoch in range(epochs + 1):
        writer.checkpoint(epoch, weights(epoch), ROWS[epoch])
    return writer


@pytest.fixture(name="ROWS")
def ROWS_fixture():
    return ROWS


@pytest.fixture(name="weights")
def weights_fixture():
    return weights


@pytest.fixture(name="begin")
def begin_fixture():
    return begin


@pytest.fixture(name="record")
def record_fixture():
    return record


@pytest.fixture(name="listing")
def listing_fixture():
    return listing


@pytest.fixture(name="unfinished")
def unfinished_fixture():
    return unfinished
