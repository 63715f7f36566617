"""The benchmark of echo learning: its peer agrees, and its record is complete."""

import numpy as np
import pytest

pytest.importorskip("torch")

from neuro_ep.benchmarks import rhel
from neuro_ep.errors import RunError
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.oracle import compare, trajectory


@pytest.fixture
def brian2_as_it_was(tmp_path, monkeypatch):
    from brian2 import prefs, set_device

    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path))
    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.mark.slow
@pytest.mark.exhaustive
def test_record(brian2_as_it_was, monkeypatch):
    monkeypatch.setattr(rhel, "SIZES", {(12, 100): 1, (12, 200): 1})
    monkeypatch.setattr(rhel, "MAIN", (12, 100))
    monkeypatch.setattr(rhel, "NUDGING", 1.0)
    found = rhel.run("rhel", RHEL, rounds=1)
    assert {"ours_s", "peer_s", "ratio", "rounds", "ratio_tuned"} <= set(found)
    assert set(found["ratios"]) == {"12 neurons, 100 steps", "12 neurons, 200 steps"}
    assert found["ratio"] == found["ratios"]["12 neurons, 100 steps"]
    assert found["difference"] < rhel.SAME


@pytest.mark.parametrize("tuned", [False, True])
def test_peer_has_the_exact_gradient(tuned):
    import torch

    from neuro_ep.benchmarks.peer_hamiltonian import BackpropagationThroughTime

    problem = trajectory.reference(0, duration=2.0)
    rest = np.zeros_like(problem.q)
    problem = trajectory.Problem(
        problem.theta, rest, rest, problem.x, problem.target, problem.dt
    )
    theta = dict(problem.theta, B=problem.theta["B"].T)
    theta["w"] = trajectory.coupling_matrix(theta["w"], len(rest))
    peer = BackpropagationThroughTime(theta, problem.dt, tuned)
    x, y = (
        torch.tensor(values[:, None], dtype=torch.float32)
        for values in (problem.x, problem.target)
    )
    found = {name: slope.numpy() for name, slope in peer.gradient(x, y).items()}
    found["w"] = found["w"][np.triu_indices(len(rest), 1)]
    found["B"] = found["B"].T
    exact = trajectory.exact_gradient(problem)
    assert compare.relative_error(found, exact) < 1e-4


def test_gradients_that_differ_are_refused():
    ones = {"w": np.ones(3)}
    with pytest.raises(RunError, match="do not compute the same thing"):
        rhel.checked({"w": np.array([1, 1, 1.1])}, ones)
    assert rhel.checked(ones, ones) == 0
