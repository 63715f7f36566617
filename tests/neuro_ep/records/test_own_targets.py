"""Targets of a regression from arrays: what is taken for one, and how it is kept."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from neuro_ep import Dataset, InputError, find_rule
from neuro_ep.records.own_targets import kind_of

X, Y = load_diabetes(return_X_y=True)
THREE = np.column_stack([Y, X[:, 2], -1e6 * Y])


def data_of(targets=Y, **choices):
    return Dataset.from_arrays(X, targets, **{"kind": "regression", **choices})


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Y + 0.5, "regression"),
        ((Y + 0.5).tolist(), "regression"),
        ((Y + 0.5).astype(object), "regression"),
        (THREE, "regression"),
        (np.column_stack([Y, Y]).astype(int), "regression"),
        ((Y + 0.5)[:, None], "regression"),
        (np.arange(60) % 3, "classes"),
        (np.arange(60) % 3.0, "classes"),
        (np.arange(60) % 2 == 0, "classes"),
        (np.arange(400) % 40, "classes"),
        (np.array(["1.5", "2.5"] * 9), "classes"),
        ([[1.5, 2.5], [3.5]], "classes"),
        ([1.5, "2.5"] * 9, "classes"),
    ],
)
def test_kinds_are_told_apart(given, kind):
    assert kind_of("data", None, given) == kind


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Y, "214 different whole numbers in 442 samples may be classes or targets"),
        (Y.astype(int), "may be classes or targets"),
        (np.arange(5), "may be classes or targets"),
        (np.eye(3)[np.arange(60) % 3], "0 and 1 only"),
        (np.ones((9, 2), int), "0 and 1 only"),
    ],
)
def test_what_may_be_either_has_to_be_said(given, message):
    with pytest.raises(InputError, match=message):
        kind_of("data", None, given)
    for kind in ("classes", "regression"):
        assert kind_of("data", kind, given) == kind


def test_targets_are_scaled_by_what_trains_and_come_back():
    data = data_of(THREE, target_names=["a", "b", "c"])
    assert data.targets.shape == (442, 3) and data.targets.dtype == np.float32
    assert (data.classes, data.labels.size, data.class_names) == (0, 0, ())
    assert data.outputs == 3 and data.target_names == ("a", "b", "c")
    train = data.targets[data.train]
    np.testing.assert_allclose(train.mean(axis=0), 0.5, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 0.2, atol=1e-5)
    assert not np.allclose(data.targets.mean(axis=0), 0.5, atol=1e-5)  # no leak
    back = data.target_scaling.undo(data.targets)
    np.testing.assert_allclose(back, THREE, rtol=1e-5, atol=1e-5)


def test_one_target_in_either_shape_is_the_same():
    flat, column = data_of(Y), data_of(Y[:, None])
    np.testing.assert_array_equal(flat.targets, column.targets)
    assert flat.targets.shape == (442, 1)


def test_names_come_from_a_table_or_a_column():
    class Named(np.ndarray):
        pass

    table, column = THREE.view(Named), Y.view(Named)
    table.columns, column.name = ["a", "b", "c"], "progression"
    assert data_of(table).target_names == ("a", "b", "c")
    assert data_of(column).target_names == ("progression",)
    assert data_of(Y).target_names == ()


def test_other_samples_test():
    rest = (X[300:], Y[300:])
    data = Dataset.from_arrays(X[:300], Y[:300], test=rest, kind="regression")
    assert data.test.tolist() == list(range(300, 442))
    back = data.target_scaling.undo(data.targets)
    np.testing.assert_allclose(back[:, 0], Y, rtol=1e-5)


def test_settings_have_an_output_a_target():
    assert find_rule("ep").settings(data_of(THREE)).layers == (10, 128, 3)
    named = data_of(name="digits")
    assert find_rule("ep").settings(named).layers == (10, 128, 1)


def test_rates_of_a_regression_have_factors_of_their_own():
    rule, data = find_rule("ep"), data_of()
    digits = rule.settings("digits").eta
    square = np.square(data.inputs[data.train]).sum(axis=1).mean()
    first, above = rule.regression_rates
    wanted = (digits[0] * 15.02 / square * first, digits[1] * above)
    assert rule.settings(data).eta == pytest.approx(wanted, rel=1e-4)
    classes = Dataset.from_arrays(X, np.arange(442) % 2)
    assert rule.settings(classes).eta[1] == digits[1]


def with_one(value):
    return np.where(np.arange(442) == 7, value, Y)


@pytest.mark.parametrize(
    ("targets", "choices", "message"),
    [
        (Y[:-1], {}, "441 targets for 442 samples"),
        (with_one(np.nan), {}, r"targets\[7, 0\] = nan"),
        (with_one(np.inf), {}, r"targets\[7, 0\] = inf"),
        (with_one(np.nan) + 0.5, {"kind": None}, r"targets\[7, 0\] = nan"),
        (np.ma.masked_equal(Y, Y[0]), {}, "targets that are masked"),
        (np.ma.masked_equal(Y + 0.5, Y[0] + 0.5), {"kind": None}, "that are masked"),
        ([[1.5, 2.5], [3.5]], {}, "no numbers"),
        (["high", *Y[1:]], {}, "no numbers"),
        ([None, *Y[1:]], {}, "no numbers"),
        ([], {}, "shape"),
        (np.empty((442, 0)), {}, r"shape \(442, 0\)"),
        (np.empty((442, 0)), {"kind": None}, r"shape \(442, 0\)"),
        (np.ones((442, 2, 2)), {}, r"shape \(442, 2, 2\)"),
        (Y * 1j, {}, "no numbers"),
        (np.full(442, 3.5), {}, "3.5 in every training sample"),
        (np.column_stack([Y, 0 * Y]), {}, "number 1 is 0.0 in every training sample"),
        (with_one(1e300), {"test": range(9, 60)}, "as 1e.300; give it in another"),
        (Y, {"kind": "classification"}, "choose classes or regression"),
        (Y, {"target_names": ["a", "b"]}, "2 names for 1 targets"),
        (THREE, {"target_names": ["a", "b", "a"]}, "a name of its own"),
        (Y, {"test": (X, THREE)}, "1 targets and 3 test targets"),
        (Y, {"test": (X, Y[:5])}, "5 test targets for 442 test samples"),
        (Y, {"test": [3]}, "1 test: R2 is of two or more"),
        (Y, {"test": range(442)}, "every sample tests"),
        (Y, {"test": 0.0}, "share between 0 and 1"),
    ],
)
def test_what_is_refused(targets, choices, message):
    with pytest.raises(InputError, match=message):
        data_of(targets, **choices)


GOOD = {
    "name": "rows",
    "inputs": np.eye(4),
    "labels": np.empty(0, np.int64),
    "train": [0, 1],
    "test": [2, 3],
    "classes": 0,
    "shape": (4,),
    "source": "made here",
    "targets": np.arange(8.0).reshape(4, 2),
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"targets": np.ones((3, 2))}, "3 targets for 4 samples"),
        ({"targets": np.ones(4)}, r"targets of shape \(4,\)"),
        ({"targets": np.full((4, 2), np.nan)}, "targets.* = nan"),
        ({"classes": 2}, "both classes and targets"),
        ({"labels": np.zeros(4, int)}, "both classes and targets"),
        ({"target_names": ("a",)}, "not of 2 targets"),
    ],
)
def test_a_record_with_targets_is_checked(wrong, message):
    assert Dataset(**GOOD).outputs == 2
    with pytest.raises(InputError, match=message):
        Dataset(**{**GOOD, **wrong})
