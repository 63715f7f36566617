"""States of dense synapses as dictionaries, stored, restored, and in monitors."""

import subprocess
import sys

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, Synapses, ms, mV

from neuro_ep import DenseSynapses
from neuro_ep.errors import InputError

pytestmark = pytest.mark.usefixtures("on_numpy")

MODEL = """
    dw/dt = eta*x_pre*x_post/ms : volt (clock-driven)
    u : 1 (constant)
    n : integer
    eta : volt (shared)
    f = 2*w : volt
    a_post = w*x_pre : volt (summed)
"""
START = np.arange(6.0).reshape(3, 2) * mV


def network(kind=DenseSynapses):
    pre = NeuronGroup(3, "x : 1", name="pre_neurons")
    post = NeuronGroup(2, "x : 1\na : volt", name="post_neurons")
    pre.x, post.x = [1, 2, 3], [4, 5]
    made = kind(pre, post, MODEL, method="euler", name="S")
    if kind is Synapses:
        made.connect()
    made.w = START if kind is DenseSynapses else START.ravel()
    made.eta, made.u = 1 * mV, 0.5
    return Network(pre, post, made), made


def test_states_of_a_network_are_those_of_stock_synapses():
    found, expected = (
        network(kind)[0].get_states()["S"] for kind in (DenseSynapses, Synapses)
    )
    for name in ("w", "u", "n", "eta"):
        np.testing.assert_array_equal(np.ravel(found[name]), np.ravel(expected[name]))
        assert getattr(found[name], "dim", 1) == getattr(expected[name], "dim", 1)
    assert found["w"].shape == (3, 2)
    assert {"x_pre", "a_post", "f"} & set(found) == set()


def test_states_can_be_set_to_what_was_read():
    net, made = network()
    before = net.get_states(read_only_variables=False)
    net.run(0.3 * ms)
    assert (made.w != START).all()
    net.set_states(before)
    np.testing.assert_array_equal(made.w, START)


def test_states_by_name_without_units():
    _, made = network()
    found = made.get_states(["w"], units=False)
    np.testing.assert_array_equal(found["w"], np.asarray(START))
    made.set_states({"w": 2 * found["w"]}, units=False)
    np.testing.assert_array_equal(made.w, 2 * START)


@pytest.mark.parametrize("name", ["x_pre", "a_post", "f", "nonesuch"])
def test_what_is_not_a_state(name):
    _, made = network()
    for action in (lambda: made.get_states([name]), lambda: made.set_states({name: 1})):
        with pytest.raises(InputError, match=f"'{name}'"):
            action()


def test_store_and_restore():
    final = []
    for kind in (DenseSynapses, Synapses):
        net, made = network(kind)
        net.run(0.2 * ms)
        net.store()
        net.run(0.3 * ms)
        once = np.ravel(made.w).copy()
        net.restore()
        net.run(0.3 * ms)
        np.testing.assert_array_equal(np.ravel(made.w), once)
        final.append(once)
    np.testing.assert_allclose(*final, rtol=1e-12)


CONTINUE = """
import runpy, sys
import numpy as np
from brian2 import ms, prefs
prefs.codegen.target = "numpy"
net, made = runpy.run_path(sys.argv[1])["network"]()
net.restore("half", filename=sys.argv[2])
net.run(0.3*ms)
np.save(sys.argv[3], np.asarray(made.w))
"""


def test_restored_in_a_new_process(tmp_path):
    net, made = network()
    net.run(0.2 * ms)
    net.store("half", filename=str(tmp_path / "kept"))
    net.run(0.3 * ms)
    command = [sys.executable, "-c", CONTINUE, __file__]
    subprocess.run(
        [*command, str(tmp_path / "kept"), str(tmp_path / "w.npy")], check=True
    )
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), np.asarray(made.w))


RECORDS = {
    "one": (lambda made: made[1, 0], [2]),
    "a row": (lambda made: made[1, :], [2, 3]),
    "a column": (lambda made: made[:, 1], [1, 3, 5]),
    "steps": (lambda made: made[::2, 1], [1, 5]),
    "flat": (lambda made: made[:4:2], [0, 2]),
    "backwards": (lambda made: made[::-1, 0], [4, 2, 0]),
    "array": (lambda made: np.array([5, 1]), [5, 1]),
    "all": (lambda made: True, list(range(6))),
}


@pytest.mark.parametrize("name", RECORDS)
def test_monitors_of_slices(name):
    """Synapse (i, j) has the number i*n_post + j, in stock synapses as well."""
    record, numbers = RECORDS[name]
    net, made = network()
    monitor = StateMonitor(made, ("w", "f"), record=record(made))
    net.add(monitor)
    stock_net, stock = network(Synapses)
    expected = StateMonitor(stock, ("w", "f"), record=np.array(numbers))
    stock_net.add(expected)
    net.run(0.3 * ms)
    stock_net.run(0.3 * ms)
    for variable in ("w", "f"):
        np.testing.assert_allclose(
            getattr(monitor, variable), getattr(expected, variable), rtol=1e-12
        )
