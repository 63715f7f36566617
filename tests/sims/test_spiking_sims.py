"""The simulation of spikes at its smallest."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from neuro_ep import load_dataset
from neuro_ep.run.target import on_target


@pytest.mark.exhaustive
def test_spiking_dual_propagation_digits(sim, tmp_path, monkeypatch):
    digits = load_dataset("digits")
    few = replace(digits, train=digits.train[:60], test=digits.test[:40])
    module, out = sim("spiking_dual_propagation_digits"), tmp_path / "a" / "out.h5"
    monkeypatch.setattr(module, "load_dataset", lambda name: few)
    with on_target("numpy"):
        found = module.main("smallest", out, target="numpy")
    assert set(found) == set(module.CASES)
    with h5py.File(out) as file:
        for name, accuracies in found.items():
            np.testing.assert_array_equal(file[name]["test_accuracy"], accuracies)
            assert 0 <= accuracies.min() <= accuracies.max() <= 1
