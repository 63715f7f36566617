"""Own data on the command line: a table is trained on, and new samples are labelled."""

import csv
import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from neuro_ep.command.main import main

X, NUMBERS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]
COLUMNS = ["a", "b", "c", "d"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("iris.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [[*COLUMNS, "kind"], *([*x, y] for x, y in zip(X, NAMES, strict=True))]
        )
    return tmp_path / "iris.csv"


def said(capsys, *words) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(list(words))
    told = capsys.readouterr()
    return status, told.out, told.err


TRAIN = ("train", "iris.csv", "--label", "kind", "--rule", "dual-propagation")
QUICK = ("--target", "numpy", "--epochs", "4", "--layers", "20")


def test_a_table_is_learned_and_new_samples_are_labelled(table, capsys):
    status, out, _ = said(capsys, *TRAIN, *QUICK, "--json")
    result = json.loads(out)
    assert status == 0 and result["file"].endswith("runs/iris_dual-propagation_0.h5")
    assert result["test_accuracy"] > 0.6
    with open("new.csv", "w", newline="") as file:  # other columns, in another order
        rows = [[x[3], "?", x[0], x[2], x[1]] for x in X]
        csv.writer(file).writerows([["d", "remark", "a", "c", "b"], *rows])
    predict = ("predict", result["file"], "new.csv", "--target", "numpy")
    status, out, _ = said(capsys, *predict)
    lines = list(csv.reader(out.splitlines()))
    assert status == 0 and lines[0][0] == "label" and len(lines) == 151
    assert lines[0][1:] == [f"read_out_{name}" for name in sorted(set(NAMES))]
    assert (np.array([line[0] for line in lines[1:]]) == NAMES).mean() > 0.6
    status, _, told = said(capsys, *predict, "-o", "labels.csv")
    assert status == 0 and "150 labels" in told
    assert Path("labels.csv").read_text() == out
    status, _, told = said(capsys, *predict, "-o", "labels.csv")
    assert status == 2 and "--overwrite" in told
    status, out, _ = said(capsys, *predict, "--json")
    assert [line[0] for line in lines[1:]] == json.loads(out)["labels"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "iris.csv", "--rule", "ep"), "which column to learn"),
        ((*TRAIN[:3], "a", "--rule", "ep"), "is no number"),
        ((*TRAIN, "--test", "2"), "share between 0 and 1"),
        ((*TRAIN, "--scale", "log"), "scale = 'log'"),
        ((*TRAIN, "--data", "x"), "has the data already"),
        ((*TRAIN, "--preset", "digits-stream"), "is for the task 'digits'"),
        (("train", "none.csv", "--label", "x", "--rule", "ep"), "no such file"),
        (("train", "digits", "--label", "x", "--rule", "ep"), "says that itself"),
        (("train", "digits", "--scale", "none", "--rule", "ep"), "says that itself"),
        (("train", "digits", "--kind", "classes", "--rule", "ep"), "says that itself"),
        ((*TRAIN[:3], "a,b,c", "--rule", "ep"), "kind = 'setosa' is no number"),
        ((*TRAIN, "--kind", "regression"), "kind = 'setosa' is no number"),
        (("train", "iris.csv", "--label", "kind", "--rule", "rhel"), "no settings for"),
        (("predict", "none.h5", "iris.csv"), "no such file"),
        (("predict", "none.h5", "iris.csv", "-o", "x", "--json"), "choose one"),
        (("predict", "none.h5", "iris"), "that ends in"),
    ],
)
def test_what_is_refused(table, capsys, words, message):
    status, out, told = said(capsys, *words)
    assert (status, out) == (2, "") and message in told
    assert sorted(path.name for path in table.parent.iterdir()) == ["iris.csv"]


def test_a_changed_file_is_not_the_one_that_was_built_for(table, capsys):
    """What an earlier command left behind does not stand for other data."""
    from neuro_ep.command.training import warm_start

    options = Namespace(task="iris.csv", data=None, rule="ep", label="kind")
    before = warm_start(options).name
    assert warm_start(options).name == before
    table.write_text(table.read_text().replace("5.1", "5.2", 1))
    assert warm_start(options).name != before


# --- targets of a regression ---


def predicted(capsys, *words) -> tuple[list[str], np.ndarray]:
    """The names of the columns that are told, and their numbers."""
    status, out, _ = said(capsys, *words)
    assert status == 0
    lines = list(csv.reader(out.splitlines()))
    return lines[0], np.array(lines[1:], float)


def test_columns_of_numbers_are_learned_and_predicted(table, capsys):
    words = ("train", "iris.csv", "--label", "c,d", "--rule", "dual-propagation")
    rows = [[*x] for x in X]
    with open("iris.csv", "w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    status, out, told = said(capsys, *words, *QUICK)
    assert status == 0 and "test R2         0." in out
    assert "(last epoch, before updates)" in out and "accuracy" not in out + told
    assert told.splitlines()[-1].startswith("epoch 4/4  test R2 0.")
    file = "runs/iris_dual-propagation_0.h5"
    predict = ("predict", file, "iris.csv", "--target", "numpy")
    names, values = predicted(capsys, *predict)
    assert names == ["c", "d"] and values.shape == (150, 2)
    assert (abs(values - X[:, 2:]).mean(axis=0) < X[:, 2:].std(axis=0)).all()
    status, out, _ = said(capsys, *predict, "--json")
    found = json.loads(out)
    assert found["names"] == names
    np.testing.assert_allclose(found["targets"], values, rtol=1e-6)
    status, _, told = said(capsys, *predict, "-o", "out.csv")
    assert status == 0 and "150 targets in out.csv" in told
    status, out, _ = said(capsys, "info", file)
    assert "R2 " in out and "accuracy" not in out


def test_what_is_learned_can_be_said(table, capsys):
    rows = [[*x, k] for k, x in enumerate(X)]
    with open("iris.csv", "w", newline="") as file:
        csv.writer(file).writerows([[*COLUMNS, "kind"], *rows])
    status, _, told = said(capsys, *TRAIN, *QUICK)
    assert status == 2 and "150 different whole numbers" in told
    status, out, _ = said(capsys, *TRAIN, *QUICK, "--kind", "regression", "--json")
    assert status == 0 and set(json.loads(out)) >= {"test_r2", "train_r2"}
    status, _, told = said(capsys, *TRAIN, *QUICK, "--kind", "numbers")
    assert status == 2 and "choose classes or regression" in told
