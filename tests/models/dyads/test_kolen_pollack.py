"""Weights of their own for feedback come to equal the forward weights."""

import numpy as np
import pytest

from neuro_ep.build.network import build_network
from neuro_ep.checking.families.dyads import (
    chain_of,
    closed,
    drawn,
)
from neuro_ep.checking.presented import present
from neuro_ep.models.dyads.dual_propagation import (
    KOLEN_POLLACK,
)
from neuro_ep.oracle.compare import cosine
from neuro_ep.oracle.weight_transport import kolen_pollack
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

LAYERS, BATCH, MILLI = (8, 12, 11, 5), 3, 1e-3


@pytest.fixture(autouse=True)
def numpy_target(on_numpy):
    select_target("numpy")


# --- weights of their own for feedback ------------------------------------------------


RATE = 0.3


def aligned(decay, batches=300):
    """(found, oracle's) weights after training from feedback weights of their own."""
    weights, *_ = drawn(LAYERS, BATCH, seed=3)
    draw = np.random.default_rng(4)
    for name in ("hidden_2_to_hidden_1", "output_to_hidden_2"):
        weights[name] = draw.normal(size=weights[name].shape) / 3
    inputs = draw.normal(size=(batches * BATCH, LAYERS[0]))
    labels = (inputs[:, :5]).argmax(axis=1)
    settings = closed(LAYERS, BATCH, decay=decay, beta=0.1)
    network = build_network(KOLEN_POLLACK, settings, capacity=batches)
    known = {name: weights[name] * MILLI for name in network.weights}
    update = present(device.simulation(network), known, inputs, labels, eta=RATE).update
    found = {name: (known[name] + RATE * change) / MILLI
             for name, change in update.items()}  # fmt: skip
    chain = chain_of(settings, (weights, inputs, labels))
    feedback = [np.zeros(chain.weights[0].shape), weights["hidden_2_to_hidden_1"].T,
                weights["output_to_hidden_2"].T]  # fmt: skip
    pairs = zip(
        np.split(inputs, batches), np.split(np.eye(5)[labels], batches), strict=True
    )
    wanted = kolen_pollack(
        chain.weights, chain.biases, feedback, pairs,
        rate=RATE, decay=decay, activation="tanh", beta=0.1,
    )  # fmt: skip
    return found, wanted


def test_feedback_weights_come_to_equal_the_forward_weights():
    found, (forward, biases, feedback) = aligned(decay=0.02)
    pairs = {
        "input_to_hidden_1": forward[0],
        "hidden_1_to_hidden_2": forward[1],
        "hidden_2_to_output": forward[2],
        "hidden_2_to_hidden_1": feedback[1].T,
        "output_to_hidden_2": feedback[2].T,
        "bias_hidden_2": biases[1][None],
    }
    for name, right in pairs.items():
        np.testing.assert_allclose(found[name], right, atol=1e-12)
    both = [("hidden_1_to_hidden_2", "hidden_2_to_hidden_1"),
            ("hidden_2_to_output", "output_to_hidden_2")]  # fmt: skip
    cosines = [cosine(found[w], found[b].T) for w, b in both]
    kept, _ = aligned(decay=0)
    apart = [cosine(kept[w], kept[b].T) for w, b in both]
    print("cosines of W and B", cosines, "without decay", apart)
    assert min(cosines) > 0.99
    assert min(apart) < 0.9
