"""The picture of a training run: its numbers, its parts and its refusals."""

import builtins
import subprocess
import sys

import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.analysis import training_figure
from neuro_ep.errors import InputError

image = pytest.importorskip("matplotlib.image")


def record(path, shape=(3, 4), hidden=30, rows=None, final=None):
    """A recording whose hidden unit j has input weights of norm about j."""
    inputs = 12
    places = {
        "input_hidden": ("input", "hidden", [inputs, hidden]),
        "hidden_output": ("hidden", "output", [hidden, 2]),
    }
    header = {
        "rule": "ep",
        "task": "toy",
        "layers": [inputs, hidden, 2],
        "seed": 3,
        "epochs": 2,
        "target": "numpy",
        "projections": {
            name: {"source_pop": a, "target_pop": b, "units": "mV", "shape": size}
            for name, (a, b, size) in places.items()
        },
        "dataset": {"name": "toy", "shape": list(shape)},
    }
    writer = recording.create(path, header)
    rng = np.random.default_rng(0)
    if final is None:
        final = rng.choice([-1.0, 1.0], (inputs, hidden)) * np.arange(hidden)
    for epoch, row in enumerate(rows or DEFAULT_ROWS):
        weights = {"input_hidden": final, "hidden_output": np.ones((hidden, 2))}
        writer.checkpoint(epoch, weights, row)
    return writer.finish()


DEFAULT_ROWS = [
    {"test_accuracy": 0.5},
    {"test_accuracy": 0.9, "train_accuracy": 0.91},
    {"test_accuracy": 0.94, "train_accuracy": 0.97},
]


def figure_of(monkeypatch, path, tmp_path):
    """The Figure that `draw` makes, and the numbers it gives."""
    kept = []
    monkeypatch.setattr(training_figure, "_save", lambda fig, path: kept.append(fig))
    numbers = training_figure.draw(path, tmp_path / "run.png")
    return kept[0], numbers


def texts(figure):
    of_axes = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [text.get_text() for text in figure.texts] + of_axes


def test_numbers_and_picture(tmp_path):
    numbers = training_figure.draw(record(tmp_path / "run.h5"), tmp_path / "run.png")
    assert numbers == {
        "rule": "ep",
        "task": "toy",
        "layers": [12, 30, 2],
        "seed": 3,
        "epochs": 2,
        "test_accuracy": 0.94,
        "train_accuracy": 0.97,
        "hidden_units": list(range(29, 5, -1)),
        "file": str(tmp_path / "run.png"),
    }
    pixels = image.imread(tmp_path / "run.png")
    assert pixels.shape[1] > 1500 and np.ptp(pixels[..., :3]) > 0.9
    assert {file.name for file in tmp_path.iterdir()} == {"run.h5", "run.png"}


def test_title_and_final_accuracy_are_written(tmp_path, monkeypatch):
    figure, _ = figure_of(monkeypatch, record(tmp_path / "run.h5"), tmp_path)
    written = " | ".join(texts(figure))
    for part in ("ep on toy", "layers 12-30-2", "seed 3", "test 94.0 %", "24 of 30"):
        assert part in written


def test_receptive_fields_are_columns_on_one_centred_scale(tmp_path, monkeypatch):
    final = np.random.default_rng(1).normal(size=(12, 5))
    path = record(tmp_path / "run.h5", hidden=5, final=final)
    figure, numbers = figure_of(monkeypatch, path, tmp_path)
    drawn = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(drawn) == 5
    for unit, picture in zip(numbers["hidden_units"], drawn, strict=True):
        assert np.array_equal(picture.get_array(), final[:, unit].reshape(3, 4))
    scales = {picture.get_clim() for picture in drawn}
    assert len(scales) == 1
    low, high = scales.pop()
    assert low == -high


def test_curves_show_what_was_recorded(tmp_path, monkeypatch):
    figure, _ = figure_of(monkeypatch, record(tmp_path / "run.h5"), tmp_path)
    axes = figure.axes[0]
    lines = [(*line.get_xdata(), *line.get_ydata()) for line in axes.lines[:2]]
    # Epoch 0 (50 %) is below what is shown, and training had no value there.
    assert lines == [(1, 2, 90, 94), (1, 2, 91, 97)]
    assert axes.get_ylim() == (85, 100)


@pytest.mark.parametrize("end", [(0.99, 0.99), (1.0, 1.0), (0.2, 0.201)])
def test_labels_keep_apart(tmp_path, monkeypatch, end):
    rows = [{"test_accuracy": end[0], "train_accuracy": end[1]}] * 3
    path = record(tmp_path / "run.h5", rows=rows)
    figure, _ = figure_of(monkeypatch, path, tmp_path)
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    heights = [text.xy[1] for text in axes.texts]
    assert abs(heights[0] - heights[1]) > 0.07 * (high - low) > 0


@pytest.mark.parametrize("rows", [DEFAULT_ROWS[:1], [{"train_accuracy": 1.0}] * 2])
def test_short_and_partial_logs(tmp_path, rows):
    path = record(tmp_path / "run.h5", rows=rows)
    numbers = training_figure.draw(path, tmp_path / "run.png")
    assert numbers["test_accuracy"] == rows[-1].get("test_accuracy")
    assert (tmp_path / "run.png").stat().st_size > 10_000


@pytest.mark.parametrize("change", ["no picture", "diverged"])
def test_without_receptive_fields(tmp_path, change):
    final = np.full((12, 30), np.nan) if change == "diverged" else None
    shape = (12,) if change == "no picture" else (3, 4)
    path = record(tmp_path / "run.h5", shape=shape, final=final)
    assert training_figure.draw(path, tmp_path / "run.png")["hidden_units"] == []
    assert (tmp_path / "run.png").exists()


def test_weights_that_are_all_zero(tmp_path):
    path = record(tmp_path / "run.h5", final=np.zeros((12, 30)))
    training_figure.draw(path, tmp_path / "run.png")


def test_r2_of_a_regression_is_drawn(tmp_path, monkeypatch):
    rows = [{"test_r2": v, "train_r2": v - 0.1} for v in (-7.0, 0.25, 0.5)]
    path = record(tmp_path / "run.h5", rows=rows)
    figure, numbers = figure_of(monkeypatch, path, tmp_path)
    axes = figure.axes[0]
    assert (numbers["test_r2"], numbers["train_r2"]) == (0.5, 0.4)
    assert "test_accuracy" not in numbers
    assert axes.get_title(loc="left") == "R2 in %"
    assert axes.lines[0].get_xydata().tolist() == [[1, 25], [2, 50]]
    assert [text.get_text() for text in axes.texts] == ["test 50.0 %", "train 40.0 %"]


def test_r2_below_zero_stays_on_the_page(tmp_path, monkeypatch):
    rows = [{"test_r2": -7.0}, {"test_r2": -0.5}, {"test_r2": -3.0}]
    path = record(tmp_path / "run.h5", rows=rows)
    figure, _ = figure_of(monkeypatch, path, tmp_path)
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert (low, high) == (-100, 100)
    assert all(low <= text.xy[1] <= high for text in axes.texts)
    assert axes.texts[0].get_text() == "test -300.0 %"


def test_refuses_a_run_without_accuracies(tmp_path):
    path = record(tmp_path / "run.h5", rows=[{"loss": 1.0}])
    with pytest.raises(InputError, match="neither accuracies nor R2"):
        training_figure.draw(path, tmp_path / "run.png")


def test_refuses_a_folder_that_is_not_there(tmp_path):
    path = record(tmp_path / "run.h5")
    with pytest.raises(InputError, match="no/run.png cannot be written: No such file"):
        training_figure.draw(path, tmp_path / "no" / "run.png")


def test_leaves_nothing_when_the_name_is_taken_by_a_folder(tmp_path):
    path = record(tmp_path / "run.h5")
    (tmp_path / "run.png").mkdir()
    with pytest.raises(InputError, match="run.png cannot be written"):
        training_figure.draw(path, tmp_path / "run.png")
    assert {file.name for file in tmp_path.iterdir()} == {"run.h5", "run.png"}


def test_missing_matplotlib_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install neuro_ep\[report\]"):
        training_figure.draw(tmp_path / "run.h5", tmp_path / "run.png")


def test_command(tmp_path, capsys):
    path = record(tmp_path / "run.h5")
    assert training_figure.main([str(path), str(tmp_path / "run.png")]) == 0
    assert "test_accuracy: 0.94" in capsys.readouterr().out
    assert training_figure.main([str(tmp_path / "x.h5"), "x.png"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_imports_neither_brian2_nor_matplotlib():
    code = "import sys, neuro_ep.analysis.training_figure\n"
    code += "sys.exit(bool({'brian2', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
