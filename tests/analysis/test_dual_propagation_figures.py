"""The figures of dual propagation in Brian2 say what they cannot read."""

from importlib import import_module

import h5py
import numpy as np
import pytest

from neuro_ep.analysis import dual_propagation_settling_figure as settling
from neuro_ep.analysis import dual_propagation_training_figure as training

NAMES = {"settling": "L", "training": "closed form", "stream": "always on, 40"}


@pytest.fixture(params=NAMES)
def kind(request):
    return request.param


@pytest.fixture
def figure(kind):
    return import_module(f"neuro_ep.analysis.dual_propagation_{kind}_figure")


def test_no_file(kind, figure, tmp_path, capsys):
    path, png = tmp_path / "none.h5", tmp_path / "out.png"
    assert figure.main([str(path), str(png)]) == 2
    error = capsys.readouterr().err
    assert f"run sims/dual_propagation_{kind}.py" in error and error.count("\n") == 1
    assert not png.exists()


def test_another_file(kind, figure, tmp_path, capsys):
    path = tmp_path / "other.h5"
    h5py.File(path, "w").close()
    assert figure.main([str(path), str(tmp_path / "out.png")]) == 2
    assert f"has no {NAMES[kind]}" in capsys.readouterr().err


def test_settling_times_are_medians_of_the_networks(tmp_path):
    path = tmp_path / "settling.h5"
    times = {2: [[3.0, 5.0], [4.0, 6.0], [9.0, 7.0]], 5: [[8.0, 12.0]] * 3}
    with h5py.File(path, "w") as file:
        file.attrs["share"], file.attrs["step_tau"] = (0.1, 0.01), 0.1
        for depth, rows in times.items():
            group = file.create_group(f"L/{depth}")
            group["error"], group["time_tau"] = np.full((3, 9), 0.5), rows
            group["filters_99_tau"] = 5.0 * depth
    pytest.importorskip("matplotlib")
    drawn = settling.draw(path, tmp_path / "out.png")
    assert drawn["L 2"] == [4, 6] and drawn["L 5"] == [8, 12]
    assert drawn["slope"] == pytest.approx(2)


def test_training_shows_means_at_the_end_and_the_largest_angle(tmp_path):
    path = tmp_path / "training.h5"
    with h5py.File(path, "w") as file:
        for name in (*training.LEARNERS, training.PEER):
            group = file.create_group(name)
            group["test_accuracy"] = [[0.1, 0.9], [0.2, 0.8]]
        for name, largest in zip(training.LEARNERS, (3.0, 7.0), strict=True):
            file[name]["angle_epoch"] = [0, 1]
            file[name]["angle/input_to_hidden"] = [[1.0, 2.0], [largest, 0.0]]
    pytest.importorskip("matplotlib")
    drawn = training.draw(path, tmp_path / "out.png")
    assert drawn["closed form"] == pytest.approx(0.85)
    assert (drawn["angle_closed form"], drawn["angle_continuous time"]) == (3, 7)
