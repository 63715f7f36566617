"""Continual EP on every target against a second implementation in plain loops.

Compiled targets run in a process of their own, ``continual_ep_runs.py``.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from brian2 import prefs

from neuro_ep.engine.dense.codeobjects import python_headers_available
from neuro_ep.run.target import select_target

SCRIPT = Path(__file__).with_name("continual_ep_runs.py")
RUNS = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
P = RUNS.P
SHORT = RUNS.SHORT
case = RUNS.case
build = RUNS.build
show = RUNS.show
replica = RUNS.replica
distance = RUNS.distance
two_cases = RUNS.two_cases


@pytest.fixture(autouse=True)
def numpy_target():
    """Every test begins on numpy and leaves Brian2's preferences as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    select_target("numpy")
    yield
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("nudging", ["random-sign", "symmetric"])
def test_numpy_agrees_with_the_second_implementation(tmp_path, nudging, activation):
    settings = replace(SHORT, nudging=nudging, activation=activation)
    shown = case(settings, learn=[1, 1, 0, 1], sign=[1, -1, 1, -1])
    _, simulation = build(shown)
    error = distance(show(shown, simulation, tmp_path), replica(shown), shown.weights)
    print(nudging, activation, "error of numpy", error)
    assert error < 1e-10


def test_second_implementation_sees_every_setting(tmp_path):
    """Each of these alone moves the weights, so agreement says something."""
    shown = case(replace(SHORT, nudging="symmetric"), learn=[1, 1], sign=[1, -1])
    expected = replica(shown)
    others = {"beta": 0.41, "eta": (0.3, 0.21), "free": 8.25, "nudged": 3.25}
    for name, value in others.items():
        other = shown._replace(settings=replace(shown.settings, **{name: value}))
        assert distance(replica(other), expected, shown.weights) > 1e-4, name
    turned = shown._replace(sign=-shown.sign)
    assert distance(replica(turned), expected, shown.weights) > 1e-4


def start(target, folder):
    """Run both cases in a fresh process; the builds that were used."""
    done = subprocess.run(
        [sys.executable, SCRIPT, target, str(folder)],
        env={**os.environ, "NEURO_EP_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "builds.json").read_text())


def assert_agrees(folder):
    for number, shown in enumerate(two_cases()):
        result = np.load(folder / f"result_{number}.npz")
        error = distance(result, replica(shown), shown.weights)
        print("case", number, "error of the compiled target", error)
        assert error < 1e-10
        assert result[f"{P}diverged"] == 0


no_compiler = pytest.mark.skipif(
    not (shutil.which(os.environ.get("CXX", "g++")) and shutil.which("make")),
    reason="needs a C++ compiler and make",
)


@no_compiler
@pytest.mark.slow
@pytest.mark.exhaustive
def test_one_standalone_program_serves_both_cases(tmp_path):
    one, two, larger = start("standalone", tmp_path)
    assert_agrees(tmp_path)
    assert one == two != larger
    cached = {folder.name for folder in (tmp_path / "cache").glob("build_*")}
    assert cached == {one, larger}


@no_compiler
@pytest.mark.slow
@pytest.mark.skipif(not python_headers_available(), reason="needs Python's headers")
@pytest.mark.exhaustive
def test_cython_agrees(tmp_path):
    start("cython", tmp_path)
    assert_agrees(tmp_path)
