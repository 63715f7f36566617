"""Small recordings, finished and not, and the header that they begin with."""

import copy

import numpy as np
import pytest

from neuro_ep import recording

HEADER = {
    "rule": "continual-ep",
    "task": "digits",
    "layers": [6, 5, 3],
    "seed": 7,
    "epochs": 4,
    "target": "numpy",
    "parameters": {
        "eta": {"value": 0.1, "unit": "mV"},
        "sizes": {"value": [1.5, 2.0], "unit": ""},
        "mode": {"value": "centred", "unit": ""},
    },
    "equations": {
        "hidden": "dv/dt = (I - v)/tau : volt\ntau : second (shared, constant)",
        "µ/odd": "x = 1 : 1",
    },
    "schedule": {"free": 20.0, "nudged": 8.0, "beta": [0.5, None]},
    "provenance": {"compiler": "g++ 13", "config": "[model]\nx = 1"},
    "units": {
        "v": {"unit": "mV", "si_factor": 1e-3},
        "wall_s": {"unit": "s", "si_factor": 1.0},
    },
    "projections": {
        "input_hidden": {
            "source_pop": "input",
            "target_pop": "hidden",
            "units": "mV",
            "shape": [6, 5],
        },
        "hidden_output": {
            "source_pop": "hidden",
            "target_pop": "output",
            "units": "mV",
            "shape": [5, 3],
        },
    },
    "dataset": {
        "name": "digits",
        "source": "scikit-learn",
        "shape": [2, 3],
        "classes": 3,
        "train": 40,
        "test": 10,
    },
}


def header(**changes):
    return {**copy.deepcopy(HEADER), **changes}


def weights(epoch):
    """float64 and float32 weights of an epoch, with values that text would lose."""
    rng = np.random.default_rng(epoch)
    first = rng.normal(size=(6, 5))
    first[0, :3] = np.nextafter(1, 2), -0.0, 5e-324
    first[0, 3:] = np.nan, -np.inf
    return {
        "input_hidden": first,
        "hidden_output": rng.normal(size=(5, 3)).astype("f4"),
    }


def row(epoch):
    return {"test_accuracy": 0.1 + 0.2 * epoch / 4, "wall_s": np.float32(epoch) / 3}


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def checkpoint(writer, epoch):
    state = {"rng/keys": np.arange(epoch, dtype="u8"), "t": np.array(epoch / 3)}
    writer.checkpoint(epoch, weights(epoch), row(epoch), state)


def record(path, last=4, **changes):
    writer = recording.create(path, header(**changes))
    for epoch in range(last + 1):
        checkpoint(writer, epoch)
    return writer.finish(duration_s=1.5)


def unfinished(path, last=2, **changes):
    writer = recording.create(path, header(**changes))
    for epoch in range(last + 1):
        checkpoint(writer, epoch)
    return writer


def listing(folder):
    """Every path below a folder with its bytes."""
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else None
        for file in folder.rglob("*")
    }


@pytest.fixture(name="HEADER")
def HEADER_fixture():
    return HEADER


@pytest.fixture(name="header")
def header_fixture():
    return header


@pytest.fixture(name="weights")
def weights_fixture():
    return weights


@pytest.fixture(name="row")
def row_fixture():
    return row


@pytest.fixture(name="same_bits")
def same_bits_fixture():
    return same_bits


@pytest.fixture(name="checkpoint")
def checkpoint_fixture():
    return checkpoint


@pytest.fixture(name="record")
def record_fixture():
    return record


@pytest.fixture(name="unfinished")
def unfinished_fixture():
    return unfinished


@pytest.fixture(name="listing")
def listing_fixture():
    return listing
