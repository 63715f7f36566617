"""What is derived from the energy's text, beside the oracle's formulas by hand."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.models.echo.neuron import ENERGY
from neuro_ep.oracle import trajectory
from neuro_ep.trajectories.system import POTENTIAL, System

EVERY = ("kinetic", *POTENTIAL)


@pytest.fixture
def state(network):
    """q, p, x, target and v at a moment."""
    p = network.p
    v = p / network.theta["m"]
    return {
        "q": network.q, "p": p, "v": v, "x": network.x[3], "target": network.target[3],
    }  # fmt: skip


def test_energy_is_the_oracles(system, network, state):
    found = system.value(EVERY, network.theta, **state)
    known = trajectory.energy(network, network.q, network.p, state["x"])
    assert found == pytest.approx(known, rel=1e-14)


def test_force_is_the_oracles(system, network, state):
    couplings = trajectory.coupling_matrix(network.theta["w"], 6)
    found = system.slope(POTENTIAL, "q", network.theta, **state)
    known = trajectory.potential_slope(network.theta, couplings, state["q"], state["x"])
    np.testing.assert_allclose(found, known, rtol=1e-13)
    nudge = system.slope(("cost",), "q", network.theta, **state)
    np.testing.assert_allclose(
        nudge, trajectory.cost_slope(network, state["q"], state["target"])
    )


def test_parameter_slopes_are_the_oracles(system, network, state):
    found = system.readings(EVERY, network.theta, **state)
    known = trajectory.potential_readings(state["q"], state["x"])
    known["m"] = -(network.p**2) / (2 * network.theta["m"] ** 2)
    assert set(found) == set(known) == set(trajectory.CLASSES)
    for name, value in known.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-14, atol=1e-15)


def test_curvature_is_the_formula(system, network, state):
    q, theta, couplings = network.q, network.theta, trajectory.coupling_matrix
    r, w = np.tanh(q), couplings(theta["w"], 6)
    slopes = np.diag(1 - r**2)
    known = slopes @ w @ slopes
    known += np.diag(theta["k"] + 3 * theta["l"] * q**2 - 2 * r * (1 - r**2) * (w @ r))
    found = system.curvature(POTENTIAL, "q", theta, **state)
    np.testing.assert_allclose(found, known, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", trajectory.CLASSES)
def test_mixed_derivative_is_that_of_the_slope(system, network, state, name):
    parts, by = (("kinetic",), "p") if name == "m" else (POTENTIAL, "q")
    along = np.random.default_rng(2).normal(size=system.shapes[name])
    theta = dict(network.theta)
    theta[name] = theta[name] + 1e-30j * along
    slope = system.slope(parts, by, theta, **state).imag / 1e-30
    mixed = system.mixed(parts, by, network.theta, **state)[name]
    np.testing.assert_allclose((mixed * along).reshape(6, -1).sum(1), slope, rtol=1e-12)


def test_legendre_transform(system, network, state):
    """K(v) = m v**2/2, and its slope is the momentum."""
    m, v = network.theta["m"], state["v"]
    found = system.value(("motion",), network.theta, **state)
    assert found == pytest.approx((m * v**2 / 2).sum())
    p = system.slope(("motion",), "v", network.theta, **state)
    np.testing.assert_allclose(p, network.p)


def test_legendre_transform_of_another_kinetic_energy(network):
    system = System(ENERGY | {"kinetic": "m*p**2/2 + p*b"}, 6, 2, 2)
    m, b, v = network.theta["m"], network.theta["b"], np.linspace(-1, 1, 6)
    p = system.slope(("motion",), "v", network.theta, v=v)
    np.testing.assert_allclose(p, (v - b) / m)
    found = system.value(("motion",), network.theta, v=v)
    assert found == pytest.approx((p * v - m * p**2 / 2 - p * b).sum())
    assert not system.is_reversible


def test_leading_axes(system, network):
    rows = {"q": np.stack([network.q, 2 * network.q]), "x": network.x[:2]}
    for name in ("slope", "curvature"):
        found = getattr(system, name)(POTENTIAL, "q", network.theta, **rows)
        for k in (0, 1):
            one = {key: row[k] for key, row in rows.items()}
            alone = getattr(system, name)(POTENTIAL, "q", network.theta, **one)
            np.testing.assert_allclose(found[k], alone, rtol=1e-14)


def test_vector_and_classes(system, network):
    vector = system.flat(network.theta)
    assert vector.shape == (system.count,) == (51,)
    back = system.by_class(vector)
    for name in system.shapes:
        np.testing.assert_array_equal(back[name], network.theta[name])
    alone = system.by_class(system.flat({"b": network.theta["b"]}))
    assert np.count_nonzero(alone["w"]) == 0
    np.testing.assert_array_equal(alone["b"], network.theta["b"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neuron": "k*q**2/2 + p"}, "may depend on q and on parameters"),
        ({"synapse": "w*q*q_post"}, "may depend on q_pre, q_post"),
        ({"kinetic": "p*m"}, "no velocity for each momentum"),
        ({"kinetic": "p**2/(2*m"}, "cannot read"),
        ({"cost": "k*(q - target)**2"}, "it may have no parameters"),
    ],
)
def test_energies_refused(change, message):
    with pytest.raises(InputError, match=message):
        _ = System(ENERGY | change, 6, 2, 2).parts


def test_energy_without_a_part():
    energy = {name: text for name, text in ENERGY.items() if name != "cost"}
    with pytest.raises(InputError, match="no part 'cost'"):
        _ = System(energy, 6, 2, 2).parts


def test_odd_kinetic_energy_is_not_reversible(system):
    odd = replace(system, energy=ENERGY | {"kinetic": "(p - m)**2/2"})
    assert system.is_reversible and not odd.is_reversible


def test_a_parameter_of_two_parts(network):
    """b in both parts of a neuron: what it collects is the sum."""
    system = System(ENERGY | {"kinetic": "p**2/(2*m) + b*p**2"}, 6, 2, 2)
    arrays = {"q": network.q, "p": network.p, "x": network.x[0]}
    found = system.readings(EVERY, network.theta, **arrays)["b"]
    np.testing.assert_allclose(found, network.p**2 - network.q)
    both = System(ENERGY | {"synapse": "k*r_pre*r_post"}, 6, 2, 2)
    with pytest.raises(InputError, match="'k' stands for neurons and for connections"):
        _ = both.shapes
