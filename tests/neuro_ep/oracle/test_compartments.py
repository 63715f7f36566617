"""Compartments in continuous time against the closed form; how long they take."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle import compartments, dyads
from neuro_ep.oracle.backpropagation import backpropagation, random_network
from neuro_ep.oracle.chain import Chain

VARIANTS = [
    {"alpha": 0.5},
    {"alpha": 0.5, "reference": "mean"},
    {"alpha": 0.5, "beta": (0.3, 0.1, 0.4, 0.2)},
    {"alpha": 0.75, "reference": "drive", "beta": 0.05},
    {"alpha": 0.0, "transpose": True},
    {"alpha": 0.25, "transpose": True},
    {"alpha": 1.0, "transpose": True},
]


def distance(one, other):
    """The largest of any state."""
    pairs = zip((*one.plus, *one.minus), (*other.plus, *other.minus), strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_both_forms_settle_at_the_closed_form(activation, variant, chain_case):
    chain = Chain(*chain_case(1), activation=activation, **variant)
    truth = dyads.settle(chain, tolerance=1e-14)
    found = compartments.run(chain)
    print("compartments and closed form", distance(found, truth))
    assert distance(found, truth) < 1e-12
    assert distance(compartments.rate_form(chain), truth) < 1e-12
    other = replace(chain, alpha=0.6)
    assert distance(compartments.run(other), truth) > 1e-4


def test_feedback_weights_of_their_own(chain_case):
    feedback = chain_case(2)[0]
    chain = Chain(*chain_case(1), feedback=feedback, beta=0.5)
    found = compartments.run(chain)
    assert distance(found, dyads.settle(chain)) < 1e-12
    assert distance(found, dyads.settle(replace(chain, feedback=None))) > 1e-3


@pytest.mark.parametrize("alpha", [0.5, 0.7])
def test_rate_form_settles_at_the_exact_prox(alpha, chain_case):
    setting = {"activation": "tanh", "cost": "squared-error", "reference": "prox"}
    chain = Chain(*chain_case(1), alpha=alpha, beta=0.1, **setting)
    found = compartments.rate_form(chain)
    assert distance(found, dyads.settle(chain)) < 1e-12
    with pytest.raises(InputError, match="no exact prox here"):
        compartments.run(chain)


def test_fixed_point_knows_no_time_constants(chain_case):
    chain = Chain(*chain_case(2), reference="mean")
    one = compartments.run(chain)
    assert distance(compartments.run(chain, dt=0.05, steps=1200), one) < 1e-12
    assert distance(compartments.run(chain, tau_m=2.0, tau_d=0.5, steps=1500), one) < (
        1e-12
    )
    each = [np.linspace(0.5, 2, w.shape[1]) for w in chain.weights]
    found = compartments.run(chain, tau_m=each, tau_d=[1.0, 2.0, 1.0, 0.7], steps=1500)
    assert distance(found, one) < 1e-12
    early, *others = (
        compartments.run(chain, tau_m=m, tau_d=d, steps=40)
        for m, d in ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0))
    )
    assert all(distance(early, other) > 1e-3 for other in others)
    assert distance(*others) > 1e-3


# Squared error, widths 20-64-...-64-10: t(10 %) and t(1 %) by layers of weights.
SETTLING = {2: (6.3, 9.5), 3: (8.7, 12.3), 4: (10.6, 14.5), 6: (13.7, 18.6)}
SETTLING |= {9: (19.4, 26.2)}


@pytest.mark.parametrize("depth", SETTLING)
def test_settling_time(depth, chain_case):
    layers = (20, *[64] * (depth - 1), 10)
    found = []
    for seed in range(3):
        chain = Chain(*chain_case(seed, layers), cost="squared-error", reference="mean")
        errors = compartments.settling_errors(chain, dyads.settle(chain), steps=350)
        found.append([compartments.settling_time(errors, s) for s in (0.1, 0.01)])
    print(depth, "t(10 %), t(1 %)", np.median(found, axis=0))
    np.testing.assert_allclose(np.median(found, axis=0), SETTLING[depth], rtol=0.2)


def test_settling_time_is_of_the_last_time_above():
    errors = np.array([1.0, 0.05, 0.2, 0.04, 0.01])
    assert compartments.settling_time(errors, 0.1) == pytest.approx(0.4)
    assert compartments.settling_time(errors, 2.0) == pytest.approx(0.1)
    assert np.isnan(compartments.settling_time(errors, 0.001))


# Cosine of what the first layer learns of a stream to its gradient, over the whole of
# each presentation and over its last fifth, by (layers of weights, duration in tau).
# Measured once in another replica, but for the whole of (2, 10).
STREAM = {
    (2, 10): (0.90, 1.00),
    (4, 10): (0.63, 0.95),
    (4, 20): (0.91, 1.00),
}


def stream_of_samples(seed, depth, samples=20):
    """One random network with one sample after the other."""
    random = np.random.default_rng(seed)
    network = random_network((20, *[64] * (depth - 1), 10), random)
    setting = {"cost": "squared-error", "reference": "mean", "beta": 0.2}
    for _ in range(samples):
        x, label = random.standard_normal((1, 20)), random.integers(0, 10, 1)
        yield Chain(*network, x, np.eye(10)[label], **setting)


def first_layer(gradients):
    return sum(weights[0] for weights in gradients)


@pytest.mark.parametrize("case", STREAM)
def test_stream_of_samples(case, cosine):
    depth, duration = case
    found = []
    for seed in range(3):
        chains = list(stream_of_samples(seed, depth))
        truth = first_layer(
            backpropagation(c.weights, c.biases, c.x, c.y, "tanh", c.cost)[0]
            for c in chains
        )
        learned = [
            first_layer(compartments.stream(chains, duration, gate))
            for gate in (1.0, 0.2)
        ]
        found.append([cosine(each, truth) for each in learned])
    print(case, "whole and last fifth", np.mean(found, axis=0))
    np.testing.assert_allclose(np.mean(found, axis=0), STREAM[case], atol=0.03)


def test_a_stream_carries_the_previous_sample_over(relative):
    """Learned of a sample right after another, and after a long presentation."""
    one, two = stream_of_samples(0, 2, samples=2)
    alone = compartments.stream([two], 5.0)[0]
    after = compartments.stream([one, two], 5.0)[1]
    again = compartments.stream([two, two, two], 30.0)[2]
    settled = dyads.gradient(dyads.settle(two))[0]
    assert relative(again, settled) < 1e-9
    assert relative(alone, settled) > 0.1
    assert relative(after, alone) > 0.1
