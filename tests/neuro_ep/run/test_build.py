"""What a build leaves out, and how many threads a program gets."""

import os

import pytest
from brian2 import Network, NeuronGroup, get_device, ms

from neuro_ep.run import build as device
from neuro_ep.run.program import threads
from neuro_ep.run.target import select_target


@pytest.fixture
def standalone():
    select_target("standalone")
    yield get_device()
    select_target("numpy")


def names(found):
    return {f"{variable.owner.name}.{variable.name}" for variable in found}


def test_numbers_of_neurons_are_kept_where_code_reads_them(standalone):
    counted = NeuronGroup(5, "x : 1", name="counted")
    counted.run_regularly("x = i", name="count")
    other = NeuronGroup(3, "dy/dt = -y/(1*ms) : 1", method="euler", name="other")
    Network(counted, other).run(1 * ms)
    assert {"counted.i", "other.i"} <= names(standalone.arrays)
    device.drop_unread_indices(standalone)
    kept = names(standalone.arrays)
    assert "counted.i" in kept and "other.i" not in kept
    assert {"counted.x", "other.y"} <= kept
    for table in (standalone.zero_arrays, standalone.arange_arrays):
        assert "other.i" not in names(found[0] for found in table)
    assert "counted.i" in names(found[0] for found in standalone.arange_arrays)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, str(len(os.sched_getaffinity(0)))),
        ({"OMP_NUM_THREADS": "3"}, "3"),
        ({"OPENBLAS_NUM_THREADS": "5"}, "5"),
        ({"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "5"}, "3"),
    ],
)
def test_threads_are_those_of_the_user_and_blas_has_one(monkeypatch, chosen, expected):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    given = threads()
    assert (given["OMP_NUM_THREADS"], given["OPENBLAS_NUM_THREADS"]) == (expected, "1")
