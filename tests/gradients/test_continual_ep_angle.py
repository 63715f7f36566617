"""The papers' discrete networks follow the gradient roughly (check 13)."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import prefs

from neuro_ep.checking import (
    make_subject,
    probe,
    slow_update,
)
from neuro_ep.checking.families.equilibrium_probe import flat
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run.target import select_target


@pytest.fixture(autouse=True, scope="module")
def numpy_target():
    """All on numpy; Brian2's preferences are left as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    select_target("numpy")
    yield
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture(autouse=True)
def float64():
    prefs.core.default_float_dtype = np.float64


# --- the papers' discrete networks, which follow the gradient roughly (check 13) ---


def discrete_angle(free: int) -> float:
    """Degrees between the total update and minus the gradient, T = free and K = 10."""
    settings = Settings(
        layers=(40, 30, 10),
        eta=(0.0,),
        beta=0.1,
        free=free,
        nudged=10,
        step=1,
        activation="sigmoid",
        dynamics="discrete",
    )
    found = make_subject(CONTINUAL_EP, settings, settings.layers, 3, seed=1)
    phases = changed(found.settings, free=free, nudged=10)
    built = probe(replace(found, settings=phases), "one-sided")
    update, truth = flat(slow_update(built, 0.1)), -flat(found.truth)
    cosine = update @ truth / np.linalg.norm(update) / np.linalg.norm(truth)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def test_discrete_networks_stay_within_fifteen_degrees():
    angle = discrete_angle(free=30)
    print("discrete, sigmoid, T 30, K 10, beta 0.1:", angle, "degrees")
    assert 0.1 < angle < 15  # a floor is expected: the rule ignores the outer slope


def test_discrete_networks_need_a_free_phase_that_has_settled():
    assert discrete_angle(free=2) > 15
