"""What dyads change weights by in Brian2 beside backpropagation and, on any graph,
beside the implicit gradient. Networks are those of `neuro_ep.checking.families.dyads`.
"""

import numpy as np
import pytest

from neuro_ep.build.network import build_network
from neuro_ep.checking.families.dyads import (
    chain_of,
    closed,
    descent,
    drawn,
    measure_graphs,
    settled,
    shown,
)
from neuro_ep.checking.family import Asked
from neuro_ep.checking.presented import present
from neuro_ep.models.dyads.dual_propagation import (
    DUAL_PROPAGATION,
    DUAL_PROPAGATION_TRANSPOSE,
    DYADIC,
)
from neuro_ep.oracle.backpropagation import backpropagation, descend
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.dyadic_graph import Graph, implicit_gradient
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import on_target

LAYERS, BATCH, MILLI = (10, 16, 14, 5), 3, 1e-3
RULES = {False: DUAL_PROPAGATION, True: DUAL_PROPAGATION_TRANSPOSE}


@pytest.fixture(autouse=True)
def on_numpy():
    with on_target("numpy"):
        yield


def network_of(settings, subject):
    """As backpropagation takes it."""
    chain = chain_of(settings, subject)
    return chain.weights, chain.biases, chain.x, chain.y


def truth_of(settings, subject):
    """Minus the gradient by projection."""
    chain = chain_of(settings, subject)
    network = network_of(settings, subject)
    found = backpropagation(*network, chain.activation, chain.cost)
    return descent(settings, found)


def updater(rule, settings, dtype=np.float64):
    """A function of (subject, beta): the update over eta by projection, one build."""
    simulation = device.simulation(build_network(rule, settings, dtype=dtype))

    def update(subject, beta):
        weights, inputs, labels = subject
        names = simulation.network.weights
        known = {name: weights[name] * MILLI for name in names}
        found = present(simulation, known, inputs, labels, eta=1.0, beta=beta).update
        return {name: change / MILLI for name, change in found.items()}

    return update


def error(found, truth):
    """Of all weights and biases that the truth names."""
    return relative_error(found, truth, truth)


# --- chains ---


@pytest.mark.parametrize(
    ("transpose", "alpha"),
    [(False, 0.5), *((True, alpha) for alpha in (0.0, 0.25, 1.0))],
)
def test_linear_networks_are_exact(transpose, alpha):
    """At any strength of nudging; a wrong sign of the top-down weights is not."""
    subject = drawn(LAYERS, BATCH, seed=1)
    choices = {"activation": "linear", "cost": "squared-error", "alpha": alpha}
    settings = closed(LAYERS, BATCH, free=5, **choices)
    update, truth = updater(RULES[transpose], settings), truth_of(settings, subject)
    for beta in (0.1, 5.0):
        found = update(subject, beta)
        assert error(found, truth) < 1e-12
    weights, *samples = subject
    other = {**weights, "hidden_2_to_output": -weights["hidden_2_to_output"]}
    assert error(update((other, *samples), 1.0), truth) > 0.1


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_off_one_half_the_mean_is_shifted(alpha):
    """By (2 alpha - 1) beta delta, which alone spoils the gradient of a linear network.

    With the activities that are so shifted, the products of backpropagation are right
    to all digits.
    """
    subject = drawn(LAYERS, BATCH, seed=1)
    choices = {"activation": "linear", "cost": "squared-error", "alpha": alpha}
    settings = closed(LAYERS, BATCH, free=30, **choices)
    update, truth = updater(DUAL_PROPAGATION, settings), truth_of(settings, subject)
    one, two = (error(update(subject, beta), truth) for beta in (0.01, 0.02))
    assert one > 1e-4
    assert two / one == pytest.approx(2, rel=0.02)
    chain, beta = chain_of(settings, subject), 0.02
    deltas = [chain.y - chain.free_states[-1]]
    for w in chain.weights[:0:-1]:
        deltas.insert(0, deltas[0] @ w.T)
    mean, shifted = chain.x, []
    for w, b, delta in zip(chain.weights, chain.biases, deltas, strict=True):
        shifted.append(mean.T @ delta / BATCH)
        mean = mean @ w + b + (2 * alpha - 1) * beta * delta
    found = update(subject, beta)
    names = [name for name in truth if "_to_" in name]
    for name, right in zip(names, shifted, strict=True):
        assert relative_error(found[name], right) < 1e-12
    assert relative_error(found[names[-1]], truth[names[-1]]) > 1e-4


@pytest.mark.parametrize(
    ("transpose", "alpha", "order"),
    [(False, 0.5, 2), (False, 0.25, 1), (True, 0.0, 1), (True, 0.25, 1), (True, 1, 1)],
)
def test_order_in_beta(transpose, alpha, order):
    subject = drawn(LAYERS, BATCH, seed=3)
    settings = closed(LAYERS, BATCH, alpha=alpha, free=9)
    update, truth = updater(RULES[transpose], settings), truth_of(settings, subject)
    betas = (0.05, 0.025, 0.0125)
    errors = [error(update(subject, beta), truth) for beta in betas]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    print("order in beta", transpose, alpha, orders, "errors", errors)
    np.testing.assert_allclose(orders, order, atol=0.03)
    assert errors[-1] < {1: 1e-2, 2: 1e-4}[order]


def test_relu_is_exact_unless_a_unit_straddles_its_kink():
    """Nearly always at small beta, and never where a dyad straddles."""
    settings = closed(LAYERS, 1, activation="relu")
    update, exact, cosines = updater(DUAL_PROPAGATION, settings), {}, {}
    for beta in (1.0, 0.005):
        for seed in range(6):
            subject = drawn(LAYERS, 1, seed)
            found, truth = update(subject, beta), truth_of(settings, subject)
            exact.setdefault(beta, []).append(error(found, truth) < 1e-9)
            cosines.setdefault(beta, []).append(cosine(found, truth, truth))
    print("exact", {beta: np.mean(e) for beta, e in exact.items()}, cosines)
    assert np.mean(exact[0.005]) > 0.8 > 0.5 > np.mean(exact[1.0])
    assert np.mean(cosines[1.0]) > 0.95
    assert np.mean(cosines[0.005]) > 0.999


def test_exact_prox_is_a_step_size():
    """The same direction as the linearised, times 1/((1 + c+ beta)(1 - c- beta))."""
    subject, beta, alpha = drawn(LAYERS, BATCH, seed=6), 0.9, 0.4
    choices = {"activation": "linear", "alpha": alpha, "beta": beta, "free": 30}
    linear, prox = (
        shown(DUAL_PROPAGATION_TRANSPOSE, closed(LAYERS, BATCH, cost=cost, **choices),
              *subject).update
        for cost in ("squared-error", "proximal")
    )  # fmt: skip
    factor = (1 + (1 - alpha) * beta) * (1 - alpha * beta)
    scaled = {name: factor * change for name, change in prox.items()}
    assert error(scaled, linear) < 1e-12
    assert error(prox, linear) > 1e-3


def test_single_precision_has_a_floor_of_rounding_over_beta():
    subject = drawn(LAYERS, BATCH, seed=9)
    settings = closed(LAYERS, BATCH)
    update, truth = updater(DUAL_PROPAGATION, settings, np.float32), None
    truth = truth_of(settings, subject)
    for beta in (3e-3, 1e-3):
        size = error(update(subject, beta), truth)
        print("float32", beta, size)
        assert 0.5e-7 / beta < size < 10e-7 / beta
    double = updater(DUAL_PROPAGATION, settings)(subject, 1e-3)
    assert error(double, truth) < 1e-7


def test_a_hundred_steps_of_training_are_those_of_backpropagation():
    """alpha = 1/2, tanh, double precision; at alpha = 1 they are not."""
    layers, steps, rate = (10, 16, 14, 5), 100, 0.1
    weights, *_ = drawn(layers, BATCH, seed=2)
    draw = np.random.default_rng(5)
    inputs = draw.normal(size=(steps * BATCH, layers[0]))
    labels = inputs[:, :5].argmax(axis=1)
    subject = weights, inputs, labels

    def trained(alpha):
        settings = closed(layers, BATCH, beta=0.1, alpha=alpha)
        network = build_network(DUAL_PROPAGATION, settings, capacity=steps)
        known = {name: weights[name] * MILLI for name in network.weights}
        simulation = device.simulation(network)
        update = present(simulation, known, inputs, labels, eta=rate).update
        return {n: weights[n] + rate * change / MILLI for n, change in update.items()}

    settings = closed(layers, BATCH)
    start, biases, x, y = network_of(settings, subject)
    ends = descend(
        lambda *network: backpropagation(*network, "tanh"),
        start,
        biases,
        zip(np.split(x, steps), np.split(y, steps), strict=True),
        rate,
    )
    truth = {name: -minus for name, minus in descent(settings, ends).items()}
    gap, moved = error(trained(0.5), truth), error(weights, truth)
    wrong = error(trained(1.0), truth)
    print("after 100 steps", gap, "of", moved, "at alpha = 1", wrong)
    assert gap < 1e-3 < 0.05 < moved
    assert wrong > 10 * gap


# --- any graph ---


def test_any_graph_follows_the_implicit_gradient():
    """Of second order in beta; the command `check` has further kinds of weights."""
    kinds = ("general", "skew")
    found, _ = measure_graphs(DYADIC, Asked((4, 7, 3), 2, 1), kinds=kinds)
    print(found)
    for kind in kinds:
        assert found["order_in_beta"][kind] == pytest.approx(2, abs=0.05)
        assert found["relative_error"][kind] < 1e-3


@pytest.mark.parametrize(
    "connections",
    [
        ((0, 1), (1, 1), (1, 2), (0, 2)),
        ((0, 1), (0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3)),
    ],
)
def test_lateral_and_skip_connections(connections):
    """With hidden layers and an output that are joined as those pairs say."""
    sizes = (4, 6, 5, 3) if max(map(max, connections)) == 3 else (4, 7, 3)
    draw, starts = np.random.default_rng(3), np.cumsum([0, 0, *sizes[1:]])
    names = ["input", "hidden", "output"]
    if len(sizes) == 4:
        names = ["input", "hidden_1", "hidden_2", "output"]
    units = starts[-1]
    square, inward, weights = np.zeros((units, units)), np.zeros((4, units)), {}
    places = {}
    for pre, post in connections:
        name = f"{names[pre]}_to_{names[post]}"
        weights[name] = draw.normal(size=(sizes[pre], sizes[post])) * 0.6 / np.sqrt(7)
        columns = slice(starts[post], starts[post + 1])
        rows = slice(starts[pre], starts[pre + 1])
        places[name] = pre, rows, columns
        (inward if pre == 0 else square)[rows if pre else slice(None), columns] = (
            weights[name]
        )
    for name, size in zip(names[1:], sizes[1:], strict=True):
        weights[f"bias_{name}"] = np.zeros((1, size))
    inputs, labels = draw.normal(size=(2, 4)), draw.integers(0, 3, 2)
    graph = Graph(square, inputs @ inward, np.eye(3)[labels], output="identity")
    by_weight, by_drive = implicit_gradient(graph)
    settings = changed(
        settled(sizes, 2, beta=0.05, cost="squared-error"), connections=connections
    )
    found = shown(DYADIC, settings, weights, inputs, labels).update
    for name, (pre, rows, columns) in places.items():
        if pre:
            assert relative_error(found[name], -by_weight[rows, columns]) < 2e-3, name
    for name, first, last in zip(names[1:], starts[1:-1], starts[2:], strict=True):
        assert relative_error(found[f"bias_{name}"][0], -by_drive[first:last]) < 2e-3, (
            name
        )
    symmetric = implicit_gradient(
        Graph((square + square.T) / 2, inputs @ inward, graph.y, output="identity")
    )[1]
    assert relative_error(found[f"bias_{names[1]}"][0], -symmetric[: sizes[1]]) > 0.05
