"""Data sets from arrays: labels of any kind, splits, scaling, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from neuro_ep import Dataset, InputError, changed, find_rule, load_dataset
from neuro_ep.records import general

X, NUMBERS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (NUMBERS, (0, 1, 2)),
        (NUMBERS + 1, (1, 2, 3)),
        (NUMBERS * 7 - 3, (-3, 4, 11)),
        (NUMBERS.astype(float), (0, 1, 2)),
        (NUMBERS.reshape(-1, 1), (0, 1, 2)),
        (NUMBERS.tolist(), (0, 1, 2)),
        (NAMES[NUMBERS], tuple(NAMES)),
        (NAMES[NUMBERS].astype(object), tuple(NAMES)),
        (NAMES[NUMBERS].astype("S"), tuple(NAMES)),
        (NUMBERS == 0, (False, True)),
    ],
)
def test_labels_of_any_kind(labels, names):
    data = Dataset.from_arrays(X, labels)
    assert data.class_names == names and data.classes == len(names)
    flat = np.asarray(labels).ravel()
    wanted = [str(v, "ascii") if isinstance(v, bytes) else v for v in flat.tolist()]
    assert np.asarray(data.class_names)[data.labels].tolist() == wanted


def test_the_split_has_every_class_alike_and_follows_the_seed():
    data = Dataset.from_arrays(X, NUMBERS, test=0.3)
    assert np.bincount(data.labels[data.test]).tolist() == [15, 15, 15]
    assert sorted([*data.train, *data.test]) == list(range(150))
    same, other = (Dataset.from_arrays(X, NUMBERS, test=0.3, seed=s) for s in (0, 1))
    assert (same.test == data.test).all() and (other.test != data.test).any()


@pytest.mark.parametrize(
    "test", [[140, 3, 77], np.isin(np.arange(150), [3, 77, 140]), (3, 77, 140)]
)
def test_samples_that_test_are_named(test):
    data = Dataset.from_arrays(X, NUMBERS, test=test)
    assert data.test.tolist() == [3, 77, 140] and len(data.train) == 147


def test_other_samples_test():
    data = Dataset.from_arrays(X[::2], NUMBERS[::2], test=(X[1::2], NUMBERS[1::2]))
    assert data.train.tolist() == list(range(75))
    assert data.test.tolist() == list(range(75, 150))
    assert (data.labels[data.test] == NUMBERS[1::2]).all()


@pytest.mark.parametrize(
    ("scale", "peer"), [("minmax", MinMaxScaler()), ("standard", StandardScaler())]
)
def test_scaling_is_fitted_to_what_trains(scale, peer):
    wine, labels = load_wine(return_X_y=True)
    data = Dataset.from_arrays(wine, labels, scale=scale)
    right = peer.fit(wine[data.train]).transform(wine)
    np.testing.assert_allclose(data.inputs, right, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(data.scaling.undo(data.scaling.apply(wine)), wine)
    leaking = peer.fit(wine).transform(wine)
    assert not np.allclose(data.inputs, leaking, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_ranges_of_any_size(scale):
    """Currents in amperes, say, of some femtoamperes."""
    small, usual = (
        Dataset.from_arrays(X * f, NUMBERS, scale=scale) for f in (1e-18, 1)
    )
    np.testing.assert_allclose(small.inputs, usual.inputs, atol=1e-5)


def test_names_of_features_from_an_array_or_the_columns_of_a_table():
    class Table(np.ndarray):
        columns = np.array(["a", "b", "c", "d"])

    for data in (
        Dataset.from_arrays(X, NUMBERS, feature_names=np.array(["a", "b", "c", "d"])),
        Dataset.from_arrays(X.view(Table), NUMBERS),
    ):
        assert data.feature_names == ("a", "b", "c", "d")


def test_large_whole_numbers_stay_apart():
    data = Dataset.from_arrays(X[:12], [2**62 + 1, 2**62 + 2, -1] * 4)
    assert data.class_names == (-1, 2**62 + 1, 2**62 + 2)


def test_own_data_called_like_a_task_have_settings_of_their_own():
    data = Dataset.from_arrays(X, NUMBERS, name="digits")
    assert find_rule("ep").settings(data).layers == (4, 128, 3)


def test_without_scaling_and_with_a_constant_feature():
    plain = Dataset.from_arrays(X, NUMBERS, scale="none")
    assert plain.scaling is None and np.allclose(plain.inputs, X)
    constant = np.column_stack([X, np.full(150, 7.0)])
    data = Dataset.from_arrays(constant, NUMBERS)
    assert (data.inputs[:, 4] == 0).all() and data.features == 5


def test_series_are_frames_of_features():
    series = np.random.default_rng(0).normal(size=(30, 5, 3)) * [1, 10, 100]
    data = Dataset.from_arrays(series, np.arange(30) % 2)
    assert (data.frames, data.features, data.shape) == (5, 3, (5, 3))
    train = data.inputs[data.train].reshape(-1, 3)
    np.testing.assert_allclose([train.min(0), train.max(0)], [[0] * 3, [1] * 3])


WITH_NAN, STRINGS = X.copy(), X.astype(str)
WITH_NAN[3, 2] = np.nan
STRINGS[0, 0] = "long"


@pytest.mark.parametrize(
    ("inputs", "labels", "choices", "message"),
    [
        (X, NUMBERS[:-1], {}, "149 labels for 150 samples"),
        (X, NUMBERS + 0.5, {"kind": "classes"}, "0.5, which is no class"),
        (X, NUMBERS, {"target_names": ["a"]}, "target_names are of regression"),
        (X, np.where(NUMBERS, NUMBERS, np.nan), {}, "nan, which is no class"),
        (X, np.zeros(150), {}, "every label is"),
        (X, [None, *NAMES[NUMBERS][1:]], {}, "none missing"),
        (X, np.eye(3)[NUMBERS], {"kind": "classes"}, "give a class a sample"),
        (X, np.eye(3)[NUMBERS], {}, "0 and 1 only: give a class a sample"),
        (X, [], {}, "give a class a sample"),
        (X[:, 0], NUMBERS, {}, r"\(samples, features\)"),
        (STRINGS, NUMBERS, {}, "no numbers"),
        ([[1, 2], [3]], [0, 1], {}, "no numbers"),
        (WITH_NAN, NUMBERS, {}, r"inputs\[3, 2\] = nan"),
        (X, NUMBERS, {"scale": "minmix"}, "choose one of minmax, standard, none"),
        (X, NUMBERS, {"test": 0.0}, "share between 0 and 1"),
        (X, NUMBERS, {"test": 1.0}, "share between 0 and 1"),
        (X, NUMBERS, {"test": 1e-9}, "no test set can be drawn"),
        (X, NUMBERS, {"test": [150]}, "names 1 samples, of which 0"),
        (X, NUMBERS, {"test": [-1]}, "names 1 samples, of which 0"),
        (X, NUMBERS, {"test": [3, 3]}, "names 2 samples, of which 1"),
        (X, NUMBERS, {"test": [True, False]}, "test = .*a mask"),
        (X, NUMBERS, {"test": "half"}, "test = .*a mask"),
        (X, NUMBERS, {"test": (X[:, :2], NUMBERS)}, "give both the same"),
        (X, NUMBERS, {"test": (X, NUMBERS[:2])}, "2 test labels for 150 test samples"),
        (X[:5], NUMBERS[:6], {"test": (X[:4], NUMBERS[:3])}, "6 labels for 5 samples"),
        (X, NUMBERS, {"test": (X, NAMES[NUMBERS])}, "give both of one kind"),
        (X, NUMBERS, {"test": [X, NUMBERS, 3]}, "(?s)test = .*a mask"),
        (X, NUMBERS, {"test": range(150)}, "every sample of 3 classes tests"),
        (X, NUMBERS, {"test": NUMBERS % 2}, "a mask of True and False"),
        (X, NUMBERS, {"test": range(50)}, "every sample of 1 classes tests"),
        (X[:12], [1e20, 1e30, 3.0] * 4, {}, "1e\\+20, which is no class"),
        (X[:12], [2**63 + 1, 2**63 + 2, -1] * 4, {}, "which is no class"),
        (X[:12], ["a", "b", float("nan")] * 4, {}, "of one kind"),
        (X[:12], [1, "1", 2] * 4, {}, "of one kind"),
        (np.ma.masked_greater(X, 5), NUMBERS, {}, "inputs that are masked"),
        (X, np.ma.masked_equal(NUMBERS, 2), {}, "labels that are masked"),
        (X * 1j, NUMBERS, {}, "they are complex"),
        (X.astype("M8[s]"), NUMBERS, {}, "they are datetime"),
        (X, NUMBERS, {"feature_names": ["a"]}, "1 names for 4 features"),
        (X, [*["a"] * 149, "b"], {}, "no test set can be drawn"),
    ],
)
def test_what_is_refused(inputs, labels, choices, message):
    with pytest.raises(InputError, match=message):
        Dataset.from_arrays(inputs, labels, **choices)


# --- settings of a rule for such data ---


def test_settings_follow_from_the_size_of_samples():
    """Rates from the input are those of digits times the square of a digit over it."""
    rule, data = find_rule("dual-propagation"), Dataset.from_arrays(X, NUMBERS)
    settings, digits = rule.settings(data), rule.settings("digits")
    square = np.square(data.inputs[data.train]).sum(axis=1).mean()
    assert settings.layers == (4, 128, 3)
    assert settings.eta == pytest.approx((0.2 * 15.02 / square, 0.2), rel=1e-4)
    assert (settings.beta, settings.batch) == (digits.beta, digits.batch)
    assert settings.epochs == 300  # as many updates as on digits would take 591
    few = rule.settings(Dataset.from_arrays(X[::10], NUMBERS[::10]))
    assert few.batch == 12


@pytest.mark.parametrize(
    ("layers", "found", "rates"),
    [
        ((30,), (4, 30, 3), 2),
        ((30, 20), (4, 30, 20, 3), 3),
        ((4, 30, 3), (4, 30, 3), 2),
        ((4, 3), (4, 3), 1),
    ],
)
def test_layers_without_their_ends(layers, found, rates):
    rule, data = find_rule("ep"), Dataset.from_arrays(X, NUMBERS)
    settings = rule.settings(data, layers=layers)
    assert settings.layers == found and len(settings.eta) == rates
    assert settings.eta[0] == rule.settings(data).eta[0]


def test_rates_stay_where_there_are_as_many_projections():
    base = find_rule("continual-ep").settings("digits", preset="digits-2h")
    base = changed(base, eta=(0.3, 0.2, 0.1))
    rule = replace(find_rule("continual-ep"), defaults={"digits": base})
    assert rule.settings("digits", layers=(64, 9, 8, 10)).eta == (0.3, 0.2, 0.1)
    assert rule.settings("digits", layers=(64, 9, 8, 7, 10)).eta == (0.3, 0.1, 0.1, 0.1)


def test_what_is_said_of_the_digits():
    digits = load_dataset("digits")
    square = np.square(digits.inputs[digits.train], dtype=float).sum(axis=1).mean()
    assert len(digits.train) == general.DIGITS
    assert square == pytest.approx(general.SQUARE, rel=1e-3)


def test_layers_of_a_task_by_its_name():
    assert find_rule("ep").settings("digits", layers=(30,)).layers == (64, 30, 10)
    assert find_rule("ep").settings("digits", layers=(6, 8, 3)).layers == (6, 8, 3)
    series = np.random.default_rng(0).normal(size=(40, 5, 3))
    data = Dataset.from_arrays(series, np.arange(40) % 2)
    rhel = find_rule("rhel").settings(data, layers=(20,))
    assert rhel.layers == (3, 20) and rhel.read == 2


def test_rules_without_settings_for_such_data():
    flat = Dataset.from_arrays(X, NUMBERS)
    series = Dataset.from_arrays(X.reshape(150, 2, 2), NUMBERS)
    with pytest.raises(InputError, match="rhel has no settings for samples.*at once"):
        find_rule("rhel").settings(flat)
    with pytest.raises(InputError, match="ep has no settings for series"):
        find_rule("ep").settings(series)
