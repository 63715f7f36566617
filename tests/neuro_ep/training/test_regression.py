"""Networks that learn targets: what the log says, what comes out, what is refused."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from sklearn.metrics import r2_score

from neuro_ep import Dataset, InputError, find_rule, load_network, rebuild, train
from neuro_ep.recording.checksum import reseal
from neuro_ep.training.epochs import r2

DRAW = np.random.default_rng(0)
X = DRAW.random((60, 4))
Y = np.column_stack([200 + 50 * X @ [1, -1, 2, 0], 1e-3 * X[:, 3]])
RULES = (
    "ep",
    "dual-propagation",
    *(
        pytest.param(name, marks=pytest.mark.exhaustive)
        for name in ("continual-ep", "continual-vf", "spiking-ep", "dyadic")
    ),
    pytest.param("spiking-dual-propagation", marks=pytest.mark.exhaustive),
    pytest.param("dyadic-compartments", marks=pytest.mark.exhaustive),
)
QUIET = {"target": "numpy", "on_warning": lambda text: None}


def data_of(targets=Y, **choices):
    names = () if np.ndim(targets) == 1 else ("dose", "loss")
    given = {"kind": "regression", "target_names": names, "name": "bath", **choices}
    return Dataset.from_arrays(X, targets, **given)


def small(rule, data, **choices):
    return find_rule(rule).settings(data, **{"epochs": 3, "layers": (12,), **choices})


def column(file, name):
    with h5py.File(file) as opened:
        return opened[f"neuro_ep/training/{name}"][()]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    out, data = tmp_path_factory.mktemp("targets") / "bath.h5", data_of()
    settings = small("dual-propagation", data, epochs=15)
    train("dual-propagation", data, settings, out=out, **QUIET)
    return out


def test_targets_are_learned_and_told_in_the_unit_of_the_user(file):
    network, test = load_network(file, target="numpy"), data_of().test
    found = network.predict(X)
    assert found.shape == Y.shape and network.target_names == ("dose", "loss")
    assert (abs(found - Y).mean(axis=0) < Y.std(axis=0) / 2).all()
    last = column(file, "test_r2")[-1]
    assert last == pytest.approx(r2_score(Y[test], found[test]), abs=1e-5)
    assert last == pytest.approx(network.score(X[test], Y[test]), abs=1e-6)
    assert last > 0.7 > column(file, "test_r2")[0]
    assert network.is_regression and network.class_names == ()


def test_the_log_has_r2_where_classes_have_accuracies(file):
    with h5py.File(file) as opened:
        names = set(opened["neuro_ep/training"])
    assert {"test_r2", "train_r2", "test_cost", "train_cost"} <= names
    assert not {"test_accuracy", "train_accuracy"} & names


def test_the_result_has_r2(tmp_path):
    data = data_of(Y[:, 0])
    result = train("ep", data, small("ep", data), out=tmp_path / "run.h5", **QUIET)
    assert result.test_accuracy is None and result.train_accuracy is None
    assert result.test_r2 == column(result.file, "test_r2")[-1]
    assert load_network(result.file, target="numpy").predict(X[:3]).shape == (3,)


def test_the_cost_is_the_distance_from_the_targets(file):
    data, network = data_of(), load_network(file, target="numpy")
    missing = network.read_out(X[data.test]) - data.targets[data.test]
    wanted = 0.5 * (missing**2).sum(axis=1).mean()
    assert column(file, "test_cost")[-1] == pytest.approx(wanted, rel=1e-4)


def test_what_has_nothing_to_do_with_the_samples_is_not_learned(tmp_path):
    """The control: the same targets, shuffled among the samples."""
    shuffled = np.random.default_rng(1).permutation(Y)
    data = data_of(shuffled)
    settings = small("dual-propagation", data, epochs=15)
    out = tmp_path / "run.h5"
    result = train("dual-propagation", data, settings, out=out, **QUIET)
    assert result.test_r2 < 0.2


@pytest.mark.parametrize("rule", RULES)
def test_rules_with_a_squared_error_learn_targets(rule, tmp_path):
    data = data_of()
    kept = {"epochs": 2} if rule.startswith("spiking") else {"epochs": 12}
    settings = small(rule, data, **kept)
    out = tmp_path / "run.h5"
    train(rule, data, settings, out=out, allow_gain=True, **QUIET)
    cost = column(out, "test_cost")
    assert cost[-1] < 0.9 * cost[0]


@pytest.mark.parametrize(
    ("rule", "series", "choices", "message"),
    [
        ("ep", False, {"cost": "cross-entropy"}, "choose the cost squared-error"),
        ("dual-propagation", False, {"cost": "cross-entropy"}, "choose the cost"),
        ("rhel", True, {}, "reads a sum over time"),
        ("ep", False, {"layers": (4, 12, 3)}, "4 inputs and 2 targets"),
    ],
)
def test_what_cannot_be_learned_is_refused(rule, series, choices, message, tmp_path):
    samples = X.reshape(60, 2, 2) if series else X
    data = Dataset.from_arrays(samples, Y, kind="regression")
    with pytest.raises(InputError, match=message):
        out = tmp_path / "run.h5"
        train(rule, data, small(rule, data, **choices), out=out, target="numpy")
    assert list(tmp_path.iterdir()) == []


def test_series_have_targets_too(tmp_path):
    """One for each sample, all the time that it is shown."""
    data = Dataset.from_arrays(X.reshape(60, 2, 2), Y, kind="regression")
    out = tmp_path / "run.h5"
    train("heb", data, small("heb", data, epochs=2), out=out, **QUIET)
    assert np.isfinite(column(out, "test_r2")).all()


@pytest.mark.parametrize(
    "other",
    [
        {"targets": Y + np.eye(60, 2)},
        {"targets": Y * [1, 1000]},
        {"targets": Y[:, 0], "target_names": ()},
    ],
)
def test_a_run_goes_on_with_the_same_targets_only(file, other, tmp_path):
    left, data = rebuild(file), data_of(**other)
    settings = replace(small("dual-propagation", data), epochs=16)
    with pytest.raises(InputError, match="begun with another"):
        out = tmp_path / "more.h5"
        train(left.rule, data, settings, out=out, after=left, **QUIET)
    same = replace(left.settings, epochs=16)
    result = train(left.rule, data_of(), same, out=out, after=left, **QUIET)
    assert result.epochs == 16 and result.test_r2 > 0.7


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (Y[:-1], "give 2 for each"),
        (Y[:, 0], "give 2 for each"),
        (np.where(Y == Y[3], np.nan, Y), "nan"),
        (Y.astype(str), "no numbers"),
    ],
)
def test_scores_of_wrong_targets_are_refused(file, targets, message):
    with pytest.raises(InputError, match=message):
        load_network(file, target="numpy").score(X, targets)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target_scaling", {"factor": [1.0], "shift": [0.0]}),
        ("target_scaling", {"factor": [1.0, 0.0], "shift": [0.0, 0.0]}),
        ("target_scaling", {"factor": [1.0, float("nan")], "shift": [0.0, 0.0]}),
        ("target_names", ["dose"]),
    ],
)
def test_a_recording_with_other_targets_is_refused(file, key, value, tmp_path):
    damaged = tmp_path / "damaged.h5"
    shutil.copy(file, damaged)
    with h5py.File(damaged, "r+") as opened:
        text = opened["neuro_ep/records/data"]
        told = json.loads(text.asstr()[()])
        text[()] = json.dumps({**told, key: value})
    reseal(damaged)
    with pytest.raises(InputError, match="damaged"):
        load_network(damaged, target="numpy")


def test_r2_is_that_of_the_field():
    answers = Y + DRAW.normal(size=Y.shape)
    assert r2(Y, answers) == r2_score(Y, answers)
    assert r2(Y * [1, 1000] + 7, answers * [1, 1000] + 7) == pytest.approx(
        r2(Y, answers)
    )
    assert np.isnan(r2(Y, np.where(Y == Y[3], np.nan, answers)))
    with pytest.raises(ValueError, match="1 samples"):
        r2(Y[:1], answers[:1])


@pytest.mark.exhaustive
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
@pytest.mark.parametrize("rule", ["dual-propagation", "ep"])
def test_programs_learn_the_same_targets(rule, tmp_path):
    data, found = data_of(), {}
    for target in ("numpy", "standalone"):
        out = tmp_path / f"{target}.h5"
        choices = {**QUIET, "target": target, "dtype": "float64"}
        train(rule, data, small(rule, data, epochs=1), out=out, **choices)
        found[target] = [column(out, f"{kind}_r2")[-1] for kind in ("test", "train")]
        found[target].append(load_network(out, target="numpy").predict(X))
    for one, other in zip(*found.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
