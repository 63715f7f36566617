"""Dyads of conductances and currents: the fixed point, and the update, of m and d."""

import numpy as np
import pytest
from brian2 import StateMonitor, mV

from neuro_ep import tasks
from neuro_ep.build.network import build_network
from neuro_ep.checking.families.dyads import (
    drawn,
    settled,
)
from neuro_ep.checking.presented import present
from neuro_ep.errors import InputError
from neuro_ep.models.dyads.compartments import (
    C_SOMA,
    DYADIC_COMPARTMENTS,
    E_LEAK,
    G_COUPLE,
    G_LEAK,
)
from neuro_ep.models.dyads.dual_propagation import DUAL_PROPAGATION
from neuro_ep.oracle.compare import relative_error
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import on_target
from neuro_ep.training import train as training

LAYERS, BATCH, MILLI = (6, 9, 8, 4), 3, 1e-3
MEMBRANE = float(C_SOMA / G_LEAK)


@pytest.fixture(autouse=True)
def on_numpy():
    with on_target("numpy"):
        yield


def one_step(**choices):
    """Settings whose weights move in the last step only, once all has settled."""
    settings = settled(LAYERS, BATCH, beta=0.2)
    return changed(settings, nudged=settings.step, **{"free": 100, **choices})


def updates(settings, values=None, seed=1):
    """What a rule changes weights by, other parameters being put in; per rule."""
    subject, found = drawn(LAYERS, BATCH, seed), []
    for rule in (DUAL_PROPAGATION, DYADIC_COMPARTMENTS):
        simulation = device.simulation(build_network(rule, settings))
        network = simulation.network
        for name in network.values:
            if rule is DYADIC_COMPARTMENTS and name.split(".")[1] in (values or {}):
                network.values[name] = values[name.split(".")[1]]
        known = {name: subject[0][name] * MILLI for name in network.weights}
        found.append(present(simulation, known, *subject[1:], eta=1.0).update)
    return found


def worst(one, other):
    return max(relative_error(other[name], one[name]) for name in one)


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"cost": "squared-error", "activation": "relu"},
        {"alpha": 0.6, "activation": "sigmoid", "beta": 0.1},
    ],
)
def test_the_update_is_that_of_the_other_form(choices):
    one, other = updates(one_step(**choices))
    error = worst(one, other)
    print(choices, "error", error)
    assert error < 1e-10
    early = worst(*updates(one_step(free=5, **choices)))
    assert early > 1e-3  # on the way there they differ


def test_the_fixed_point_knows_neither_coupling_nor_capacitance():
    one, other = updates(one_step(), {"g_couple": 3e-9, "C_apical": 150e-12})
    assert worst(one, other) < 1e-10
    _, rest = updates(one_step(), {"E_leak": -0.06})
    assert worst(one, rest) < 1e-10


def test_currents_that_do_not_compensate_for_coupling_spoil_it():
    """Synapses that know of less coupling than there is."""
    settings, subject = one_step(), drawn(LAYERS, BATCH, 1)
    one, _ = updates(settings)
    simulation = device.simulation(build_network(DYADIC_COMPARTMENTS, settings))
    network = simulation.network
    for name in [*network.projections, *network.biases]:
        network.values[f"{name}.g_couple"] = 1e-9
    known = {name: subject[0][name] * MILLI for name in network.weights}
    spoilt = present(simulation, known, *subject[1:], eta=1.0).update
    assert worst(one, spoilt) > 0.05


def test_time_constants_of_the_two_modes():
    """Without input, m + d decays with C/g_leak, m - d with C/(g_leak + 2 g_couple)."""
    settings = changed(settled((2, 3, 2), 1), step=0.01, dynamics="stream", free=2)
    weights, inputs, labels = drawn((2, 3, 2), 1, 1)
    simulation = device.simulation(build_network(DYADIC_COMPARTMENTS, settings))
    network = simulation.network
    parts = [network["hidden"], network["hidden_apical"]]
    monitors = [
        StateMonitor(part, name, record=True, clock=part.clock)
        for part, name in zip(parts, ("v_soma", "v_apical"), strict=True)
    ]
    network.brian2.add(*monitors)
    start = {"hidden.v_soma": E_LEAK + 3 * mV, "hidden_apical.v_apical": E_LEAK}
    start |= {"output.v_soma": E_LEAK, "output_apical.v_apical": E_LEAK}
    network.values.update({name: float(value) for name, value in start.items()})
    none = {name: 0 * weights[name] for name in network.weights}
    present(simulation, none, inputs, labels, eta=0, learn=False)
    m, d = (
        np.asarray(getattr(monitor, name))[0] - float(E_LEAK)
        for monitor, name in zip(monitors, ("v_soma", "v_apical"), strict=True)
    )
    times = np.asarray(monitors[0].t)
    for curve, rate in (
        (m + d, G_LEAK / C_SOMA),
        (m - d, (G_LEAK + 2 * G_COUPLE) / C_SOMA),
    ):
        found = -np.polyfit(times, np.log(curve), 1)[0]
        assert found == pytest.approx(float(rate), rel=0.02)
    assert float(G_LEAK / C_SOMA) == pytest.approx(1 / MEMBRANE)
    assert d.max() > 0.3 * MILLI  # it was at rest, and is pulled along


def test_it_learns(tmp_path):
    digits = tasks.load("digits")
    settings = DYADIC_COMPARTMENTS.settings("digits", epochs=1, layers=(64, 16, 10))
    result = training.train(
        DYADIC_COMPARTMENTS, digits, settings, out=tmp_path / "run.h5", target="numpy"
    )
    assert result.test_accuracy > 0.7  # chance is 0.1


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"dynamics": "discrete"}, "no dynamics is called 'discrete'"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"cost": "proximal"}, "no cost of dyads is called 'proximal'"),
    ],
)
def test_refused(choice, said):
    with pytest.raises(InputError, match=said):
        DYADIC_COMPARTMENTS.model(changed(one_step(), **choice))
