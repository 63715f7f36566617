"""The gain law of continual plasticity: its formula, its warning, its refusal."""

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.hopfield import ACTIVATIONS
from neuro_ep.oracle.gain import gain
from neuro_ep.records.protocol import free_then_nudged
from neuro_ep.records.settings import Settings
from neuro_ep.training.gain import RHO, check_gains, estimated_gains

SETTINGS = dict(layers=(7, 5, 3), eta=(0.02, 0.01), beta=0.5, free=8, nudged=3, step=1)


def protocol_of(chosen):
    """The phases that continual EP makes of settings."""
    return free_then_nudged(chosen.nudging, chosen.free, chosen.nudged)


def settings(**choices):
    return Settings(**{**SETTINGS, **choices})


def largest_eigenvalue(matrix):
    """By power iteration, without LAPACK."""
    vector = np.ones(len(matrix))
    for _ in range(5000):
        vector = matrix @ vector
        vector /= np.sqrt((vector**2).sum())
    return vector @ matrix @ vector


def second_moments(activity):
    """Mean over the batch of rho_i rho_j, (n_pre, n_pre)."""
    return np.einsum("bi,bj->ij", activity, activity) / len(activity)


def activities(batch=4, units=7, seed=0):
    return np.random.default_rng(seed).uniform(size=(batch, units))


@pytest.mark.parametrize("batch", [1, 4, 20])
@pytest.mark.parametrize("beta", [0.5, -0.5, 1e-3])
def test_gain_is_the_largest_eigenvalue(batch, beta):
    rho = activities(batch)
    expected = 0.02 / abs(beta) * largest_eigenvalue(second_moments(rho))
    assert gain(0.02, beta, rho) == pytest.approx(expected, rel=1e-9)


def test_gain_of_one_sample_is_its_squared_length():
    assert gain(0.1, 0.5, np.array([[3.0, 4.0]])) == pytest.approx(0.2 * 25)


def test_gain_bounds_the_feedback_of_slaved_weights():
    """The largest eta/beta * |sum_b rho_pre rho_pre^T c| / batch over unit errors c."""
    rho, rng = activities(batch=6), np.random.default_rng(1)
    errors = rng.normal(size=(6, 2000))
    fed_back = 0.02 / 0.5 * rho @ (rho.T @ errors) / 6
    ratios = np.linalg.norm(fed_back, axis=0) / np.linalg.norm(errors, axis=0)
    g = gain(0.02, 0.5, rho)
    assert 0.5 * g < ratios.max() <= g * (1 + 1e-12)


@pytest.mark.parametrize("activation", RHO)
def test_estimate_goes_up_layer_by_layer(activation):
    chosen = settings(activation=activation)
    rng = np.random.default_rng(2)
    weights = [rng.normal(size=(7, 5)), rng.normal(size=(5, 3))]
    inputs = activities()
    hidden = model_activity(activation, inputs @ weights[0])
    expected = [
        eta / 0.5 * largest_eigenvalue(second_moments(rho))
        for eta, rho in ((0.02, inputs), (0.01, hidden))
    ]
    assert estimated_gains(
        chosen, protocol_of(chosen), weights, inputs
    ) == pytest.approx(expected, rel=1e-6)


def model_activity(activation, v):
    """rho(v) by the text of the equation that the neurons run."""
    lines = ACTIVATIONS[activation].strip().splitlines()
    expression = next(x for x in lines if x.startswith("rho ")).split("=", 1)[1]
    known = {"v": v, "v_unit": 1.0, "exp": np.exp, "tanh": np.tanh, "clip": np.clip}
    return eval(expression.rsplit(":", 1)[0], known)


def test_every_activation_has_its_function():
    assert set(RHO) == set(ACTIVATIONS)


@pytest.mark.parametrize("nudging", ["one-sided", "random-sign", "symmetric"])
def test_warned_above_a_tenth(nudging):
    chosen = settings(nudging=nudging)
    assert check_gains(chosen, protocol_of(chosen), [0.1, 0.01]) is None
    warning = check_gains(chosen, protocol_of(chosen), [0.01, 0.12])
    assert "0.01, 0.12" in warning and "lower eta or raise beta" in warning
    assert ("--nudging" in warning) == (nudging == "one-sided")


def test_refused_above_a_half_for_one_sided_positive_beta():
    chosen = settings(nudging="one-sided")
    assert "0.5, 0.2" in check_gains(chosen, protocol_of(chosen), [0.5, 0.2])
    with pytest.raises(InputError, match=r"0\.2, 0\.51 .*lower eta.*--allow-gain"):
        check_gains(chosen, protocol_of(chosen), [0.2, 0.51])


@pytest.mark.parametrize("nudging", ["random-sign", "symmetric"])
def test_only_warned_where_the_signs_cancel_it(nudging):
    chosen = settings(nudging=nudging)
    assert "0.2, 3" in check_gains(chosen, protocol_of(chosen), [0.2, 3.0])
