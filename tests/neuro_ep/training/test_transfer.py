"""A run begins with the weights of another."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import mV, nS

from neuro_ep import InputError, find_rule, load_dataset, load_network, train
from neuro_ep.recording import open_recording

SHORT = {"layers": (64, 6, 10), "batch": 4, "free": 6, "nudged": 3}


@pytest.fixture(scope="module")
def few():
    digits = load_dataset("digits")
    return replace(digits, train=digits.train[:12], test=digits.test[:8])


def trained(few, out, rule="ep", epochs=1, layers=(64, 6, 10), **choices):
    settings = find_rule(rule).settings("digits", **{**SHORT, "layers": layers})
    settings = replace(settings, epochs=epochs)
    how = {"target": "numpy", "on_warning": str, "seed": 3, **choices}
    return train(rule, few, settings, out=out, **how).file


@pytest.fixture(scope="module")
def source(few, tmp_path_factory):
    return trained(few, tmp_path_factory.mktemp("source") / "run.h5", seed=0)


def initial(file):
    with open_recording(file) as run:
        found = {name: item.initial for name, item in run.weights.items()}
        return found, run.provenance.get("begins_from")


def final(file):
    with open_recording(file) as run:
        return {name: item.final for name, item in run.weights.items()}


@pytest.mark.parametrize("rule", ["ep", "continual-ep"])
def test_it_begins_where_the_other_ended(few, source, tmp_path, rule):
    begun, told = initial(trained(few, tmp_path / "run.h5", rule, weights=source))
    ended = final(source)
    assert set(begun) == set(ended) and str(source) in told
    for name, values in ended.items():
        np.testing.assert_array_equal(begun[name], values)


def test_some_weights_and_the_others_drawn(few, source, tmp_path):
    weights = load_network(source, target="numpy").weights
    chosen = {"input_to_hidden": weights["input_to_hidden"]}
    begun, told = initial(trained(few, tmp_path / "run.h5", weights=chosen))
    plain, _ = initial(trained(few, tmp_path / "plain.h5"))
    name = "input_to_hidden"
    np.testing.assert_allclose(begun[name], weights[name], rtol=1e-6)
    assert (begun[name] != plain[name]).any() and told == f"weights: {name}"
    np.testing.assert_array_equal(begun["hidden_to_output"], plain["hidden_to_output"])


def test_weights_with_a_unit(few, source, tmp_path):
    weights = load_network(source, target="numpy").weights["input_to_hidden"]
    begun, _ = initial(
        trained(few, tmp_path / "run.h5", weights={"input_to_hidden": weights * mV})
    )
    np.testing.assert_allclose(begun["input_to_hidden"], weights, rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"input_to_hidden": np.ones((64, 8)) * nS}, "are in .*: give them in volt"),
        ({"input_to_hidden": "many"}, "input_to_hidden are no numbers"),
        (3, "weights = 3: name a recording, or give projection -> array"),
        ([[1.0]], "name a recording, or give projection -> array"),
    ],
)
def test_what_are_no_weights(few, tmp_path, weights, said):
    with pytest.raises(InputError, match=said):
        trained(few, tmp_path / "run.h5", weights=weights)
    assert list(tmp_path.iterdir()) == []


def test_resumed_with_the_same_weights_only(few, source, tmp_path):
    class Killed(BaseException):
        pass

    def stop(row):
        if row["epoch"] == 1:
            raise Killed

    out = tmp_path / "run.h5"
    with pytest.raises(Killed):
        trained(few, out, epochs=2, weights=source, on_epoch=stop)
    with pytest.raises(InputError, match="begun with another begins_from"):
        trained(few, out, epochs=2, resume=True)
    trained(few, out, epochs=2, weights=source, resume=True)
    whole = trained(few, tmp_path / "whole.h5", epochs=2, weights=source)
    for name, values in final(whole).items():
        np.testing.assert_array_equal(final(out)[name], values)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("nonesuch.h5", "no such file"),
        ({}, "none"),
        ({"nonesuch": [[1.0]]}, "not a projection here"),
        ({"input_to_hidden": np.zeros((6, 64))}, r"\(6, 64\) and not \(64, 6\)"),
        ({"input_to_hidden": np.full((64, 6), np.nan)}, "not finite"),
    ],
)
def test_refused(few, tmp_path, weights, said):
    with pytest.raises(InputError, match=said):
        trained(few, tmp_path / "run.h5", weights=weights)
    assert list(tmp_path.iterdir()) == []


def test_other_layers_are_refused(few, source, tmp_path):
    with pytest.raises(InputError, match=r"input_to_hidden is \(64, 6\) and not \(64,"):
        trained(few, tmp_path / "run.h5", layers=(64, 7, 10), weights=source)
    with pytest.raises(InputError, match="choose one recording"):
        trained(few, tmp_path / "run.h5", weights=source, after=source, epochs=2)
