"""Running a script beside the tests on one of Brian2's targets, once a session."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


@pytest.fixture
def on_numpy():
    """Networks of this test run on the numpy target."""
    from brian2 import BrianLogger, prefs

    before = prefs.codegen.target
    prefs.codegen.target = "numpy"
    BrianLogger.suppress_name("unused_brian_object")
    yield
    prefs.codegen.target = before


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """One folder for all workers of pytest-xdist, so that nothing is built twice."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def solved(shared_folder):
    """``solved(script, target)``: the arrays the script writes on this target."""

    def solve(script, target):
        skip_without_compilers(target)
        return arrays_of(script, target, shared_folder)

    return solve


def skip_without_compilers(target):
    from neuro_ep.engine.dense.codeobjects import python_headers_available

    if target.startswith(("cython", "standalone")) and shutil.which("g++") is None:
        pytest.skip("no C++ compiler (g++)")
    if target == "cython" and not python_headers_available():
        pytest.skip("Brian2's Cython target needs Cython and Python's C headers")


def arrays_of(script, target, folder, beside=HERE):
    result = folder / f"{script}_{target}.npz"
    failure = result.with_suffix(".failed")
    with open(result.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists() and not failure.exists():
            build = folder / f"{script}_{target}_build"
            command = [sys.executable, beside / f"{script}.py", target, result, build]
            run = subprocess.run(command, capture_output=True, text=True)
            shutil.rmtree(build, ignore_errors=True)
            if run.returncode or not result.exists():
                failure.write_text(run.stdout + run.stderr)
    if failure.exists():
        pytest.fail(f"{script}.py {target}:\n{failure.read_text()}", pytrace=False)
    with np.load(result) as stored:
        return dict(stored)
