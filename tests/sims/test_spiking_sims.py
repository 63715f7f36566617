"""The simulation of spikes at its smallest."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_ep import load_dataset
from neuro_ep.run.target import on_target

SIMS = Path(__file__).parents[2] / "sims"


def sim(name):
    """The module of a script, by its path."""
    spec = importlib.util.spec_from_file_location(name, SIMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.exhaustive
def test_spiking_dual_propagation_digits(tmp_path, monkeypatch):
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
