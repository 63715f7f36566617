"""Scripts of this folder run as those beside the tests of dense synapses."""

import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DENSE = runpy.run_path(str(HERE.parent / "dense" / "conftest.py"))

on_numpy, shared_folder = DENSE["on_numpy"], DENSE["shared_folder"]


@pytest.fixture(scope="session")
def solved(shared_folder):
    """``solved(script, target)``: the arrays the script writes on this target."""

    def solve(script, target):
        DENSE["skip_without_compilers"](target)
        return DENSE["arrays_of"](script, target, shared_folder, HERE)

    return solve


@pytest.fixture(params=["numpy", pytest.param("cython", marks=pytest.mark.exhaustive)])
def runtime_target(request, on_numpy):
    """The test runs on each of the targets that run in this process."""
    from brian2 import prefs

    DENSE["skip_without_compilers"](request.param)
    prefs.codegen.target = request.param
