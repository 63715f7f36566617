"""Dyads as they run in Brian2: states, time and schedule against the oracle.

Gradients are in tests/gradients/test_dual_propagation_gradient.py. Networks and
samples are those of `neuro_ep.checking.families.dyads`, in units of 1 mV.
"""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from brian2 import Equations

from neuro_ep.build.network import build_network
from neuro_ep.checking.families.dyads import (
    chain_of,
    closed,
    descent,
    drawn,
    settled,
    shown,
)
from neuro_ep.checking.presented import present
from neuro_ep.errors import InputError, RunError
from neuro_ep.models.dyads.dual_propagation import (
    DUAL_PROPAGATION,
    DUAL_PROPAGATION_TRANSPOSE,
    KOLEN_POLLACK,
)
from neuro_ep.oracle import compartments, dyads
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.loop_gain import loop_matrix
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

LAYERS, BATCH, MILLI = (8, 12, 11, 5), 3, 1e-3
NAMES = ("hidden_1", "hidden_2", "output")
STATES = [f"{name}{part}" for name in NAMES for part in (".m", "_apical.d")]
RULES = {False: DUAL_PROPAGATION, True: DUAL_PROPAGATION_TRANSPOSE}
COMPILER = bool(shutil.which(os.environ.get("CXX", "g++")) and shutil.which("make"))


@pytest.fixture(autouse=True)
def numpy_target(on_numpy):
    select_target("numpy")


@pytest.fixture
def subject():
    return drawn(LAYERS, BATCH, seed=1)


def states_of(values):
    """{"hidden_1.m": (batch, n), ...} in units of v_unit."""
    return {name: values[name].reshape(BATCH, -1) / MILLI for name in STATES}


def plus_and_minus(settings, states, transpose=False):
    """[(s+, s-)] of the layers above the input; the output is linear."""
    chain = chain_of(settings, drawn(LAYERS, BATCH, seed=1), transpose=transpose)
    c_plus, c_minus = chain.gains
    pairs = []
    for layer, name in enumerate(NAMES, start=1):
        f = chain.activation_of(layer).value
        m, d = states[f"{name}.m"], states[f"{name}_apical.d"]
        pairs.append((f(m + c_plus * d), f(m - c_minus * d)))
    return pairs


def distance(pairs, truth):
    """The largest of any state, from the oracle's dyads."""
    found = [state for pair in pairs for state in pair]
    right = zip(truth.plus[1:], truth.minus[1:], strict=True)
    flat = [state for pair in right for state in pair]
    return max(np.abs(a - b).max() for a, b in zip(found, flat, strict=True))


# --- the closed form: an Euler step of one time constant ------------------------------


@pytest.mark.parametrize(
    ("sweeps", "transpose", "choices"),
    [
        (1, False, {}),
        (3, False, {}),
        (1, False, {"activation": "relu"}),
        (1, False, {"activation": "hard-sigmoid", "cost": "squared-error"}),
        (3, False, {"activation": "sigmoid", "alpha": 0.7}),
        (3, False, {"activation": "linear", "alpha": 0.0}),
        (3, True, {"alpha": 0.25}),
        (1, True, {"alpha": 1.0, "activation": "relu", "cost": "squared-error"}),
    ],
)
def test_sweeps_are_the_closed_form(subject, sweeps, transpose, choices):
    """The update after one sweep, up and down, and after three."""
    settings = closed(LAYERS, BATCH, beta=0.5, free=sweeps - 1, **choices)
    found = shown(RULES[transpose], settings, *subject).update
    error = worst(found, oracle_update(settings, subject, sweeps, transpose))
    print(transpose, choices, sweeps, "error", error)
    assert error < 1e-12
    others = [oracle_update(settings, subject, sweeps, transpose, alpha=0.6)]
    if settings.alpha != 0.5:
        others += [oracle_update(settings, subject, sweeps, not transpose)]
    if choices.get("activation") in (None, "sigmoid"):  # others need but one
        others += [oracle_update(settings, subject, 4 - sweeps, transpose)]
    assert min(worst(found, other) for other in others) > 1e-4


def oracle_update(settings, subject, sweeps, transpose=False, **other):
    """Minus the gradients that the oracle's dyads have after so many sweeps."""
    chain = chain_of(settings, subject, transpose=transpose)
    truth = dyads.closed_form(**{**fields_of(chain), **other}, sweeps=sweeps)
    return descent(settings, dyads.gradient(truth))


def fields_of(chain):
    return {name: getattr(chain, name) for name in chain.__dataclass_fields__}


def worst(found, truth):
    """The largest relative error of a projection."""
    return max(relative_error(found[name], right) for name, right in truth.items())


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_transpose_leaves_the_forward_pass_alone(subject, alpha):
    """Bit by bit, at any beta; a second sweep changes no bit of the update either."""
    basal = [name for name in STATES if name.endswith(".m")]
    settings = closed(LAYERS, BATCH, alpha=alpha, beta=2.0)
    twice = changed(settings, free=1)

    def change_by(rule):
        """What nudging changes potentials by, and a second sweep the update."""
        simulation = device.simulation(build_network(rule, twice))
        known = {n: subject[0][n] * MILLI for n in simulation.network.weights}
        shows = [{"eta": 0}, {"eta": 0, "learn": False}, {"eta": 1}]
        nudged, free, two = (
            present(simulation, known, *subject[1:], wanted=basal, **how)
            for how in shows
        )
        one = shown(rule, settings, *subject).update
        unit = {name: change / MILLI for name, change in two.update.items()}
        pairs = [(nudged.values, free.values), (unit, one)]
        return [
            max(np.abs(these[name] - those[name]).max() for name in these)
            for these, those in pairs
        ]

    assert change_by(DUAL_PROPAGATION_TRANSPOSE) == [0, 0]
    assert min(change_by(DUAL_PROPAGATION)) > 1e-2 * MILLI


def test_proximal_step_is_that_of_the_oracle(subject):
    """The output's two states minimise and maximise the cost, to all digits."""
    choices = {"cost": "squared-error", "beta": 1.6, "alpha": 0.6}
    settings = closed(LAYERS, BATCH, free=2, **{**choices, "cost": "proximal"})
    found = shown(DUAL_PROPAGATION, settings, *subject).update
    chain = chain_of(closed(LAYERS, BATCH, **choices), subject, reference="prox")
    truth, linear = (
        descent(settings, dyads.gradient(dyads.closed_form(**fields, sweeps=3)))
        for fields in (fields_of(chain), {**fields_of(chain), "reference": "drive"})
    )
    assert worst(found, truth) < 1e-12
    assert worst(found, linear) > 1e-2


@pytest.mark.parametrize(
    ("transpose", "alpha", "beta", "allowed"),
    [
        (False, 0.5, 1.99, True),
        (False, 0.5, 2.0, False),
        (False, 0.0, 1.0, False),
        (False, 1.0, 9.0, True),
        (True, 1.0, 1.0, False),
        (True, 0.0, 9.0, True),
    ],
)
def test_proximal_step_is_refused_without_a_maximum(transpose, alpha, beta, allowed):
    settings = closed(LAYERS, BATCH, cost="proximal", alpha=alpha, beta=beta)
    if allowed:
        assert RULES[transpose].model(settings)
        return
    with pytest.raises(InputError, match="proximal step needs beta below"):
        RULES[transpose].model(settings)


# --- continuous time ------------------------------------------------------------------


def changed_time(simulation, basal, apical):
    """Other time constants, in units of that in which durations are given."""
    values = simulation.network.values
    for name in [name for name in values if name.startswith(NAMES)]:
        if name.endswith(("_apical.tau_apical", ".tau_basal")):
            factor = apical if name.endswith("tau_apical") else basal
            values[name] = factor * values[name]


@pytest.mark.parametrize(
    ("transpose", "choices"),
    [
        (False, {}),
        (False, {"activation": "relu", "cost": "squared-error"}),
        (True, {"alpha": 0.25, "beta": 0.3}),
    ],
)
def test_compartments_settle_at_the_closed_form(subject, transpose, choices):
    """Whatever the step and the time constants, which the way there depends on."""
    settings = changed(settled(LAYERS, BATCH, beta=0.2), **{"free": 100, **choices})
    truth = dyads.settle(
        chain_of(settings, subject, reference="mean", transpose=transpose),
        tolerance=1e-14,
    )
    unit = {name: value * MILLI for name, value in subject[0].items()}

    def states(settings, basal=1.0, apical=1.0):
        simulation = device.simulation(build_network(RULES[transpose], settings))
        changed_time(simulation, basal, apical)
        names = simulation.network.weights
        known = {name: unit[name] for name in names}
        how = {"eta": 0, "wanted": STATES}
        return states_of(present(simulation, known, *subject[1:], **how).values)

    others = [] if choices else [(0.1, 1.5, 0.5), (0.5, 0.7, 2)]
    for step, *taus in [(0.1, 1, 1), *others]:
        found = states(changed(settings, step=step), *taus)
        error = distance(plus_and_minus(settings, found, transpose), truth)
        print(choices, "step", step, "time constants", taus, "error", error)
        assert error < 1e-12
    early = states(changed(settings, free=5), 1, 2)
    assert distance(plus_and_minus(settings, early, transpose), truth) > 1e-3


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_feedback_of_the_cost_through_the_mean(alpha):
    """In a linear network the slope at the mean closes a loop of gain
    (1 - 2 alpha) beta (K + 1): what it settles at, and from where on it does not.
    """
    layers = (6, 7, 4)
    subject = drawn(layers, 1, seed=2)
    choices = {"activation": "linear", "cost": "squared-error", "alpha": alpha}
    settings = changed(settled(layers, 1), step=0.5, free=300, **choices)
    chain = chain_of(settings, subject)
    loop = np.eye(4) + loop_matrix(chain.weights, chain.biases, chain.x, "identity")[0]
    critical = 1 / np.linalg.eigvalsh(loop).max() / abs(1 - 2 * alpha)
    for factor in (0.5, 0.9):
        beta = factor * critical
        found = output_difference(settings, subject, beta)
        free = beta * (chain.y - chain.free_states[-1])[0]
        right = np.linalg.solve(np.eye(4) + (2 * alpha - 1) * beta * loop, free)
        np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-9)
    beyond = [
        np.abs(output_difference(changed(settings, free=t), subject, 1.1 * critical))
        for t in (40, 80)
    ]
    grows = beyond[1].max() > 2 * beyond[0].max()
    assert grows == (alpha < 0.5)  # above 1/2 the feedback is negative


def output_difference(settings, subject, beta):
    """d of the output, in units of v_unit."""
    how = {"eta": 0, "beta": beta, "wanted": ["output_apical.d"]}
    try:
        found = shown(DUAL_PROPAGATION, settings, *subject, **how)
    except RunError:
        return np.full(settings.layers[-1], np.inf)
    return found.values["output_apical.d"] / MILLI


# --- a stream of samples --------------------------------------------------------------


def stream_of_samples(seed, count, layers=(20, 64, 10)):
    """(subject, settings without pause or reset) of one sample after another."""
    weights, _, _ = drawn(layers, 1, seed)
    draw = np.random.default_rng(seed + 100)
    inputs = draw.normal(size=(count, layers[0]))
    labels = draw.integers(0, layers[-1], count)
    settings = changed(
        settled(layers, 1), dynamics="stream", beta=0.2, cost="squared-error"
    )
    return (weights, inputs, labels), settings


def learned_of_stream(subject, settings):
    """What all presentations together change the first layer's weights by."""
    weights, inputs, labels = subject
    network = build_network(DUAL_PROPAGATION, settings, capacity=len(labels))
    known = {name: weights[name] * MILLI for name in network.weights}
    found = present(device.simulation(network), known, inputs, labels, eta=1e-9)
    return found.update["input_to_hidden"] / MILLI


@pytest.mark.parametrize(
    ("duration", "gate", "step", "lowest"),
    [(5, 1.0, 0.025, 0.5), (10, 1.0, 0.1, 0.85), (10, 0.2, 0.1, 0.99),
     (20, 1.0, 0.1, 0.97)],
)  # fmt: skip
def test_a_stream_is_learned_as_by_the_oracle(duration, gate, step, lowest):
    """Cosine to the gradient, over the whole of each presentation or its last fifth.

    Layers that move one after another are a little faster than all at once.
    """
    subject, settings = stream_of_samples(0, 20)
    settings = changed(settings, step=step)
    times = {"free": duration * (1 - gate), "nudged": duration * gate}
    found = learned_of_stream(subject, changed(settings, **times))
    weights, inputs, labels = subject
    chains = [
        chain_of(settings, (weights, inputs[k : k + 1], labels[k : k + 1]),
                 reference="mean")
        for k in range(len(labels))
    ]  # fmt: skip
    each = [dyads.gradient(dyads.settle(chain))[0][0] for chain in chains]
    oracle = sum(w[0] for w in compartments.stream(chains, duration, gate, step))
    ours, theirs = cosine(found, -sum(each)), cosine(oracle, sum(each))
    print(duration, gate, "cosine", ours, "of the oracle", theirs)
    assert ours == pytest.approx(theirs, abs=0.03)
    assert lowest < ours
    if duration == 5:
        assert ours < 0.8  # what is carried over from the sample before


def test_without_a_stream_nothing_is_carried_over():
    subject, settings = stream_of_samples(0, 2)
    weights, inputs, labels = subject
    times = {"free": 4, "nudged": 1}

    def second(dynamics):
        """What is learned of the second sample, after the first and alone."""
        here = changed(settings, dynamics=dynamics, **times)
        both = learned_of_stream(subject, here)
        parts = [
            learned_of_stream((weights, inputs[k : k + 1], labels[k : k + 1]), here)
            for k in range(2)
        ]
        return np.abs(both - sum(parts)).max() / np.abs(both).max()

    assert second("continuous") < 1e-6
    assert second("stream") > 1e-2


# --- locality ---

#: What a synapse may read besides the dyads it joins.
SHARED = {"eta", "beta", "plastic", "decay", "v_unit", "tau_basal"}
DYADS = {f"{name}_{side}" for name in ("s_mean", "s_diff") for side in ("pre", "post")}


def strangers(record):
    """What the equation of learning reads otherwise."""
    read = Equations(record.equations)[record.weight].identifiers
    return read - SHARED - DYADS - {record.weight}


@pytest.mark.parametrize("rule", [*RULES.values(), KOLEN_POLLACK])
def test_learning_is_local(rule):
    model = rule.model(closed(LAYERS, BATCH))
    records = [model.synapse, model.bias, *filter(None, [model.backward])]
    assert [strangers(record) for record in records] == [set()] * len(records)
    for neurons in (model.hidden, model.output):
        own = Equations(neurons.equations)
        states = own["s_plus"].identifiers | own["s_minus"].identifiers
        assert states <= {*own.names, "tanh", "exp", "clip", "inf"}
    wrong = model.synapse.equations.replace("s_diff_post", "(target - m_post)")
    assert strangers(replace(model.synapse, equations=wrong)) == {"target", "m_post"}
