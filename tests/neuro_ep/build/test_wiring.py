"""Which layers are joined by which synapses, and where their weights begin."""

import numpy as np
import pytest

from neuro_ep.build.network import build_network
from neuro_ep.build.wiring import wiring
from neuro_ep.errors import InputError
from neuro_ep.models.dyads.dual_propagation import (
    DUAL_PROPAGATION,
    DYADIC,
    KOLEN_POLLACK,
)
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.settings import Settings, changed
from neuro_ep.training.initial_weights import initial_weights

CHAIN = Settings((4, 3, 2), eta=(0.1,), beta=0.5, free=4, nudged=2, step=0.5)
GRAPH = changed(CHAIN, connections=((0, 1), (1, 1), (1, 2), (0, 2)), eta=(1, 2, 3, 4))


def names(rule, settings):
    return [edge.name for edge in wiring(rule.model(settings), settings)]


def test_a_chain():
    assert names(CONTINUAL_EP, CHAIN) == [
        *("input_to_hidden", "bias_hidden"),
        *("hidden_to_output", "bias_output"),
    ]


def test_skip_and_lateral_connections_have_one_bias_a_layer():
    edges = wiring(CONTINUAL_EP.model(GRAPH), GRAPH)
    assert [(edge.name, edge.rate) for edge in edges] == [
        ("input_to_hidden", 0),
        ("bias_hidden", 0),
        ("hidden_to_hidden", 1),
        ("hidden_to_output", 2),
        ("bias_output", 2),
        ("input_to_output", 3),
    ]
    assert [edge.shape for edge in edges if edge.pre is not None] == [
        *((4, 3), (3, 3)),
        *((3, 2), (4, 2)),
    ]


def test_backward_weights_come_last():
    closed = changed(KOLEN_POLLACK.settings("digits"), layers=(4, 3, 2))
    assert names(KOLEN_POLLACK, closed)[-1] == "output_to_hidden"


def test_averages_have_no_weights_and_no_biases():
    settings = changed(
        DUAL_PROPAGATION.settings("digits"),
        layers=(64, 128, 32, 10),
        image=(1, 8, 8),
        filters=("2c3p1", "a2", "all"),
    )
    edges = wiring(DUAL_PROPAGATION.model(settings), settings)
    learned = {edge.name: edge.shape for edge in edges if edge.kind.weight is not None}
    assert learned == {
        "input_to_hidden_1": (9, 2),
        "bias_hidden_1": (1, 2),
        "hidden_2_to_output": (32, 10),
        "bias_output": (1, 10),
    }
    assert set(initial_weights(DUAL_PROPAGATION, settings, 0)) == {
        *("input_to_hidden_1", "hidden_2_to_output")
    }


@pytest.mark.parametrize(
    ("connections", "message"),
    [
        (((0, 1), (1, 3)), "from 0 to 2"),
        (((0, 1), (0, 1), (1, 2)), "none twice"),
        (((0, 1), (1, 1)), "every layer but the input"),
        (((0, 1), (1, 2), (2, 0)), "every layer but the input"),
    ],
)
def test_connections_that_do_not_fit_are_refused(connections, message):
    with pytest.raises(InputError, match=message):
        changed(CHAIN, connections=connections, eta=(0.1,))


@pytest.mark.parametrize("extra", [(2, 2), (2, 1)])
def test_outputs_that_hear_no_feedback_have_no_connections(extra):
    """An update without it would not be the gradient."""
    settings = changed(CHAIN, connections=((0, 1), (1, 2), extra))
    with pytest.raises(InputError, match="no variable for I_feedback_pre"):
        build_network(CONTINUAL_EP, settings)
    build_network(DYADIC, changed(settings, nudging="one-sided", activation="tanh"))


def test_one_rate_serves_any_number_of_projections():
    assert changed(CHAIN, layers=(4, 3, 3, 2)).eta == (0.1, 0.1, 0.1)
    with pytest.raises(InputError, match="one learning rate, or 2"):
        changed(GRAPH, connections=())


def test_dyads_take_any_graph():
    settings = DYADIC.settings("digits")
    assert "hidden_to_hidden" in names(DYADIC, settings)
    weights = initial_weights(DYADIC, settings, 0)
    bound = 1 / np.sqrt(128)
    assert np.abs(weights["hidden_to_hidden"]).max() <= bound
