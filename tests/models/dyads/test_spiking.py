"""Dyads that speak in spikes: their steps, spikes and updates beside those in numpy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import EventMonitor, Hz, StateMonitor, seed

from neuro_ep import tasks
from neuro_ep.build.network import build_network
from neuro_ep.build.wiring import layer_names
from neuro_ep.checking import check
from neuro_ep.checking.families.dyads import (
    chain_of,
    drawn,
    shown,
)
from neuro_ep.checking.families.spikes import worst_cosine
from neuro_ep.checking.families.spiking_dyads import (
    spikes_descent,
    windowed,
)
from neuro_ep.checking.presented import present
from neuro_ep.errors import InputError
from neuro_ep.models.dyads.spiking import (
    RATE_MAX,
    SPIKING_DUAL_PROPAGATION,
    TAU,
    TAU_S,
)
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.spiking_dyads import WindowTimes, at_rest, steps
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import on_target
from neuro_ep.training import train as training

SCRIPT = Path(__file__).with_name("spiking_run.py")
MILLI = 1e-3


@pytest.fixture(autouse=True)
def here():
    with on_target("numpy"):
        yield


@pytest.fixture(scope="module")
def spiking_run(module_at):
    """The module `spiking_run.py`."""
    return module_at(SCRIPT)


def oracle_after(settings, subject, many: int) -> dict[str, np.ndarray]:
    """States of the oracle by their names in Brian2, (batch, n), in volt."""
    chain = chain_of(settings, subject, reference="mean")
    found = steps(chain, WindowTimes(), "subtractive", at_rest(chain))
    for _ in range(many):
        state, _ = next(found)
    named = {"output.m": state.m[-1], "output.d": state.d[-1]}
    for k, name in enumerate(layer_names(settings.layers)[1:-1]):
        pairs = {"v": state.v[k], "trace": state.s[k]}
        named |= {f"{name}.m": state.m[k], f"{name}.d": state.d[k]}
        for what, (plus, minus) in pairs.items():
            named |= {f"{name}.{what}_plus": plus, f"{name}.{what}_minus": minus}
    return {name: MILLI * value for name, value in named.items()}


def compare(spiking_run, found, layers):
    """With the oracle: all states after the last step, and the update."""
    settings = spiking_run.settings(layers)
    subject = drawn(layers, spiking_run.BATCH, spiking_run.SEED)
    many = round((settings.free + settings.nudged) / settings.step) + 1
    expected, early = (oracle_after(settings, subject, n) for n in (many, many - 1))
    assert len(expected) == 6 * (len(layers) - 2) + 2
    for name, value in expected.items():
        gap = np.abs(found[name].reshape(value.shape) - value).max()
        assert gap < 1e-8 * MILLI, (name, gap)
        if ".v_" in name:  # a step earlier it was elsewhere
            assert np.abs(early[name] - value).max() > 1e-2 * MILLI
    for name, change in spikes_descent(settings, subject).items():
        assert relative_error(found[name], change) < 1e-4, name


def test_states_and_update_are_those_of_the_oracle(spiking_run):
    compare(spiking_run, spiking_run.presented(), spiking_run.LAYERS)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("target", ["standalone", "cython"])
def test_compiled(spiking_run, tmp_path, target):
    done = subprocess.run(
        [sys.executable, SCRIPT, target, tmp_path / "found.npz"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "found.npz") as found:
        compare(spiking_run, dict(found), spiking_run.SHALLOW)


def test_spikes_can_be_watched(spiking_run):
    """Events are where the oracle's are; as many as the drive says."""
    settings = spiking_run.settings()
    subject = drawn(spiking_run.LAYERS, spiking_run.BATCH, spiking_run.SEED)
    simulation = device.simulation(build_network(SPIKING_DUAL_PROPAGATION, settings))
    network = simulation.network
    group = network["hidden_1"]
    watched = [EventMonitor(group, name) for name in ("spike_plus", "spike_minus")]
    drive = StateMonitor(group, "f_plus", record=True, clock=group.clock)
    network.brian2.add(*watched, drive)
    known = {name: subject[0][name] * MILLI for name in network.weights}
    present(simulation, known, *subject[1:], eta=0)
    chain = chain_of(settings, subject, reference="mean")
    found, wanted = steps(chain, WindowTimes(), "subtractive", at_rest(chain)), []
    for _ in range(round((settings.free + settings.nudged) / settings.step) + 1):
        wanted.append([each.ravel() for each in next(found)[1][0]])
    step = float(group.clock.dt)
    for k, monitor in enumerate(watched):
        raster = np.zeros((len(wanted), len(group)), dtype=bool)
        raster[np.round(np.asarray(monitor.t) / step).astype(int), monitor.i] = True
        np.testing.assert_array_equal(raster, [each[k] for each in wanted])
    assert (raster != [each[0] for each in wanted]).any()  # both trains are not one
    gap = np.asarray(watched[0].count) - np.asarray(drive.f_plus).sum(axis=1)
    assert np.abs(gap).max() <= 1


def test_steps_are_those_of_the_oracle():
    """Its numbers of steps are the model's constants."""
    assert WindowTimes().tau == pytest.approx(float(TAU * RATE_MAX))
    assert WindowTimes().tau_s == pytest.approx(float(TAU_S * RATE_MAX))


def test_the_update_is_the_gradient_and_controls_are_not():
    found = check(SPIKING_DUAL_PROPAGATION)
    print({name: found[name] for name in found["bounds"]})
    assert found["passed"], found["failed"]
    assert min(found["cosine"].values()) > 0.99
    assert found["control_hard_reset"] < 0.5
    assert found["control_independent_noise"] < 0.5
    assert found["control_short_window"] < 0.97


def test_shared_noise_is_better_than_independent(spiking_run):
    subject = drawn(spiking_run.LAYERS, 10, 2)
    settings = windowed(spiking_run.LAYERS, 10, beta=1.0)
    truth = spikes_descent(settings, subject)
    seed(1)
    shared, independent = (
        worst_cosine(
            SPIKING_DUAL_PROPAGATION, changed(settings, dynamics=noise), subject, truth
        )
        for noise in ("shared-noise", "independent-noise")
    )
    print("shared", shared, "independent", independent)
    assert shared > independent + 0.1


def test_a_batch_is_the_mean_of_its_samples(spiking_run):
    """Replicas spike apart: the update of three samples is that of each alone."""
    weights, inputs, labels = drawn(spiking_run.LAYERS, 3, 1)
    settings = spiking_run.settings()
    together = spikes_of(settings, (weights, inputs, labels))
    alone = [
        spikes_of(changed(settings, batch=1), (weights, inputs[[k]], labels[[k]]))
        for k in range(3)
    ]
    for name, change in together.items():
        mean = np.mean([each[name] for each in alone], axis=0)
        assert relative_error(change, mean) < 1e-4
        assert cosine(change, alone[0][name]) < 0.99


def spikes_of(settings, subject):
    return shown(SPIKING_DUAL_PROPAGATION, settings, *subject, eta=1e-9).update


def test_it_learns(tmp_path):
    digits = tasks.load("digits")
    settings = SPIKING_DUAL_PROPAGATION.settings(
        "digits", epochs=1, layers=(64, 16, 10), free=4, nudged=1
    )
    result = training.train(
        SPIKING_DUAL_PROPAGATION,
        digits,
        settings,
        out=tmp_path / "run.h5",
        target="numpy",
    )
    assert result.test_accuracy > 0.7  # chance is 0.1


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"dynamics": "discrete"}, "no dynamics of spiking dyads is called 'discrete'"),
        ({"activation": "relu"}, "no activation of spiking dyads is called 'relu'"),
        ({"cost": "proximal"}, "no cost of spiking dyads is called 'proximal'"),
        ({"step": 0.1}, "a generator fires once a step at most"),
        ({"tolerance": 1e-3}, "neurons that spike never come to rest"),
    ],
)
def test_refused(choice, said):
    with pytest.raises(InputError, match=said):
        SPIKING_DUAL_PROPAGATION.model(changed(windowed((6, 9, 4), 3), **choice))


def test_a_check_needs_a_hidden_layer():
    with pytest.raises(InputError, match="hidden neurons are those that spike"):
        check(SPIKING_DUAL_PROPAGATION, layers=(6, 4))


def test_the_largest_step_is_the_shortest_interval():
    settings = SPIKING_DUAL_PROPAGATION.settings("digits")
    assert RATE_MAX * settings.step * TAU <= 1
    assert 1000 * Hz == RATE_MAX
