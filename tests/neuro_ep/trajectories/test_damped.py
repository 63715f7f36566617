"""Damped networks: the second run's answer is the exact gradient, at any beta."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle.trajectory import complex_step
from neuro_ep.trajectories import damped

UNITS, STEPS, DT = 5, 400, 0.05
PAIRS = np.triu_indices(UNITS)


@pytest.fixture(scope="module")
def network():
    """5 units, T = 20, friction 0.05 to 0.6, the last unit being read."""
    draw = np.random.default_rng(0)
    spread = draw.normal(0, 0.5, (UNITS, UNITS))
    times, units = np.arange(STEPS + 1) * DT, np.arange(UNITS)
    force = np.sin((0.5 + 0.3 * units) * times[:, None] + units)
    force[0] = 0
    return damped.Damped(
        mass=draw.uniform(0.7, 1.5, UNITS),
        friction=np.linspace(0.05, 0.6, UNITS),
        stiffness=spread @ spread.T + np.eye(UNITS),
        force=force,
        target=0.3 * np.sin(0.8 * times)[:, None],
        dt=DT,
    )


@pytest.fixture(scope="module")
def exact(network):
    """dC by class, by complex step; stiffness one number a pair."""

    def cost(values):
        stiffness = np.zeros((len(values["mass"]), UNITS, UNITS), complex)
        one, other = PAIRS
        stiffness[:, one, other] = stiffness[:, other, one] = values["stiffness"]
        tilted = replace(network, **values | {"stiffness": stiffness})
        return damped.cost(tilted, damped.response(tilted, network.force))

    return complex_step(
        cost,
        {
            "stiffness": network.stiffness[PAIRS],
            "friction": network.friction,
            "mass": network.mass,
        },
    )


def errors(found, exact):
    found = found | {"stiffness": found["stiffness"][PAIRS]}
    return {
        name: np.linalg.norm(found[name] - exact[name]) / np.linalg.norm(exact[name])
        for name in exact
    }


@pytest.mark.parametrize("beta", [1.0, 1e-3, -10.0])
def test_gradient(network, exact, beta):
    assert max(errors(damped.gradient(network, beta), exact).values()) < 1e-8


def test_response_solves_the_equation(network):
    x, dt = damped.response(network, network.force), network.dt
    middle = x[1:-1]
    left = network.mass * (x[2:] - 2 * middle + x[:-2]) / dt**2
    left += network.friction * (x[2:] - x[:-2]) / 2 / dt
    left += middle @ network.stiffness
    np.testing.assert_allclose(left, network.force[1:-1], atol=1e-9)
    np.testing.assert_array_equal(x[:2], 0)


def wrong(network, *, friction=1.0, reverse=True, stiffness=None):
    """The gradient as it comes out of a second run with something changed."""
    x = damped.response(network, network.force)
    nudge = -damped.cost_slope(network, x)[::-1]
    other = network if stiffness is None else replace(network, stiffness=stiffness)
    other = replace(other, friction=friction * network.friction)
    free = damped.response(other, network.force)
    delta = damped.response(other, network.force + nudge) - free
    return damped.paired(network, x, delta[::-1] if reverse else delta)


def test_variants_that_must_fail(network, exact):
    assert max(errors(wrong(network), exact).values()) < 1e-8
    gain = errors(wrong(network, friction=-1.0), exact)  # as an echo would have it
    unreversed = errors(wrong(network, reverse=False), exact)
    turned = network.stiffness + 0.1 * np.triu(np.ones((UNITS, UNITS)), 1)
    one_way = errors(wrong(network, stiffness=turned), exact)
    for error in (gain, unreversed, one_way):
        assert min(error.values()) > 0.03, error


def test_refusals(network):
    stiffness = network.stiffness + np.triu(np.full((UNITS, UNITS), 1e-3), 1)
    with pytest.raises(InputError, match="not symmetric"):
        damped.gradient(replace(network, stiffness=stiffness))
    with pytest.raises(InputError, match="choose any other number"):
        damped.gradient(network, 0.0)
