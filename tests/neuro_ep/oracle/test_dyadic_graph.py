"""Dyads on graphs against the implicit gradient and against equilibrium propagation."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError, RunError
from neuro_ep.oracle import dyadic_graph, dyads
from neuro_ep.oracle.chain import Chain

UNITS, OUTPUTS, BATCH = 40, 5, 3
KINDS = {
    "general": lambda w: w,
    "symmetric": lambda w: (w + w.T) / 2,
    "skew": lambda w: (w - w.T) / 2,
    "triangular": lambda w: np.triu(2 * w, 1),
}


def graph_of(kind, seed=0, **choices):
    random = np.random.default_rng(seed)
    weights = KINDS[kind](random.standard_normal((UNITS, UNITS)) / np.sqrt(UNITS) / 2)
    drive = 0.7 * random.standard_normal((BATCH, UNITS))
    return dyadic_graph.Graph(weights, drive, np.eye(OUTPUTS)[:BATCH], **choices)


def cost_at(graph):
    outputs = graph.free[:, -OUTPUTS:]
    if graph.cost == "squared-error":
        return ((outputs - graph.y) ** 2).sum() / 2 / BATCH
    chance = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    return -(graph.y * np.log(chance)).sum() / BATCH


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
def test_implicit_gradient_is_the_slope_of_the_cost(kind, cost, relative):
    graph = graph_of(kind, cost=cost)
    found, bias = dyadic_graph.implicit_gradient(graph)
    places = [(0, 1), (3, 38), (20, 7), (39, 39), (12, 30)]
    slopes = []
    for place in places:
        costs = []
        for sign in (1, -1):
            weights = graph.weights.copy()
            weights[place] += sign * 1e-5
            costs.append(cost_at(replace(graph, weights=weights)))
        slopes.append((costs[0] - costs[1]) / 2e-5)
    up, down = (cost_at(replace(graph, drive=graph.drive + h)) for h in (1e-5, -1e-5))
    assert bias.sum() == pytest.approx((up - down) / 2e-5, rel=1e-6)
    assert relative(np.array([found[p] for p in places]), np.array(slopes)) < 1e-6
    direct = graph.slope(graph.free) * (1 - graph.free**2)  # without the solve
    wrong = graph.free.T @ direct / BATCH
    assert relative(wrong, found) > 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frozen", [True, False])
def test_dyads_learn_by_the_implicit_gradient(kind, frozen, relative):
    """Of order 2 in beta, for every kind of weights."""
    truth = dyadic_graph.implicit_gradient(graph_of(kind))
    errors = []
    for beta in (0.2, 0.1, 0.05):
        graph = graph_of(kind, beta=beta, frozen=frozen)
        errors.append(relative(dyadic_graph.gradient(graph), truth))
    print(kind, "frozen" if frozen else "mean", errors)
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 2, atol=0.05)
    assert errors[1] < 6e-3


@pytest.mark.parametrize("kind", ["general", "skew", "triangular"])
def test_feedback_that_is_not_the_transpose_is_wrong(kind, relative):
    """Both states through W alone, as in equilibrium propagation."""
    graph = graph_of(kind, beta=0.02)
    plus, minus = (dyadic_graph.nudged(graph, s * graph.beta / 2) for s in (1, -1))
    mean, difference = (plus + minus) / 2, (plus - minus) / graph.beta
    wrong = -mean.T @ difference / BATCH
    truth = dyadic_graph.implicit_gradient(graph)[0]
    assert relative(wrong, truth) > 0.05
    assert relative(dyadic_graph.gradient(graph)[0], truth) < 1e-3


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_symmetric_weights_are_equilibrium_propagation(activation, relative):
    graph = graph_of("symmetric", beta=0.5, activation=activation)
    plus, minus = dyadic_graph.dyads(graph)
    for state, sign in ((plus, 1), (minus, -1)):
        np.testing.assert_allclose(
            state, dyadic_graph.nudged(graph, sign * graph.beta / 2), atol=1e-13
        )
    found = dyadic_graph.gradient(graph)[0]
    assert relative(found + found.T, dyadic_graph.centred_ep(graph)) < 1e-12
    assert relative(2 * found, dyadic_graph.centred_ep(graph)) > 0.1
    other = replace(graph, beta=0.25)
    assert relative(found + found.T, dyadic_graph.centred_ep(other)) > 1e-5


def test_skew_weights_cross_the_two_states():
    """s+ = f(s- W + ...) and the reverse, at any beta."""
    graph = graph_of("skew", beta=1.0)
    plus, minus = dyadic_graph.dyads(graph)
    nudge = graph.beta / 2 * graph.slope(graph.free)
    crossed = np.tanh(minus @ graph.weights + graph.drive - nudge)
    np.testing.assert_allclose(plus, crossed, atol=1e-12)
    straight = np.tanh(plus @ graph.weights + graph.drive - nudge)
    assert np.abs(plus - straight).max() > 1e-2


def test_triangular_weights_are_a_chain_with_skips(chain_case, relative):
    """A layered network written as one matrix has the gradients of the chain."""
    sizes = (12, 9, 8, 10)
    weights, biases, x, y = chain_case(3, sizes, batch=2)
    cuts = np.cumsum([0, *sizes[1:]])
    square = np.zeros((cuts[-1], cuts[-1]))
    for k in (1, 2):
        square[cuts[k - 1] : cuts[k], cuts[k] : cuts[k + 1]] = weights[k]
    drive = np.tile(np.concatenate(biases), (2, 1))
    drive[:, : cuts[1]] += x @ weights[0]
    graph = dyadic_graph.Graph(square, drive, y, beta=0.3)
    found = dyadic_graph.gradient(graph)[0]
    chain = Chain(
        *(weights, biases, x, y), output="tanh", cost="squared-error", beta=0.3
    )
    truth = dyads.gradient(dyads.settle(chain))[0]
    blocks = [found[cuts[k - 1] : cuts[k], cuts[k] : cuts[k + 1]] for k in (1, 2)]
    assert relative(blocks, truth[1:]) < 1e-12
    other = dyads.gradient(dyads.settle(replace(chain, beta=0.1)))[0]
    assert relative(blocks, other[1:]) > 1e-4


# --- what is refused ---


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"weights": np.zeros((2, 3))}, r"W is \(2, 3\); give \(40, 40\)"),
        ({"y": np.zeros((BATCH, UNITS + 1))}, "y is"),
        ({"beta": -0.1}, "beta is -0.1; give a positive"),
        ({"activation": "swish"}, "no activation"),
        ({"cost": "hinge"}, "no cost"),
    ],
)
def test_refuses(choices, message):
    with pytest.raises(InputError, match=message):
        replace(graph_of("general"), **choices)


def test_refuses_what_has_no_energy_or_no_fixed_point():
    with pytest.raises(InputError, match="not symmetric"):
        dyadic_graph.centred_ep(graph_of("general"))
    graph = graph_of("skew")
    with pytest.raises(RunError, match="does not settle"):
        _ = replace(graph, weights=30 * graph.weights).free
