"""Chains in numpy: exact gradients beside finite differences, echoes beside both."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle import trajectory
from neuro_ep.oracle.compare import relative_error
from neuro_ep.oracle.trajectory import CLASSES
from neuro_ep.oracle.trajectory_chain import (
    driven,
    echo,
    exact_gradient,
    reference_chain,
    sequential,
)
from neuro_ep.oracle.trajectory_echo import symmetric

SHORT = {"duration": 4.0, "dt": 0.1}


@pytest.fixture(scope="module")
def chain():
    return reference_chain(1, (4, 3, 3), **SHORT)


def cost(chain, number, name, index, by):
    """The cost with one parameter changed."""
    value = chain[number].theta[name].copy()
    value.flat[index] += by
    theta = {**chain[number].theta, name: value}
    parts = list(chain)
    parts[number] = replace(chain[number], theta=theta)
    return trajectory.run(driven(tuple(parts))[-1]).cost


@pytest.mark.parametrize("number", [0, 1, 2])
def test_exact_gradient_is_that_of_finite_differences(chain, number):
    found, by = exact_gradient(chain)[number], 1e-6
    for name in CLASSES:
        slopes = [
            (cost(chain, number, name, k, by) - cost(chain, number, name, k, -by))
            / (2 * by)
            for k in range(found[name].size)
        ]
        np.testing.assert_allclose(found[name].ravel(), slopes, rtol=1e-5, atol=1e-7)


def test_one_network_is_a_chain_of_one():
    (problem,) = chain = reference_chain(0, (6,))
    exact = trajectory.exact_gradient(problem)
    assert relative_error(exact_gradient(chain)[0], exact) < 1e-14
    expected = symmetric(problem, 1e-3)
    assert relative_error(echo(problem, 1e-3).gradient, expected) < 1e-9


def test_sequential_echoes_are_exact_to_order_two(chain):
    exact = exact_gradient(chain)
    large, small = (sequential(chain, beta) for beta in (1e-2, 1e-3))
    for one, other, true in zip(large, small, exact, strict=True):
        assert relative_error(other, true) < 1e-4
        ratio = relative_error(one, true) / relative_error(other, true)
        assert ratio == pytest.approx(100, abs=20)


def test_what_the_layer_below_is_told_must_be_turned_round(chain):
    """With slopes as they come, not as time went, it errs."""
    top, below = chain[2], chain[1]
    parted = echo(top, 1e-3)
    told = -(parted.kicks[:, 0] - parted.kicks[:, 1]) / 2e-3 @ top.theta["B"]
    true = exact_gradient(chain)[1]
    assert relative_error(echo(below, 1e-3, told).gradient, true) < 1e-4
    assert relative_error(echo(below, 1e-3, told[::-1]).gradient, true) > 0.1


def test_other_costs_are_refused():
    with pytest.raises(InputError, match="'end'"):
        sequential(reference_chain(0, (3, 3), cost="end", **SHORT), 1e-3)
