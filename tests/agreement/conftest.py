"""Running small models: see ``small_models.py``."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
SMALL = runpy.run_path(str(HERE / "small_models.py"))


@pytest.fixture(autouse=True)
def quiet():
    """Numbers that leave their range are part of random models."""
    from brian2 import BrianLogger

    BrianLogger.suppress_name("unused_brian_object")
    with np.errstate(all="ignore"):
        yield


@pytest.fixture(scope="session")
def together(tmp_path_factory):
    """``together(models, target)``: results of each, from one compiled program."""

    def run(models, target):
        skip_without_compilers(target)
        folder = tmp_path_factory.mktemp("together")
        SMALL["saved"](folder / "models.json", models)
        script, result = HERE / "small_models.py", folder / "result.npz"
        command = [sys.executable, script, target, folder / "models.json", result]
        done = subprocess.run(
            [*command, folder / "build"], capture_output=True, text=True, env=os.environ
        )
        shutil.rmtree(folder / "build", ignore_errors=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return _by_model(result, len(models))

    return run


def _by_model(result, count):
    found = [{} for _ in range(count)]
    with np.load(result) as stored:
        for key, values in stored.items():
            number, _, name = key.partition("/")
            found[int(number)][name] = values
    return found


def skip_without_compilers(target):
    from neuro_ep.engine.dense.codeobjects import python_headers_available

    if target in ("cython", "standalone") and shutil.which("g++") is None:
        pytest.skip("no C++ compiler (g++)")
    if target == "cython" and not python_headers_available():
        pytest.skip("Brian2's Cython target needs Cython and Python's C headers")
