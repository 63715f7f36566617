"""Feedback weights that learn as the forward weights do come to equal them."""

import numpy as np
import pytest

from neuro_ep.oracle import dyads
from neuro_ep.oracle.backpropagation import backpropagation, forward, random_network
from neuro_ep.oracle.weight_transport import kolen_pollack

LAYERS = (20, 64, 64, 10)
RATE, DECAY, STEPS = 0.02, 0.002, 4000


@pytest.fixture(scope="module")
def networks():
    """(weights, biases), feedback, and samples labelled by a random teacher."""
    random = np.random.default_rng(0)
    student, teacher = (random_network(LAYERS, random) for _ in range(2))
    feedback = random_network(LAYERS, random)[0]
    x = random.standard_normal((STEPS, LAYERS[0]))
    y = np.eye(10)[forward(*teacher, x, "tanh")[1][-1].argmax(axis=1)]
    return student, feedback, x, y


def cosines_to_the_gradient(network, feedback, x, y, cosine):
    setting = {"activation": "tanh", "sweeps": 2, "feedback": feedback}
    found = dyads.gradient(dyads.closed_form(*network, x, y, **setting))[0]
    truth = backpropagation(*network, x, y, "tanh")[0]
    return [cosine(*pair) for pair in zip(found, truth, strict=True)]


def test_feedback_comes_to_equal_the_forward_weights(networks, cosine):
    network, feedback, x, y = networks
    samples = ((x[k : k + 1], y[k : k + 1]) for k in range(STEPS))
    weights, biases, learned = kolen_pollack(
        *(*network, feedback, samples), rate=RATE, decay=DECAY, activation="tanh"
    )
    for layer in (1, 2):
        gap = (weights[layer] - learned[layer]) / (network[0][layer] - feedback[layer])
        np.testing.assert_allclose(gap, (1 - DECAY) ** STEPS, rtol=1e-6)
        assert cosine(weights[layer], learned[layer]) > 0.99
        assert abs(cosine(network[0][layer], feedback[layer])) < 0.1
    before = cosines_to_the_gradient(network, feedback, x[:50], y[:50], cosine)
    after = cosines_to_the_gradient((weights, biases), learned, x[:50], y[:50], cosine)
    print("cosines to the gradient", before, after)
    assert max(map(abs, before[:2])) < 0.3
    assert min(after) > 0.99


def test_without_decay_feedback_stays_as_far_as_it_was(networks):
    network, feedback, x, y = networks
    samples = ((x[k : k + 1], y[k : k + 1]) for k in range(50))
    weights, _, learned = kolen_pollack(
        *(*network, feedback, samples), rate=RATE, decay=0.0, activation="tanh"
    )
    np.testing.assert_allclose(weights[1] - learned[1], network[0][1] - feedback[1])
    assert np.abs(weights[1] - network[0][1]).max() > 1e-3
