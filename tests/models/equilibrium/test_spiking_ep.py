"""Spiking equilibrium propagation: steps, spikes and updates beside those in numpy."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import SpikeMonitor

from neuro_ep.build.network import build_network
from neuro_ep.checking import check
from neuro_ep.checking.families.dyads import (
    shown,
)
from neuro_ep.checking.families.spiking_equilibrium import (
    WRONG,
    network_of,
    presented,
    spikes_descent,
)
from neuro_ep.checking.presented import present
from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.spiking_ep import (
    RATE_MAX,
    SPIKING_EP,
    TAU,
    TAU_1,
    TAU_2,
    TAU_S,
)
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.spiking_ep import PhaseTimes, after, at_rest, step
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import on_target

SCRIPT = Path(__file__).with_name("spiking_ep_run.py")
MILLI = 1e-3


@pytest.fixture(autouse=True)
def here():
    with on_target("numpy"):
        yield


@pytest.fixture(scope="module")
def run(module_at):
    """The module `spiking_ep_run.py`."""
    return module_at(SCRIPT)


def free_steps(settings) -> int:
    return round(settings.free / settings.step)


def test_states_are_those_of_the_oracle(run):
    """After the free phase; a step earlier they were elsewhere."""
    found, settings = run.shown_once(learn=False), run.settings()
    network = network_of(settings, run.subject())
    many = free_steps(settings)
    gaps = [
        largest_gap(found, after(network, PhaseTimes(many, 0), steps))
        for steps in (many - 1, many, many + 1)
    ]
    print(gaps)
    assert min(gaps) < 1e-8
    assert sorted(gaps)[1] > 1e-2


def largest_gap(found, state) -> float:
    """Of potentials in mV, currents of both sides together, and filters."""
    gaps = []
    for k, name in enumerate(("hidden_1", "hidden_2", "output")):
        current = found[f"{name}.I_forward"] + found.get(f"{name}.I_feedback", 0)
        pairs = [(found[f"{name}.v"] / MILLI, state.v[k])]
        pairs += [(current / MILLI, state.current[k])]
        pairs += [(found[f"{name}.rho_2"], state.q[k])]
        gaps += [np.abs(a.ravel() - b.ravel()).max() for a, b in pairs]
    gaps.append(np.abs(found["input.g"] / MILLI - state.g[0].ravel()).max())
    return max(gaps)


def compare(run, found):
    for name, change in spikes_descent(run.settings(), run.subject()).items():
        assert relative_error(found[name], change) < 1e-4, name


def test_the_update_is_that_of_the_oracle(run):
    compare(run, run.shown_once())


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("target", ["standalone", "cython"])
def test_compiled(run, tmp_path, target):
    done = subprocess.run(
        [sys.executable, SCRIPT, target, tmp_path / "found.npz"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "found.npz") as found:
        compare(run, dict(found))


def test_spikes_can_be_watched(run):
    """They are where the oracle's are."""
    settings, (weights, inputs, labels) = run.settings(), run.subject()
    simulation = device.simulation(build_network(SPIKING_EP, settings))
    network = simulation.network
    monitor = SpikeMonitor(network["hidden_1"])
    network.brian2.add(monitor)
    known = {name: weights[name] * MILLI for name in network.weights}
    present(simulation, known, inputs, labels, eta=0, learn=False)
    oracle, wanted = network_of(settings, run.subject()), []
    times, many = PhaseTimes(0, 0), free_steps(settings)
    state = at_rest(oracle)
    for _ in range(many):
        state, spikes, _ = step(oracle, times, state, 0.0)
        wanted.append(spikes[1].ravel())
    when = np.round(np.asarray(monitor.t / network["hidden_1"].clock.dt)).astype(int)
    raster = np.zeros((max(many, when.max() + 1), len(network["hidden_1"])), dtype=bool)
    raster[when, monitor.i] = True
    np.testing.assert_array_equal(raster[:many], wanted)
    assert 0 < np.mean(wanted) < 1


def test_the_clamped_input_hears_nothing(run):
    """Spikes of the neurons that it drives send nothing down, and change nothing."""
    network = build_network(SPIKING_EP, run.settings())
    assert set(network["input_to_hidden_1"].pathways) == {"pre"}
    assert set(network["hidden_1_to_hidden_2"].pathways) == {"pre", "post"}


def test_constant_activity_moves_no_weight(run):
    """Over all synapses, what spikes tell adds up to nothing; told a step later, when
    rho_2 has moved, it does not."""
    network, times = network_of(run.settings(), run.subject()), PhaseTimes(0, 0)
    state, told, late = after(network, times, 2000), 0.0, 0.0
    for _ in range(2000):
        r, q = ([each[k] for k in (0, 1)] for each in (state.r, state.q))
        state, spikes, change = step(network, times, state, 0.0)
        told += moved(spikes[1:3], change[1:3])
        left = [(1 - 1 / times.tau_1) * each for each in r]
        gap = zip(left, q, change[1:3], strict=True)
        late += moved(spikes[1:3], [(a - b - dq) / times.tau_2 for a, b, dq in gap])
    print(told, late)
    assert abs(told) < 0.1 * abs(late)


def moved(spikes, change) -> float:
    """The change of all weights between two layers, summed."""
    (below, above), (d_below, d_above) = spikes, change
    return float((below.T @ d_above + d_below.T @ above).sum())


def test_the_check_and_its_controls():
    found = check(SPIKING_EP)
    assert found["passed"], found["failed"]
    assert {f"control_{name}" for name in WRONG} <= set(found["bounds"])


def test_a_batch_is_the_mean_of_its_samples(run):
    """Replicas spike apart: the update of three samples is that of each alone."""
    weights, inputs, labels = run.subject()
    together = update_of(run.settings(), run.subject())
    alone = [
        update_of(run.settings(batch=1), (weights, inputs[[k]], labels[[k]]))
        for k in range(3)
    ]
    for name, change in together.items():
        mean = np.mean([each[name] for each in alone], axis=0)
        assert relative_error(change, mean) < 1e-4
        assert cosine(change, alone[0][name]) < 0.99


def update_of(settings, subject):
    return shown(SPIKING_EP, settings, *subject, eta=1e-9).update


@pytest.mark.slow
@pytest.mark.exhaustive
def test_it_learns(tmp_path):
    run = "train digits --rule spiking-ep --epochs 4 --json --target standalone --out"
    done = subprocess.run(
        [sys.executable, "-m", "neuro_ep", *run.split(), tmp_path / "run.h5"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test_accuracy"] > 0.8  # chance is 0.1


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"dynamics": "discrete"}, "no dynamics of spiking neurons is called"),
        ({"activation": "tanh"}, "no activation of spiking neurons is called 'tanh'"),
        ({"plasticity": "stdp"}, "no plasticity of spiking neurons is called 'stdp'"),
        ({"cost": "cross-entropy"}, "no cost of spiking neurons is called"),
        ({"step": 0.2}, "a neuron fires once a step at most"),
        ({"tolerance": 1e-3}, "neurons that spike never come to rest"),
        ({"plastic_every": 2}, "synapses learn when a neuron spikes"),
    ],
)
def test_refused(choice, said):
    with pytest.raises(InputError, match=said):
        SPIKING_EP.model(changed(presented((6, 9, 4), 3), **choice))


def test_the_oracle_has_the_constants_of_the_model():
    steps = PhaseTimes(0, 0)
    wanted = {"tau": TAU, "tau_s": TAU_S, "tau_1": TAU_1, "tau_2": TAU_2}
    for name, constant in wanted.items():
        assert getattr(steps, name) == pytest.approx(float(constant * RATE_MAX))
