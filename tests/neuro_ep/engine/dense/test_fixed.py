"""What was found by breaking: changes after the fact, and synapses that are gone."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, TimedArray, defaultclock

from neuro_ep import DenseSynapses, InputError, on_target


def made(model="w : 1\na_post = w*x_pre : 1 (summed)", **keywords):
    group = NeuronGroup(6, "x : 1\na : 1\nk : integer")
    return group, DenseSynapses(group, group, model, **keywords)


@pytest.mark.parametrize(
    "name", ["replicas", "N_pre", "dtype", "when", "order", "source", "summed_updaters"]
)
def test_what_is_used_up_is_fixed(on_numpy, name):
    _, synapses = made(replicas=2)
    with pytest.raises(InputError, match=f"{name} is fixed once the synapses are made"):
        setattr(synapses, name, getattr(synapses, name))


@pytest.mark.parametrize("name", ["x_pre", "u_post"])
def test_names_of_neurons_are_not_declared(on_numpy, name):
    with pytest.raises(InputError, match=f"'{name}' cannot be declared"):
        made(f"{name} : 1\nw : 1")


def test_an_operation_that_outlives_its_synapses_harms_nobody(on_numpy):
    def simulate():
        group, synapses = made()
        Network(group, synapses).run(defaultclock.dt)
        return synapses.summed_updaters["a_post"]

    kept = simulate()
    assert NeuronGroup(1, "x : 1").name
    assert kept.name


def test_a_table_over_synapses_is_read_by_their_numbers(on_numpy):
    table = TimedArray(np.arange(12.0).reshape(2, 6), dt=defaultclock.dt)
    group = NeuronGroup(6, "x : 1\na : 1")
    namespace = {"table": table}
    model = "w : 1\na_post = w*table(t, i) : 1 (summed)"
    synapses = DenseSynapses(group, group, model, namespace=namespace)
    synapses.w = 1
    Network(group, synapses).run(2 * defaultclock.dt)
    np.testing.assert_array_equal(group.a, np.arange(6, 12).sum())


@pytest.mark.parametrize("name", ["nunpy", "", None, 3])
def test_unknown_targets_are_refused(name):
    with pytest.raises(InputError, match="choose one of standalone"), on_target(name):
        pass


@pytest.mark.parametrize("dtype", ["foo", "float16", None, int])
def test_unknown_types_are_refused(dtype):
    with (
        pytest.raises(InputError, match="choose float32 or float64"),
        on_target("numpy", dtype),
    ):
        pass
