"""Held sources give what the plain path gives, and step aside where they do not fit."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuro_ep.engine.dense.codeobjects import python_headers_available

SCRIPT = Path(__file__).with_name("held_runs.py")

#: Relative, float64: both paths add the same numbers in another order.
SAME = 1e-10

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="needs g++ to compile kernels"
)


def run(kind: str, folder: Path) -> dict[str, np.ndarray]:
    out = folder / f"{kind}.npz"
    command = [sys.executable, str(SCRIPT), kind, str(out)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr[-3000:]
    return dict(np.load(out))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """By kind: an input that the clock announces, and one that fades unannounced."""
    folder = tmp_path_factory.mktemp("trained")
    return {kind: run(kind, folder) for kind in ("standalone", "fading")}


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "announced"), [("standalone", True), ("fading", False)]
)
def test_two_hundred_presentations_agree(trained, kind, announced):
    found = trained[kind]
    assert found["True/held"] and not found["False/held"]
    assert found["True/announced"] == announced
    names = {name.split("/")[1] for name in found} - {"held", "announced"}
    for name in names:
        held, plain = found[f"True/{name}"], found[f"False/{name}"]
        assert difference(held, plain) < SAME, name
    assert np.abs(found["True/input_to_hidden.w"]).max() > 1e-4  # it has learned


@needs_compiler
@pytest.mark.slow
def test_an_input_that_fades_is_another_one(trained):
    weights = "True/input_to_hidden.w"
    assert difference(trained["fading"][weights], trained["standalone"][weights]) > 1e-2


#: Relative, after 142 presentations in float32, whose rounding is 6e-8.
SAME_IN_FLOAT32 = 1e-4


@needs_compiler
@pytest.mark.exhaustive
def test_no_option_changes_what_is_learned(tmp_path):
    found = run("options", tmp_path)
    ways = sorted({name.split("/")[0] for name in found})
    names = {name.split("/")[1] for name in found}
    assert ways == ["False-1", "False-2", "True-1", "True-2"]
    for way in ways[1:]:
        for name in names:
            weights, plain = found[f"{way}/{name}"], found[f"False-1/{name}"]
            assert difference(weights, plain) < SAME_IN_FLOAT32, (way, name)
    assert np.abs(found["True-1/bias_output"]).max() > 1e-6  # they began at zero


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    if not python_headers_available() or shutil.which("g++") is None:
        pytest.skip("needs g++ and Python's headers")
    return run("reading", tmp_path_factory.mktemp("held"))


@pytest.mark.parametrize("name", ["rule", "decay", "monitor", "python"])
def test_weights_and_states_agree(readings, name):
    for variable in ("w", "v"):
        held, plain = (readings[f"{name}/{hold}/{variable}"] for hold in (True, False))
        assert difference(held, plain) < SAME


@pytest.mark.parametrize(
    ("name", "held"),
    [("rule", True), ("decay", False), ("monitor", False), ("python", True)],
)
def test_held_only_where_it_fits(readings, name, held):
    assert readings[f"{name}/True/held"] == held
    assert not readings[f"{name}/False/held"]


def test_the_schedule_says_what_is_held(readings):
    assert "I_post_held" in str(readings["rule/True/schedule"])
    assert "I_post_held" not in str(readings["rule/False/schedule"])
    assert "I_post_held" not in str(readings["decay/True/schedule"])


@pytest.mark.parametrize("name", ["monitor", "python"])
def test_reading_during_a_run_is_right(readings, name):
    held, plain = readings[f"{name}/True/seen"], readings[f"{name}/False/seen"]
    assert held.shape == plain.shape
    assert difference(held, plain) < SAME
    assert np.ptp(plain, axis=-1 if name == "monitor" else 0).max() > 0  # they move
