"""Every simulation runs at its smallest, and what it shows can be drawn."""

import ast
from pathlib import Path

import h5py
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def brian2_as_it_was():
    from brian2 import prefs, set_device

    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture
def few_digits(monkeypatch):
    """The scripts load a few samples only; run it on a module."""
    from dataclasses import replace

    from neuro_ep import load_dataset

    digits = load_dataset("digits")
    few = replace(digits, train=digits.train[:60], test=digits.test[:40])

    def on(module):
        monkeypatch.setattr(module, "load_dataset", lambda name: few)
        return module

    return on


def test_digits_accuracy(sim, few_digits, tmp_path):
    module, out = few_digits(sim("digits_accuracy")), tmp_path / "a" / "out.h5"
    found = module.main("smallest", out, target="numpy")
    assert len(found) == 7
    with h5py.File(out) as file:
        for name, accuracies in found.items():
            np.testing.assert_array_equal(file[name]["test_accuracy"], accuracies)
            assert 0 <= accuracies.min() <= accuracies.max() <= 1


@pytest.mark.exhaustive
def test_continual_vf_angle_and_its_figure(sim, few_digits, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import angle_figure

    module, out = few_digits(sim("continual_vf_angle")), tmp_path / "angle.h5"
    angles, psi_g, _ = module.main("smallest", out, target="numpy")
    assert angles.tolist() == [0, 180]
    assert psi_g["hidden"][0] < 60 < 120 < psi_g["hidden"][1]
    assert (np.diff(psi_g["all"], axis=0) > 10).all()
    drawn = angle_figure.draw(out, tmp_path / "angle.png")
    assert 40 < drawn["passes_90"] < 140
    assert (tmp_path / "angle.png").stat().st_size > 10_000


def test_gradient_of_the_angle_is_the_slope_of_the_cost(sim, few_digits):
    """Central differences of the settled cost, for some weights of every kind."""
    module = few_digits(sim("continual_vf_angle"))
    digits = module.load_dataset("digits")
    settings = module.CONTINUAL_VF.settings("digits", weight_angle=60)
    weights = module.initial_weights(module.CONTINUAL_VF, settings, seed=1)
    rows = digits.train[:3]

    def cost():
        x, y = digits.inputs[rows], np.eye(10)[digits.labels[rows]]
        output = np.zeros((3, 10))
        for _ in range(1000):
            hidden = module.sigmoid(
                x @ weights["input_to_hidden"] + output @ weights["output_to_hidden"]
            )
            output = module.sigmoid(hidden @ weights["hidden_to_output"])
        return ((output - y) ** 2).sum() / 2 / 3

    downhill = module.minus_gradient(digits, settings, weights, rows)
    for name, gradient in zip(module.WEIGHTS, downhill, strict=True):
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        slope = 0
        for sign in (1, -1):
            weights[name][place] += sign * 1e-5
            slope += sign * cost() / 2e-5
            weights[name][place] -= sign * 1e-5
        assert -slope == pytest.approx(gradient[place], rel=1e-5), name


@pytest.mark.slow
def test_my_first_rule(sim, few_digits, tmp_path):
    module = few_digits(sim("my_first_rule"))
    found, result = module.main("smallest", tmp_path / "run.h5", target="numpy")
    assert found["passed"], found["failed"]
    assert result.file.exists()


@pytest.mark.filterwarnings("ignore:the gain g")
def test_my_first_network(sim, few_digits, tmp_path, monkeypatch):
    module = few_digits(sim("my_first_network"))
    train = module.train
    monkeypatch.setattr(module, "train", lambda *a, **k: train(*a, target="numpy", **k))
    assert module.main(epochs=1, out=tmp_path / "run.h5").epochs == 1


def test_continual_ep_gdu_and_its_figure(sim, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import gdu_figure

    out = tmp_path / "a" / "gdu.h5"
    found = sim("continual_ep_gdu").main("smallest", out)
    assert found["continuous"] < 2e-3  # twice beta
    assert found["continuous"] < found["discrete"]  # which has a floor
    data = gdu_figure.read(out)["continuous"]
    for curve in data["curves"].values():
        gap = np.linalg.norm(curve["simulated"] - curve["minus_bptt"])
        assert gap < 0.02 * np.linalg.norm(curve["minus_bptt"])
    drawn = gdu_figure.draw(out, tmp_path / "gdu.png")
    assert drawn["continuous"] == pytest.approx(found["continuous"])
    assert (tmp_path / "gdu.png").stat().st_size > 10_000


def test_dual_propagation_error_and_its_figure(sim, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import dual_propagation_figure as figure

    out = tmp_path / "a" / "error.h5"
    found = sim("dual_propagation_error").main("smallest", out)
    data = figure.read(out)
    for name, errors in found["tanh"].items():
        np.testing.assert_array_equal(data["error"]["tanh"][name], errors)
    drawn = figure.draw(out, tmp_path / "error.png")
    assert drawn["order_alpha 0.5"] == pytest.approx(2, abs=0.05)
    assert drawn["order_transpose, alpha 0"] == pytest.approx(1, abs=0.05)
    assert (tmp_path / "error.png").stat().st_size > 10_000


def test_glep_boundary_conditions_and_their_figure(sim, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import glep_figure as figure

    out = tmp_path / "a" / "glep.h5"
    found = sim("glep_boundary_conditions").main("smallest", out)
    assert max(found.values()) < 2e-6
    data = figure.read(out)
    civp = data["conditions"]["glep-civp"]["curves"]
    assert (civp["relative_error_without_residual"] > 0.9).all()
    assert civp["relative_error"][-1] == pytest.approx(found["glep-civp"])
    assert data["horizon"]["cosine_without_residual"].max() < 0.6
    drawn = figure.draw(out, tmp_path / "glep.png")
    assert drawn["glep-pfvp"] == pytest.approx(found["glep-pfvp"])
    assert (tmp_path / "glep.png").stat().st_size > 10_000


def test_dual_propagation_settling_and_its_figure(sim, tmp_path):
    """Times are those measured once in another replica, whose layers move at once."""
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import dual_propagation_settling_figure as figure

    out = tmp_path / "a" / "settling.h5"
    found = sim("dual_propagation_settling").main("smallest", out)
    for depth, expected in {2: (6.3, 9.5), 4: (10.6, 14.5)}.items():
        np.testing.assert_allclose(np.median(found[depth], axis=0), expected, rtol=0.2)
    drawn = figure.draw(out, tmp_path / "settling.png")
    assert 1.5 < drawn["slope"] < 3  # tau a layer
    np.testing.assert_allclose(drawn["L 2"], np.median(found[2], axis=0), atol=0.01)
    assert (tmp_path / "settling.png").stat().st_size > 10_000


@pytest.mark.exhaustive
def test_dual_propagation_training_and_its_figure(sim, few_digits, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import dual_propagation_training_figure as figure

    module = few_digits(sim("dual_propagation_training"))
    out = tmp_path / "a" / "training.h5"
    found = module.main("smallest", out, target="numpy")
    assert set(found) == {"closed form", "continuous time", "backpropagation"}
    for name, accuracies in found.items():  # the same start, and nearly the same way
        assert accuracies[0, 0] == found["backpropagation"][0, 0]
        np.testing.assert_allclose(
            accuracies, found["backpropagation"], atol=0.05, err_msg=name
        )
        assert accuracies[0, -1] > accuracies[0, 0] + 0.1
    drawn = figure.draw(out, tmp_path / "training.png")
    assert drawn["angle_closed form"] < 4
    assert drawn["angle_closed form"] < drawn["angle_continuous time"] < 15
    assert drawn["continuous time"] == found["continuous time"][0, -1]
    assert (tmp_path / "training.png").stat().st_size > 10_000


def test_dual_propagation_stream_and_its_figure(sim, few_digits, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import dual_propagation_stream_figure as figure

    module = few_digits(sim("dual_propagation_stream"))
    out = tmp_path / "a" / "stream.h5"
    found = module.main("smallest", out, target="numpy")
    for name, accuracies in found.items():
        assert accuracies[0, -1] > accuracies[0, 0], name
    drawn = figure.draw(out, tmp_path / "stream.png")
    assert drawn["always on, 40"] == found["always on, 40"][0, -1]
    assert (tmp_path / "stream.png").stat().st_size > 10_000


@pytest.mark.exhaustive
def test_heb_digits(sim, tmp_path, monkeypatch):
    from dataclasses import replace

    from neuro_ep import load_dataset

    rows = load_dataset("digits-rows")
    few = replace(rows, train=rows.train[:60], test=rows.test[:40])
    module, out = sim("heb_digits"), tmp_path / "a" / "out.h5"
    monkeypatch.setattr(module, "load_dataset", lambda name: few)
    found = module.main("smallest", out, target="numpy")
    assert set(found) == {"symmetric", "one-sided", "random-sign"}
    with h5py.File(out) as file:
        for name, accuracies in found.items():
            np.testing.assert_array_equal(file[name]["test_accuracy"], accuracies)
            assert 0 <= accuracies.min() <= accuracies.max() <= 1


def test_heb_self_learning_and_its_figure(sim, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import heb_figure as figure

    out = tmp_path / "a" / "heb.h5"
    found = sim("heb_self_learning").main("smallest", out, target="numpy")
    assert found["xor"][0] < 0.8 * found["xor_without_kick"][0]
    with h5py.File(out) as file:  # what is not kicked stays as it is
        costs = file["xor_without_kick"]["cost"][0].reshape(5, 4)
        assert np.ptp(np.sort(costs, axis=1), axis=0).max() < 1e-9
    drawn = figure.draw(out, tmp_path / "heb.png")
    assert drawn["xor"] == pytest.approx(found["xor"][0])
    assert drawn["curve"] == pytest.approx(found["curve"][0])
    assert (tmp_path / "heb.png").stat().st_size > 10_000


def test_my_rules(sim):
    """The file is a rule; tests/neuro_ep/command/test_rules.py trains it."""
    assert sim("my_rules").DECAY.reads["decay"].default == 0


def test_every_simulation_is_run_here():
    texts = [file.read_text() for file in Path(__file__).parent.glob("test_*.py")]
    everything = "\n".join(texts)
    names = [file.stem for file in (Path(__file__).parents[2] / "sims").glob("*.py")]
    assert [name for name in names if f'sim("{name}")' not in everything] == []


def test_own_data(sim, tmp_path):
    from neuro_ep import find_rule

    few = find_rule("dual-propagation").settings("digits", layers=(13, 8, 3), epochs=2)
    choices = {"target": "numpy", "settings": few}
    network = sim("my_own_data").main(tmp_path / "wine.h5", **choices)
    assert network.class_names == ("cultivar 1", "cultivar 2", "cultivar 3")


def test_own_regression(sim, tmp_path):
    from neuro_ep import find_rule

    few = find_rule("ep").settings("digits", layers=(10, 8, 1), epochs=2)
    choices = {"target": "numpy", "settings": few}
    network = sim("my_own_regression").main(tmp_path / "diabetes.h5", **choices)
    assert network.is_regression and network.predict([[0.0] * 10]).shape == (1,)


def test_own_data_regression(sim, tmp_path):
    module = sim("own_data_regression")
    table = module.main(True, tmp_path / "own.h5", target="numpy")
    assert list(table) == ["three targets"]
    found = table["three targets"]
    assert found["MLPRegressor"] > 0.9 and found["dual-propagation"] < 1
    assert set(found) == {"MLPRegressor", "stopped early", "dual-propagation"}


def test_own_data_accuracy(sim, tmp_path):
    module = sim("own_data_accuracy")
    table = module.main(True, tmp_path / "own.h5", target="numpy")
    assert list(table) == ["iris", "table"]
    for found in table.values():
        assert found["MLPClassifier"] > 0.9 and found["dual-propagation"] > 0.2


def test_look_at_a_dyad(sim, few_digits, tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    module = few_digits(sim("look_at_a_dyad"))
    short = {"epochs": 1, "layers": (64, 8, 10), "target": "numpy"}
    traces = module.main(tmp_path / "dyad.h5", **short)
    for name in ("hidden.m", "hidden.d"):
        values = np.asarray(traces[name])
        assert values.shape[0] == 3 and np.isfinite(values).all()
        assert np.abs(values).max() > 0
    assert (tmp_path / "dyad.png").stat().st_size > 10_000


def test_my_heterogeneous_rule(sim):
    from neuro_ep import build_network, on_target

    uneven = sim("my_heterogeneous_rule").UNEVEN
    with on_target("numpy"):
        network = build_network(uneven, uneven.settings("digits", layers=(64, 8, 10)))
    rates = np.asarray(network["input_to_hidden"].fading)
    assert rates.shape == (64, 8) and 0.3 < np.log(rates).std() < 0.7


def test_transfer(sim, tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    few = {"seeds": 1, "epochs": (1, 1), "share": 0.03, "target": "numpy"}
    files = sim("transfer").main(tmp_path / "t", **few)
    assert set(files) == {"transferred", "from scratch"}
    assert (tmp_path / "t.png").stat().st_size > 5_000


def test_my_own_table(sim, tmp_path):
    from neuro_ep import find_rule

    few = find_rule("dual-propagation").settings("digits", layers=(4, 8, 3), epochs=2)
    kinds = sim("my_own_table").main(tmp_path, target="numpy", settings=few)
    assert set(kinds) <= {"setosa", "versicolor", "virginica"} and len(kinds) == 3


def test_record_a_training(sim, few_digits, tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    module = few_digits(sim("record_a_training"))
    short = {"epochs": 1, "layers": (64, 8, 10), "target": "numpy"}
    assert 0 < module.main(tmp_path / "spikes.h5", **short) < 1e5
    assert (tmp_path / "spikes.png").stat().st_size > 10_000


#: What version 0.1.0 could not do, or not with public names -> a script that does it.
JOBS = {
    "recording": "record_a_training",
    "predicting": "my_own_data",
    "transfer": "transfer",
    "presenting": "look_at_a_dyad",
    "heterogeneous state": "my_heterogeneous_rule",
    "a table": "my_own_table",
    "regression": "my_own_regression",
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_a_short_script(job):
    """At most 25 lines of code: docstrings and empty lines are none."""
    source = (Path(__file__).parents[2] / "sims" / f"{JOBS[job]}.py").read_text()
    said = [
        node.body[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node)
    ]
    words = {n for item in said for n in range(item.lineno, item.end_lineno + 1)}
    lines = enumerate(source.splitlines(), 1)
    code = [line for number, line in lines if line.strip() and number not in words]
    assert 5 < len(code) <= 25
