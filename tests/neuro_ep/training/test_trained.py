"""A trained network out of its recording: it says what it said in training."""

import json
import shutil

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_iris

from neuro_ep import Dataset, InputError, find_rule, load_network, train
from neuro_ep.recording.checksum import reseal

X, NUMBERS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]
RULES = ("ep", "dual-propagation")


def data_of(**choices):
    return Dataset.from_arrays(X[::3], NAMES[::3], name="iris", **choices)


def trained_by(rule, data, out, **choices):
    settings = find_rule(rule).settings(data, epochs=3, layers=(12,))
    train(rule, data, settings, out=out, on_warning=lambda text: None, **choices)
    return out


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = data_of()
    return {
        rule: trained_by(rule, data, folder / f"{rule}.h5", target="numpy")
        for rule in RULES
    }


def last_accuracy(file):
    with h5py.File(file) as opened:
        return opened["neuro_ep/training/test_accuracy"][-1]


@pytest.mark.parametrize("rule", RULES)
def test_it_judges_as_at_the_end_of_training(files, rule):
    network, test = load_network(files[rule], target="numpy"), data_of().test
    assert network.score(X[::3][test], NAMES[::3][test]) == last_accuracy(files[rule])
    assert network.class_names == ("setosa", "versicolor", "virginica")
    answers = network.read_out(X)
    right = np.array(network.class_names)[answers.argmax(axis=1)]
    assert answers.shape == (150, 3) and (network.predict(X) == right).all()
    assert 0 < np.ptp(answers, axis=0).min()


def test_samples_are_answered_alone_as_together(files):
    """More of them than one run shows, and fewer than a batch."""
    network = load_network(files["ep"], target="numpy")
    many = np.concatenate([X] * 2)
    answers = network.read_out(many)
    np.testing.assert_array_equal(answers[:150], answers[150:])
    np.testing.assert_allclose(network.read_out(X[7:8]), answers[7:8], atol=1e-6)
    np.testing.assert_array_equal(network.read_out(many), answers)  # nothing learned


def test_new_data_are_scaled_as_those_of_training(files):
    network = load_network(files["dual-propagation"], target="numpy")
    scaled = data_of().scaling.apply(X)
    assert not np.allclose(network.read_out(scaled), network.read_out(X), atol=0.01)


def test_weights_are_those_of_the_recording(files):
    network = load_network(files["ep"], target="numpy")
    with h5py.File(files["ep"]) as opened:
        for name, matrix in network.weights.items():
            final = opened[f"neuro_ep/weights/{name}/final"][()]
            np.testing.assert_allclose(matrix, final, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_the_compiled_network_says_the_same(tmp_path, monkeypatch):
    """And the program is the one that training has compiled."""
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    file = trained_by("ep", data_of(), tmp_path / "run.h5", target="standalone")
    builds = sorted((tmp_path / "cache").glob("build_*"))
    answers = load_network(file).read_out(X)
    plain = load_network(file, target="numpy").read_out(X)
    np.testing.assert_allclose(answers, plain, atol=1e-5)
    assert sorted((tmp_path / "cache").glob("build_*")) == builds != []


def test_it_runs_where_it_was_trained(files, tmp_path, monkeypatch):
    """Nothing is compiled for a network that numpy has trained; unless one asks."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("NEURO_EP_CACHE", str(cache))
    load_network(files["ep"]).predict(X[:3])
    assert not list(cache.glob("build_*"))


class Table(np.ndarray):
    """What is used of a DataFrame."""

    columns = ["d", "b", "remark", "a", "c"]


def test_columns_are_found_by_their_names(tmp_path):
    names = ["a", "b", "c", "d"]
    file = trained_by(
        "ep", data_of(feature_names=names), tmp_path / "f.h5", target="numpy"
    )
    network = load_network(file, target="numpy")
    table = np.column_stack([X[:, [3, 1]], X[:, 0] * 0, X[:, [0, 2]]]).view(Table)
    np.testing.assert_array_equal(network.read_out(table), network.read_out(X))
    table.columns = ["d", "b", "remark", "a", "e"]
    with pytest.raises(InputError, match="no column c in the inputs"):
        network.predict(table)


@pytest.mark.parametrize("row", [0, 60, 149])
def test_a_sample_that_makes_it_run_away_is_named(files, row):
    """Those after it would not be shown, and all be of the first class."""
    network, wrong = load_network(files["dual-propagation"], target="numpy"), X.copy()
    wrong[row, 0] = 1e5
    with pytest.raises(
        InputError, match=rf"inputs\[{row}\] makes the network run away"
    ):
        network.predict(wrong)
    wrong[row, 0] = 1e300
    with pytest.raises(InputError, match=rf"inputs\[{row}\] has values that are miss"):
        network.predict(wrong)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("class_names", ["a", "b"]),
        ("class_names", ["a", "b", "c", "d"]),
        ("class_names", ["a", "a", "b"]),
        ("class_names", [{}, {}, {}]),
        ("feature_names", ["a", "b"]),
        ("scaling", 0),
        ("scaling", {}),
        ("scaling", {"factor": [1, 1, 1, 1], "shift": [0]}),
        ("scaling", {"factor": [1, 1, 1, float("nan")], "shift": [0, 0, 0, 0]}),
    ],
)
def test_what_a_file_says_of_its_data_fits_its_network(files, tmp_path, key, value):
    file = shutil.copy(files["ep"], tmp_path / "other.h5")
    with h5py.File(file, "r+") as opened:
        told = json.loads(opened["neuro_ep/records/data"][()])
        del opened["neuro_ep/records/data"]
        opened["neuro_ep/records/data"] = json.dumps({**told, key: value})
    reseal(file)
    with pytest.raises(InputError):
        load_network(file, target="numpy")


WITH_NAN = X.copy()
WITH_NAN[0, 0] = np.nan


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (X[:, :3], "give a row of 4 numbers"),
        (X[0], "give a row of 4 numbers"),
        (X[:0], "give a row of 4 numbers"),
        (WITH_NAN, "missing or infinite"),
        ([["a", "b", "c", "d"]], "no numbers"),
    ],
)
def test_inputs_that_are_refused(files, inputs, message):
    with pytest.raises(InputError, match=message):
        load_network(files["ep"], target="numpy").predict(inputs)


def test_labels_that_are_refused(files):
    network = load_network(files["ep"], target="numpy")
    with pytest.raises(InputError, match="2 labels for 150 samples"):
        network.score(X, NAMES[:2])
    with pytest.raises(InputError, match="label 'rose': the network knows the classes"):
        network.score(X[:1], ["rose"])


def test_files_and_targets_that_are_refused(files, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_network(tmp_path / "none.h5")
    with pytest.raises(InputError, match="choose one of"):
        load_network(files["ep"], target="gpu")
