"""The simulations of echo learning at their smallest, and what they claim."""

import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def brian2_as_it_was():
    from brian2 import prefs, set_device

    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


def test_teacher_and_student_begin_alike(sim, tmp_path):
    out = tmp_path / "a" / "out.h5"
    curves = sim("rhel_teacher_student").main("smallest", out, target="numpy")
    exact = curves["exact"]
    assert exact[0] == pytest.approx(7.507, abs=1e-3)
    np.testing.assert_allclose(curves["symmetric beta 0.001"], exact, rtol=1e-5)
    gap = np.abs(curves["symmetric beta 0.3"] - exact)[1:]
    assert (gap > 1e-5 * exact[1:]).all()  # the largest beta is another path
    with h5py.File(out) as file:
        np.testing.assert_array_equal(file["exact/cost"], exact)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_learning_curve_is_that_of_exact_gradients(sim, tmp_path):
    """300 steps of Adam: within 1 %, and as measured before."""
    curves = sim("rhel_teacher_student").main("full", tmp_path / "out.h5")
    np.testing.assert_allclose(
        curves["symmetric beta 0.001"], curves["exact"], rtol=1e-2
    )
    shown = curves["exact"][[0, 29, 99, 199, 299]]
    np.testing.assert_allclose(
        shown, [7.507, 0.2626, 5.257e-2, 3.413e-2, 2.600e-2], rtol=1e-3
    )
    last = curves["symmetric beta 0.3"][-1]
    assert last == pytest.approx(2.174e-2, rel=1e-3)  # not that of the exact gradient


@pytest.mark.slow
def test_digits(sim, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    module = sim("rhel_digits")
    digits = module.load_dataset("digits-rows")
    few = replace(digits, train=digits.train[:60], test=digits.test[:40])
    monkeypatch.setattr(module, "load_dataset", lambda name: few)
    found = module.main("smallest", tmp_path / "out.h5", target="numpy")
    assert set(found) == {"rhel", "exact"}
    with h5py.File(tmp_path / "out.h5") as file:
        for name, accuracies in found.items():
            np.testing.assert_array_equal(file[name]["test_accuracy"], accuracies)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")
@pytest.mark.slow
def test_memory_of_an_echo_does_not_grow(sim, tmp_path, monkeypatch):
    module = sim("rhel_memory")
    monkeypatch.setattr(module, "in_a_process", lambda work, steps: steps)
    found = module.main("smallest", tmp_path / "out.h5")
    peaks = list(found["ours"].values())
    assert peaks[1] < 1.1 * peaks[0]
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_array_equal(file["ours/peak_bytes"], peaks)
