"""Networks for the dyads' oracle, and how far one gradient is from another."""

import numpy as np
import pytest

from neuro_ep.oracle import compare
from neuro_ep.oracle.backpropagation import random_network


@pytest.fixture
def chain_case():
    """(weights, biases, x, y) of a seed: normal x, one-hot y."""

    def case(seed, layers=(20, 64, 64, 64, 10), batch=1, **network):
        random = np.random.default_rng(seed)
        weights, biases = random_network(layers, random, **network)
        x = random.standard_normal((batch, layers[0]))
        return weights, biases, x, np.eye(layers[-1])[random.integers(0, 10, batch)]

    return case


@pytest.fixture
def relative():
    """Norm of the difference over that of the truth; arrays or lists of them."""
    return compare.relative_error


@pytest.fixture
def cosine():
    return compare.cosine
