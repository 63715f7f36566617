"""Code on synapses that runs only where a shared variable is not zero."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, ms, prefs, set_device

from neuro_ep import DenseSynapses
from neuro_ep.errors import InputError

NEURONS = "x : 1"
MODEL = """
w    : 1
seen : 1
n    : 1 (shared)
open : 1 (shared)
"""


@pytest.fixture(params=["numpy", "cython"], autouse=True)
def target(request):
    before = prefs.codegen.target
    set_device("runtime")
    prefs.codegen.target = request.param
    yield
    prefs.codegen.target = before


def synapses(code, open=1.0, other=None, gate="open"):
    """Three neurons onto themselves, or onto another group; twice."""
    neurons = NeuronGroup(6, NEURONS, dt=0.1 * ms)
    made = DenseSynapses(neurons, other or neurons, MODEL, replicas=2)
    made.run_where(code, gate)
    made.w = np.arange(len(made), dtype=float).reshape(made.N_pre, made.N_post)
    made.open = open
    return made, Network(neurons, made, *([other] if other else []))


def test_open_code_runs_at_every_step():
    made, network = synapses("w = w + 1")
    network.run(0.3 * ms)
    np.testing.assert_array_equal(made.w, np.arange(9).reshape(3, 3) + 3)


def test_closed_code_does_not_run():
    made, network = synapses("w = w + 1", open=0.0)
    network.run(0.3 * ms)
    np.testing.assert_array_equal(made.w, np.arange(9).reshape(3, 3))


def test_the_other_direction_is_read_before_anything_is_written():
    made, network = synapses("w = w_transposed")
    network.run(0.1 * ms)
    np.testing.assert_array_equal(made.w, np.arange(9).reshape(3, 3).T)


def test_numbers_of_neurons():
    other = NeuronGroup(4, NEURONS, dt=0.1 * ms)
    made, network = synapses("w = 10*i + j\nseen = int(i != j)", other=other)
    network.run(0.1 * ms)
    np.testing.assert_array_equal(made.w, [[0, 1], [10, 11], [20, 21]])
    np.testing.assert_array_equal(made.seen, [[0, 1], [1, 0], [1, 1]])


def test_shared_variables_are_written_once_a_step():
    made, network = synapses("n = n + 1\nw = n")
    network.run(0.2 * ms)
    assert made.n == 2
    np.testing.assert_array_equal(made.w, np.full((3, 3), 2))


@pytest.mark.parametrize(
    ("code", "gate", "refusal"),
    [
        ("w = x_pre", "open", "'x_pre', which is not one a synapse"),
        ("w = 0", "w", "'w' is not a shared variable"),
        ("w = 0", "missing", "'missing' is not a shared variable"),
        ("w = n_transposed", "open", "needs a variable 'n' of synapses"),
        ("w = v_transposed", "open", "needs a variable 'v' of synapses"),
    ],
)
def test_what_is_refused(code, gate, refusal):
    with pytest.raises(InputError, match=refusal):
        synapses(code, gate=gate)


def test_no_other_direction_between_two_groups():
    other = NeuronGroup(4, NEURONS, dt=0.1 * ms)
    with pytest.raises(InputError, match="from a group onto itself"):
        synapses("w = w_transposed", other=other)
