"""ReLU dyads at alpha other than 1/2 need damping under strong nudges."""

import numpy as np
import pytest

from neuro_ep.build.network import build_network
from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.presented import present
from neuro_ep.errors import InputError
from neuro_ep.models.dyads.dual_propagation import DUAL_PROPAGATION
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

LAYERS, BATCH, GAIN = (20, 48, 48, 10), 2, 1.7
NAMES = layer_names(LAYERS)
STRONG = changed(
    DUAL_PROPAGATION.settings("digits"),
    layers=LAYERS,
    batch=BATCH,
    eta=(0.1,),
    beta=2.0,
)
DAMPED = changed(STRONG, dynamics="damped", step=0.2, free=40)


@pytest.fixture(scope="module", params=[0, 1])
def sample(request):
    draw = np.random.default_rng(request.param)
    weights = {}
    for k, (pre, post) in enumerate(zip(NAMES, NAMES[1:], strict=False)):
        shape = LAYERS[k : k + 2]
        drawn = GAIN * draw.normal(size=shape) / np.sqrt(shape[0])
        weights[f"{pre}_to_{post}"] = drawn * 1e-3
        weights[f"bias_{post}"] = 1e-4 * draw.normal(size=(1, shape[1]))
    return weights, draw.normal(size=(BATCH, LAYERS[0])), draw.integers(0, 10, BATCH)


def states(settings, sample):
    """Basal and apical potentials in mV where the presentation ends."""
    select_target("numpy")
    simulation = device.simulation(build_network(DUAL_PROPAGATION, settings))
    wanted = [name for k in NAMES[1:] for name in (f"{k}.m", f"{k}_apical.d")]
    values = present(simulation, *sample, eta=0, wanted=wanted).values
    return 1e3 * np.concatenate([values[name] for name in wanted])


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_damped_dyads_settle(sample, alpha):
    early, late = (
        states(changed(DAMPED, alpha=alpha, nudged=length), sample)
        for length in (200, 220)
    )
    assert np.abs(late - early).max() < 1e-4


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_sweeps_do_not(sample, alpha):
    """The control: whole steps, from sweep to sweep."""
    early, late = (
        states(changed(STRONG, alpha=alpha, free=1, nudged=sweeps), sample)
        for sweeps in (200, 201)
    )
    assert np.abs(late - early).max() > 1


def test_where_sweeps_settle_damping_moves_nothing(sample):
    gentle = changed(STRONG, alpha=1.0, beta=1e-3, free=1, nudged=60)
    damped = changed(DAMPED, alpha=1.0, beta=1e-3, nudged=100)
    gap = np.abs(states(gentle, sample) - states(damped, sample)).max()
    assert gap < 1e-9


def test_weights_move_by_the_same(sample):
    updates = []
    for settings in (
        changed(STRONG, alpha=1.0, beta=1e-3, free=1, nudged=60),
        changed(DAMPED, alpha=1.0, beta=1e-3, nudged=100),
    ):
        select_target("numpy")
        simulation = device.simulation(build_network(DUAL_PROPAGATION, settings))
        update = present(simulation, *sample, eta=1e-3).update
        updates.append(np.concatenate([update[name].ravel() for name in update]))
    gap = np.linalg.norm(updates[0] - updates[1]) / np.linalg.norm(updates[0])
    assert gap < 1e-6


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"nudging": "symmetric"}, "no nudging of dyads"),
        ({"plasticity": "product-rule"}, "no plasticity of dyads"),
        ({"plastic_every": 2}, "plastic_every = 2"),
        ({"dynamics": "damp"}, "did you mean 'damped'"),
        ({"free": 0.5}, "whole number of sweeps"),
    ],
)
def test_settings_of_other_rules_are_refused(choices, message):
    with pytest.raises(InputError, match=message):
        build_network(DUAL_PROPAGATION, changed(STRONG, **choices))
