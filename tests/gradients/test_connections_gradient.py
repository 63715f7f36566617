"""EP and continual EP with lateral and skip connections: they follow the gradient.

The truth are central differences of the cost where a second implementation settles, in
units of v_unit and tau, with nothing of Brian2 or neuro_ep in it.
"""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import tasks
from neuro_ep.build.network import build_network
from neuro_ep.checking.presented import present
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.models.equilibrium.ep import EQUILIBRIUM_PROPAGATION
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run import build as device
from neuro_ep.run.target import on_target
from neuro_ep.training import train as training

RULES = [EQUILIBRIUM_PROPAGATION, CONTINUAL_EP]
MILLI, BATCH = 1e-3, 2
NAMES = ("input", "hidden", "output")
GRAPH = ((0, 1), (1, 1), (1, 2), (0, 2))
SETTINGS = Settings(
    layers=(4, 6, 3),
    connections=GRAPH,
    eta=(1e-6,),
    beta=0.01,
    free=100,
    nudged=100,
    step=0.25,
    batch=BATCH,
    nudging="symmetric",
    activation="tanh",
)


@pytest.fixture(autouse=True)
def on_numpy():
    with on_target("numpy"):
        yield


@pytest.fixture
def subject():
    """(weights by projection, inputs, labels)."""
    draw, sizes = np.random.default_rng(3), SETTINGS.layers
    weights = {
        f"{NAMES[pre]}_to_{NAMES[post]}": draw.normal(size=(sizes[pre], sizes[post]))
        / 4
        for pre, post in GRAPH
    }
    for layer in (1, 2):
        weights[f"bias_{NAMES[layer]}"] = draw.normal(size=(1, sizes[layer])) / 2
    inputs, labels = draw.uniform(0.2, 1, size=(BATCH, 4)), draw.integers(0, 3, BATCH)
    return weights, inputs, labels


def settled_cost(weights, inputs, labels, both_ways=True):
    """Mean cost of the free fixed point; lateral synapses act both ways or one way."""
    x, w = np.asarray(inputs), weights
    lateral = w["hidden_to_hidden"] + both_ways * w["hidden_to_hidden"].T
    hidden, output = np.zeros((BATCH, 6)), np.zeros((BATCH, 3))
    for _ in range(500):
        r, y = np.tanh(hidden), np.tanh(output)
        to_hidden = x @ w["input_to_hidden"] + r @ lateral + w["bias_hidden"]
        to_hidden = to_hidden + y @ w["hidden_to_output"].T
        to_output = r @ w["hidden_to_output"] + x @ w["input_to_output"]
        to_output = to_output + w["bias_output"]
        hidden = hidden + 0.25 * ((1 - r * r) * to_hidden - hidden)
        output = output + 0.25 * ((1 - y * y) * to_output - output)
    return ((output - np.eye(3)[labels]) ** 2).sum() / 2 / BATCH


def slopes(subject, places, **how):
    """dcost/dw at places (projection, row, column)."""
    weights, *samples = subject
    found = []
    for name, *place in places:
        costs = []
        for sign in (1, -1):
            there = {**weights, name: weights[name].copy()}
            there[name][tuple(place)] += sign * 1e-5
            costs.append(settled_cost(there, *samples, **how))
        found.append((costs[0] - costs[1]) / 2e-5)
    return np.array(found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_updates_follow_the_gradient(rule, subject):
    weights, inputs, labels = subject
    simulation = device.simulation(build_network(rule, SETTINGS))
    known = {name: weights[name] * MILLI for name in simulation.network.weights}
    assert set(known) == set(weights)
    update = present(simulation, known, inputs, labels, eta=1e-6).update
    draw = np.random.default_rng(1)
    for name, change in update.items():
        places = [
            (name, *(draw.integers(0, n) for n in change.shape)) for _ in range(4)
        ]
        found = np.array([change[row, column] for _, row, column in places]) / MILLI
        truth = -slopes(subject, places)
        wrong = -slopes(subject, places, both_ways=False)
        error = np.linalg.norm(found - truth) / np.linalg.norm(truth)
        print(rule.name, name, error)
        assert error < 1e-3, name
        assert np.linalg.norm(found - wrong) > 0.01 * np.linalg.norm(truth), name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_it_learns(rule, tmp_path):
    digits = tasks.load("digits")
    few = replace(digits, train=digits.train[:300], test=digits.test[:100])
    settings = changed(
        SETTINGS,
        layers=(64, 16, 10),
        eta=(0.02,),
        beta=0.7,
        free=6,
        nudged=2,
        step=0.5,
        batch=10,
        epochs=4,
        nudging="one-sided",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the gain, which is small here
        result = training.train(rule, few, settings, out=tmp_path / "run.h5",
                                target="numpy")  # fmt: skip
    print(rule.name, result.test_accuracy)
    assert result.test_accuracy > 0.5  # chance is 0.1
