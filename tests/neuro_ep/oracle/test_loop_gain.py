"""Where sweeps of dual propagation stop settling, against the predicted beta."""

import numpy as np
import pytest

from neuro_ep.oracle import dyads, loop_gain
from neuro_ep.oracle.backpropagation import forward
from neuro_ep.oracle.chain import Chain

ALPHAS = (0.0, 0.25, 0.75, 1.0)
SQUARED = {"cost": "squared-error", "reference": "drive"}


def residuals(case, sweeps=(200, 400), **setting):
    """Of the states after each number of sweeps."""
    states = [dyads.closed_form(*case, sweeps=n, **setting) for n in sweeps]
    return [dyads.residual(each) for each in states]


@pytest.mark.parametrize("alpha", ALPHAS)
def test_critical_beta_is_exact_for_linear_networks(alpha, chain_case):
    case = chain_case(1)
    beta = loop_gain.critical_beta(*case[:3], "identity", alpha)
    setting = {"activation": "identity", "alpha": alpha, **SQUARED}
    early, late = residuals(case, beta=0.99 * beta, **setting)
    assert late < 0.2 * early
    early, late = residuals(case, beta=1.01 * beta, **setting)
    assert late > 5 * early
    early, late = residuals(case, beta=1.01 * beta, **setting | {"reference": "frozen"})
    assert late < 1e-12


@pytest.mark.parametrize("alpha", ALPHAS)
def test_critical_beta_is_a_guide_for_tanh(alpha, chain_case):
    case = chain_case(1)
    beta = loop_gain.critical_beta(*case[:3], "tanh", alpha)
    setting = {"activation": "tanh", "alpha": alpha, **SQUARED}
    assert residuals(case, beta=0.5 * beta, **setting)[1] < 1e-12
    assert residuals(case, beta=2 * beta, **setting)[1] > 0.1


@pytest.mark.parametrize("variant", [(0.5, False), (0.0, True), (0.25, True)])
def test_no_loop_at_one_half_and_in_the_transpose(variant, chain_case):
    case, (alpha, transpose) = chain_case(1), variant
    beta = 2 * loop_gain.critical_beta(*case[:3], "tanh", 1.0)
    setting = {"activation": "tanh", "alpha": alpha, "transpose": transpose, **SQUARED}
    assert residuals(case, sweeps=(50,), beta=beta, **setting)[0] < 1e-12


@pytest.mark.parametrize("alpha", ALPHAS)
def test_drive_of_the_output_at_the_fixed_point(alpha, chain_case):
    """a_L = (1 + (2 alpha - 1) beta K)^-1 (a_free + (2 alpha - 1) beta K y)."""
    case = chain_case(1, batch=2)
    beta = 0.5 * loop_gain.critical_beta(*case[:3], "identity", alpha)
    chain = Chain(*case, activation="identity", alpha=alpha, beta=beta, **SQUARED)
    gain = (2 * alpha - 1) * beta * loop_gain.loop_matrix(*case[:3], "identity")
    free, y = forward(*case[:3], "identity")[0][-1], case[3]
    pulled = free[:, :, None] + gain @ y[:, :, None]
    expected = np.linalg.solve(np.eye(10) + gain, pulled)[:, :, 0]
    found = dyads.drive(dyads.settle(chain), 4)
    np.testing.assert_allclose(found, expected, atol=1e-11)
    assert np.abs(free - expected).max() > 1e-2


def test_loop_matrix_is_the_shift_of_the_prediction(chain_case):
    """tanh, to first order in beta: a_L moves by (2 alpha - 1) K D_L."""
    case, alpha, beta = chain_case(2), 0.8, 1e-5
    found = dyads.settle(Chain(*case, alpha=alpha, beta=beta))
    shift = dyads.drive(found, 4) - found.chain.free_states[-1]
    matrix = loop_gain.loop_matrix(*case[:3], "tanh")[0]
    expected = (2 * alpha - 1) * found.difference[-1] @ matrix
    np.testing.assert_allclose(shift, expected, rtol=1e-3, atol=1e-9)
    assert loop_gain.critical_beta(*case[:3], "tanh", 0.5) == np.inf
