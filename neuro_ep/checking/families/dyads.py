"""Dyads beside backpropagation, and beside the implicit gradient on any graph."""

from __future__ import annotations

import numpy as np

from neuro_ep.build.network import build_network
from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.family import Asked, Family
from neuro_ep.checking.presented import Presented, present
from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import backpropagation
from neuro_ep.oracle.compare import cosines, order, relative_error, relative_errors
from neuro_ep.oracle.dyadic_graph import Graph, implicit_gradient
from neuro_ep.oracle.dyads import Chain, settle
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run import build as device

LAYERS, BATCH = (20, 64, 64, 10), 3

#: From large to small; errors are reported at the last.
BETAS = (0.2, 0.1, 0.05, 0.025)

#: A rate at which weights that move while the dyads settle keep their digits.
SLOW = 1e-7

#: Time constants until the compartments have settled, and their Euler step.
SETTLING, STEP = 80.0, 0.1

GRAPHS = ("general", "symmetric", "skew", "triangular")

Weights = dict[str, np.ndarray]


def closed(layers, batch: int, **choices) -> Settings:
    """One sweep up and down; tanh and cross-entropy if not chosen otherwise."""
    base = Settings(
        layers=tuple(layers),
        eta=(0.0,),
        beta=BETAS[-1],
        free=0,
        nudged=1,
        step=1,
        batch=batch,
        nudging="one-sided",
        activation="tanh",
        dynamics="discrete",
        cost="cross-entropy",
    )
    return changed(base, **choices)


def settled(layers, batch: int, **choices) -> Settings:
    """Continuous time, until nothing moves; weights move in one time constant."""
    return changed(
        closed(layers, batch),
        dynamics="continuous",
        step=STEP,
        free=SETTLING,
        **choices,
    )


def drawn(layers, batch: int, seed: int):
    """(weights and biases by projection, inputs (batch, n), labels (batch,)).

    Feedback weights, where a rule has them, are the transposed forward ones.
    """
    draw, names = np.random.default_rng(seed), layer_names(layers)
    weights: Weights = {}
    for k, (pre, post) in enumerate(zip(names, names[1:], strict=False)):
        shape = layers[k], layers[k + 1]
        weights[f"{pre}_to_{post}"] = draw.normal(size=shape) / np.sqrt(shape[0])
        weights[f"bias_{post}"] = 0.1 * draw.normal(size=(1, shape[1]))
        if k:
            weights[f"{post}_to_{pre}"] = weights[f"{pre}_to_{post}"].T
    return weights, draw.normal(size=(batch, layers[0])), _labels(draw, layers, batch)


def _labels(draw, layers, batch: int) -> np.ndarray:
    return draw.integers(0, layers[-1], batch)


def shown(rule: Rule, settings: Settings, weights, inputs, labels, **how) -> Presented:
    """One presentation of a network built for it; weights and update in v_unit."""
    simulation = device.simulation(build_network(rule, settings))
    unit = float(simulation.network.model.synapse.parameters["v_unit"])
    how.setdefault("eta", 1.0 if settings.dynamics == "discrete" else SLOW)
    known = {name: weights[name] * unit for name in simulation.network.weights}
    found = present(simulation, known, inputs, labels, **how)
    update = {name: change / unit for name, change in found.update.items()}
    return Presented(update, found.values)


def measure(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what was measured, how) of a rule on chains of layers."""
    layers, batch = asked.layers, asked.batch
    subject = drawn(layers, batch, asked.seed)
    errors = {
        alpha: _errors(rule, subject, closed(layers, batch, alpha=alpha))
        for alpha in (0.5, 0.25)
    }
    best = _descent(rule, closed(layers, batch), subject)
    measured = {
        "relative_error": relative_errors(*best),
        "cosine": cosines(*best),
        "order_in_beta": order(BETAS, errors[0.5]),
        "order_in_beta_quarter": order(BETAS, errors[0.25]),
        "linear_error": _linear_error(rule, subject, layers, batch),
        "settled_error": settled_error(rule, subject, layers, batch),
        "forward_change": _forward_change(rule, subject, layers, batch),
    }
    return measured, how(asked)


def how(asked: Asked) -> dict:
    """On what it was measured."""
    return {"layers": list(asked.layers), "batch": asked.batch, "betas": list(BETAS)}


def _descent(rule: Rule, settings: Settings, subject) -> tuple[Weights, Weights]:
    """(update over eta, minus the gradient of backpropagation), by projection."""
    weights, inputs, labels = subject
    update = shown(rule, settings, *subject).update
    wanted = _truth(settings, weights, inputs, labels)
    return {name: update[name] for name in wanted}, wanted


def _truth(settings: Settings, weights: Weights, inputs, labels) -> Weights:
    chain = chain_of(settings, (weights, inputs, labels))
    network = chain.weights, chain.biases, chain.x, chain.y
    found = backpropagation(*network, chain.activation, chain.cost)
    return descent(settings, found)


def chain_of(settings: Settings, subject, **fields) -> Chain:
    """The oracle's network for a subject as drawn; ``fields`` are others of it."""
    weights, inputs, labels = subject
    names = layer_names(settings.layers)
    activation = {"linear": "identity"}.get(settings.activation, settings.activation)
    return Chain(
        [weights[f"{a}_to_{b}"] for a, b in zip(names, names[1:], strict=False)],
        [weights[f"bias_{name}"][0] for name in names[1:]],
        inputs,
        np.eye(settings.layers[-1])[labels],
        activation=activation,
        alpha=settings.alpha,
        beta=settings.beta,
        cost=settings.cost,
        **fields,
    )


def descent(settings: Settings, gradients) -> Weights:
    """Minus the gradients (dW of the layers, db of the layers), by projection."""
    names, (d_weights, d_biases) = layer_names(settings.layers), gradients
    forward = [f"{a}_to_{b}" for a, b in zip(names, names[1:], strict=False)]
    biases = [f"bias_{name}" for name in names[1:]]
    truth = {name: -d for name, d in zip(forward, d_weights, strict=True)}
    return truth | {name: -d[None] for name, d in zip(biases, d_biases, strict=True)}


def measure_compartments(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what was measured, how) of a rule on chains in continuous time."""
    subject = drawn(asked.layers, asked.batch, asked.seed)
    settings = settled(asked.layers, asked.batch)
    best = _descent(rule, settings, subject)
    measured = {
        "relative_error": relative_errors(*best),
        "cosine": cosines(*best),
        "order_in_beta": order(BETAS, _errors(rule, subject, settings)),
    }
    return measured, how(asked)


def _errors(rule: Rule, subject, settings: Settings) -> list[float]:
    """Over all weights, for every beta."""
    return [
        relative_error(*_descent(rule, changed(settings, beta=beta), subject))
        for beta in BETAS
    ]


def _linear_error(rule: Rule, subject, layers, batch: int) -> float:
    """The largest relative error of a projection of a linear network, at beta = 1."""
    settings = closed(
        layers, batch, activation="linear", cost="squared-error", beta=1.0
    )
    return max(relative_errors(*_descent(rule, settings, subject)).values())


def settled_error(rule: Rule, subject, layers, batch: int) -> float:
    """Largest difference of the states in continuous time and their closed form."""
    settings, names = settled(layers, batch), layer_names(layers)
    parts = [(name, f"{name}.m", f"{name}_apical.d") for name in names[1:]]
    wanted = [variable for _, *both in parts for variable in both]
    values = shown(rule, settings, *subject, eta=0, wanted=wanted).values
    chain = chain_of(settings, subject, reference="mean")
    truth, gaps = settle(chain), []
    for k, (_, *both) in enumerate(parts, start=1):
        f = chain.activation_of(k).value
        m, d = (1e3 * values[name].reshape(batch, -1) for name in both)
        gaps += [np.abs(f(m + d / 2) - truth.plus[k]).max()]
        gaps += [np.abs(f(m - d / 2) - truth.minus[k]).max()]
    return float(max(gaps))


def _forward_change(rule: Rule, subject, layers, batch: int) -> float:
    """What nudging moves basal potentials by at alpha = 0, in mV."""
    settings = closed(layers, batch, alpha=0.0, beta=1.0, free=1, nudged=2)
    wanted = [f"{name}.m" for name in layer_names(layers)[1:]]
    nudged, free = (
        shown(rule, settings, *subject, eta=0, learn=learn, wanted=wanted).values
        for learn in (True, False)
    )
    return 1e3 * float(max(np.abs(nudged[key] - free[key]).max() for key in wanted))


# --- any graph ---


def measure_graphs(rule: Rule, asked: Asked, kinds=GRAPHS) -> tuple[dict, dict]:
    """(what was measured, how): two layers joined by every possible connection.

    Raises InputError for any other number of layers.
    """
    if len(asked.layers) != 3:
        raise InputError(
            f"layers = {asked.layers}: the check joins an input and two layers; name "
            "three, such as 5,12,4"
        )
    found = {kind: _graph_errors(rule, kind, asked) for kind in kinds}
    measured = {
        "relative_error": {kind: errors[-1] for kind, errors in found.items()},
        "order_in_beta": {kind: order(BETAS, errors) for kind, errors in found.items()},
    }
    return measured, how(asked)


CONNECTIONS = ((0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2))


def square(kind: str, n: int, draw: np.random.Generator) -> np.ndarray:
    """A matrix of that kind, small enough for the network to settle."""
    matrix = draw.normal(size=(n, n)) * 0.5 / np.sqrt(n)
    return {
        "general": matrix,
        "symmetric": (matrix + matrix.T) / np.sqrt(2),
        "skew": (matrix - matrix.T) / np.sqrt(2),
        "triangular": np.triu(matrix, 1),
    }[kind]


def _graph_errors(rule: Rule, kind: str, asked: Asked) -> list[float]:
    draw, layers, batch = np.random.default_rng(asked.seed), asked.layers, asked.batch
    n_in, n_hidden, n_out = layers
    recurrent = square(kind, n_hidden + n_out, draw)
    inward = draw.normal(size=(n_in, n_hidden + n_out)) / np.sqrt(n_in)
    inputs, labels = draw.normal(size=(batch, n_in)), _labels(draw, layers, batch)
    weights = _blocks(inward, recurrent, n_hidden)
    graph = Graph(
        recurrent,
        inputs @ inward,
        np.eye(n_out)[labels],
        output="identity",
    )
    truth = -implicit_gradient(graph)[0]
    errors = []
    for beta in BETAS:
        settings = settled(layers, batch, beta=beta, cost="squared-error")
        settings = changed(settings, connections=CONNECTIONS)
        update = shown(rule, settings, weights, inputs, labels).update
        errors.append(relative_error(_joined(update), truth))
    return errors


def _blocks(inward, recurrent, n: int) -> Weights:
    """Weights by projection; n hidden neurons come first."""
    return {
        "input_to_hidden": inward[:, :n],
        "input_to_output": inward[:, n:],
        "hidden_to_hidden": recurrent[:n, :n],
        "hidden_to_output": recurrent[:n, n:],
        "output_to_hidden": recurrent[n:, :n],
        "output_to_output": recurrent[n:, n:],
        "bias_hidden": np.zeros((1, n)),
        "bias_output": np.zeros((1, len(recurrent) - n)),
    }


def _joined(update: Weights) -> np.ndarray:
    rows = [
        [update[f"{pre}_to_{post}"] for post in ("hidden", "output")]
        for pre in ("hidden", "output")
    ]
    return np.block(rows)


SEED = 1

GRADIENT = {
    "relative_error": "of the update at the smallest beta beside minus the gradient of "
    "backpropagation, by projection",
    "cosine": "of the angle between both, by projection",
    "order_in_beta": "slope of log error, all weights together, against log beta, at "
    "alpha = 1/2",
}

FAMILY = Family(
    "dyads",
    GRADIENT
    | {
        "order_in_beta_quarter": "the same slope at alpha = 1/4",
        "linear_error": "largest relative error of a linear network, at beta = 1",
        "settled_error": "largest difference of the states in continuous time and in "
        "closed form",
        "forward_change": "of basal potentials by nudging, at alpha = 0, in mV",
    },
    SEED,
    {"relative_error": (0, 1e-4), "cosine": (1 - 1e-8, 1 + 1e-8)},
    measure,
    layers=LAYERS,
    batch=BATCH,
)

COMPARTMENTS = Family(
    "compartments",
    GRADIENT,
    SEED,
    {"relative_error": (0, 1e-4), "cosine": (1 - 1e-8, 1 + 1e-8)},
    measure_compartments,
    layers=(10, 16, 14, 5),
    batch=BATCH,
)

GRAPHS_FAMILY = Family(
    "dyadic graphs",
    {
        "relative_error": "of the update at the smallest beta beside minus the "
        "implicit gradient, by kind of graph",
        "order_in_beta": "slope of log error against log beta, by kind of graph",
    },
    SEED,
    {"relative_error": (0, 1e-3), "order_in_beta": (1.95, 2.05)},
    measure_graphs,
    layers=(5, 12, 4),
    batch=BATCH,
)
