"""The figure of coupled oscillators shows what was recorded, and only that."""

import h5py
import numpy as np
import pytest

from neuro_ep.analysis import coupled_oscillators_figure as figure
from neuro_ep.errors import InputError

pytest.importorskip("matplotlib")


def recorded(path, cases=("linear", "hardening")):
    with h5py.File(path, "w") as file:
        for case in cases:
            file.create_group(case).attrs["dt"] = 0.1
            for name in figure.COSTS:
                file[f"{case}/cost/{name}"] = np.array([8.0, 2.0])
            file[f"{case}/cost/echoes"][1] = 1.0
            for name in figure.READ_OUTS:
                file[f"{case}/read_out/{name}"] = np.zeros(5)


def test_fall_and_distance(tmp_path):
    recorded(tmp_path / "run.h5")
    found = figure.draw(tmp_path / "run.h5", tmp_path / "figure.png")
    assert found["linear, fall of the cost"] == 8
    assert found["hardening, from exact"] == 0.5
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_another_file_is_refused(tmp_path):
    recorded(tmp_path / "run.h5", ["linear"])
    with pytest.raises(InputError, match="has no hardening"):
        figure.draw(tmp_path / "run.h5", tmp_path / "figure.png")
