"""The figure shows the memory that was recorded."""

import h5py
import pytest

from neuro_ep.analysis import rhel_memory_figure
from neuro_ep.errors import InputError

pytest.importorskip("matplotlib")


def recorded(path, methods=("ours", "peer")):
    with h5py.File(path, "w") as file:
        for method in methods:
            file[f"{method}/steps"] = [10, 100]
            file[f"{method}/peak_bytes"] = [2**20, 2**20 if method == "ours" else 2**23]


def test_growth_by_method(tmp_path):
    recorded(tmp_path / "run.h5")
    found = rhel_memory_figure.draw(tmp_path / "run.h5", tmp_path / "figure.png")
    assert found["growth of echoes"] == 1
    assert found["growth of backpropagation through time, PyTorch"] == 8
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_another_file_is_refused(tmp_path):
    recorded(tmp_path / "run.h5", ["ours"])
    with pytest.raises(InputError, match="has no peer"):
        rhel_memory_figure.draw(tmp_path / "run.h5", tmp_path / "figure.png")
