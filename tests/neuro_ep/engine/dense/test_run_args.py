"""Weights of a compiled program, set between its runs."""

import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import sys
import numpy as np
from brian2 import *
from neuro_ep import DenseSynapses
path, folder = sys.argv[1:]
set_device("cpp_standalone", directory=folder)
prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-std=c++17"]
BrianLogger.log_level_error()
G = NeuronGroup(3, "x : 1")
H = NeuronGroup(2, "x : 1\\na : volt")
G.x, H.x = [1, 2, 3], [4, 5]
S = DenseSynapses(G, H, '''
    dw/dt = eta*x_pre*x_post/ms : volt (clock-driven)
    u : 1
    eta : volt (shared)
    a_post = u*w*x_pre : volt (summed)''', dtype=np.float32)
S.w, S.u, S.eta = np.ones((3, 2))*mV, 1, 1*mV
run(2*defaultclock.dt)
found = [np.array(S.w), np.array(H.a)]
matrix = np.arange(6.0).reshape(3, 2)*mV
for arguments in (
    {S.w: matrix}, {S.w: matrix.ravel()}, {S.w: 2*mV}, {S.w: np.full((3, 2), 2)*mV},
    {S.w: matrix, S.u: np.full((3, 2), 3), S.eta: 0*mV}, {},
):
    device.run(run_args=arguments)
    found += [np.array(S.w), np.array(H.a)]
def refusal(value):
    try:
        device.run(run_args={S.w: value})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "accepted"
refused = [refusal(value) for value in (
    np.ones((2, 3))*mV, np.ones(3)*mV, matrix/mV, np.ones(6), np.ones((3, 2, 1))*mV,
)]
np.savez(path, *found, refused=np.array(refused))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run_args")
    path = folder / "runs.npz"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, folder / "build"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(path) as stored:
        found = dict(stored)
    pairs = [(found[f"arr_{2 * k}"], found[f"arr_{2 * k + 1}"]) for k in range(7)]
    return pairs, [str(text) for text in found["refused"]]


def expected(weights, gain=1.0, eta=1e-3):
    """Two steps: the sum is that of the second, with weights after the first."""
    pre, post = np.array([1.0, 2, 3]), np.array([4.0, 5])
    change = 0.1 * eta * np.outer(pre, post)
    return weights + 2 * change, gain * pre @ (weights + change)


MATRIX = np.arange(6.0).reshape(3, 2) * 1e-3
RIGHT = [
    expected(np.full((3, 2), 1e-3)),
    expected(MATRIX),
    expected(MATRIX),
    expected(np.full((3, 2), 2e-3)),
    expected(np.full((3, 2), 2e-3)),
    expected(MATRIX, gain=3, eta=0),
    expected(np.full((3, 2), 1e-3)),
]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(7))
def test_values_are_those_given(runs, number):
    for found, right in zip(runs[0][number], RIGHT[number], strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5)


@pytest.mark.slow
def test_values_that_do_not_fit_are_refused(runs):
    texts = runs[1]
    assert "accepted" not in texts
    for text in (texts[0], texts[1], texts[4]):
        assert text.startswith("InputError") and "shape (3, 2)" in text
    for text in texts[2:4]:
        assert "DimensionMismatchError" in text
