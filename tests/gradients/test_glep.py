"""Every boundary condition measures the gradient, and its wrong variants do not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.checking import check, table
from neuro_ep.errors import InputError, RunError
from neuro_ep.models.trajectories.boundary_conditions import (
    CBVP,
    CIVP,
    CONDITIONS,
    MIXED,
    NATURAL,
    PERIODIC,
    PFVP,
)
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.trajectory import CLASSES, exact_gradient, reference
from neuro_ep.trajectories import estimator

WHOLE = (CBVP, MIXED, NATURAL, PERIODIC)
PAIR = (1e-4, -1e-4)


@pytest.fixture(scope="module")
def checked():
    """The record of each condition, by name."""
    return {name: check(condition) for name, condition in CONDITIONS.items()}


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition_passes_its_check(checked, name):
    found = checked[name]
    assert found["passed"], found["failed"]
    assert set(found["relative_error"]) == set(found["cosine"]) == set(CLASSES)
    assert found["bounds"].keys() <= found.keys()
    assert all(found["bounds"][wrong][0] >= 0.1 for wrong in found["controls"])
    assert found["controls"]
    json.dumps(found)


def test_names():
    assert list(CONDITIONS) == [
        "glep-civp", "glep-cbvp", "glep-mixed", "glep-natural", "glep-periodic",
        "glep-pfvp",
    ]  # fmt: skip
    assert [name for name, c in CONDITIONS.items() if c.practical] == ["glep-pfvp"]


# --- initial values: nothing without the residual ------------------------------------


def test_initial_values_with_the_residual_and_without(checked):
    found = checked["glep-civp"]
    assert found["relative_error_total"] == pytest.approx(1.6e-7, rel=0.1)
    assert found["relative_error_without_residual"] == pytest.approx(0.92, abs=0.01)
    assert found["cosine_without_residual"] == pytest.approx(0.464, abs=0.005)
    assert found["relative_error_wrong_sign"] > 1
    assert found["stored"] >= 612  # 2 N P sensitivities


def test_initial_values_with_the_velocity_held():
    exact = exact_gradient(reference(), held="velocity")
    found = estimator(CIVP, reference(), "velocity")(PAIR)
    assert relative_error(found.gradient, exact) < 1e-6
    assert relative_error(found.bulk, exact) == pytest.approx(0.91, abs=0.01)


@pytest.mark.parametrize(
    ("duration", "measured"), [(1.0, -0.34), (2.0, 0.48), (5.0, 0.32), (20.0, 0.48)]
)
def test_no_horizon_saves_the_bulk_alone(duration, measured):
    network = reference(duration=duration)
    found = estimator(CIVP, network)((1e-5, -1e-5))  # smaller, for the longest
    exact = exact_gradient(network)
    assert cosine(found.bulk, exact) == pytest.approx(measured, abs=0.01)
    assert relative_error(found.gradient, exact) < 1e-6


def test_a_claim_of_the_bulk_alone_fails():
    claimed = {"relative_error_without_residual": (0, 1e-6)}
    found = check(replace(CIVP, bounds=claimed), problem=reference(duration=2.0))
    assert not found["passed"]
    assert found["failed"][0].startswith("relative_error_without_residual is 0.")


# --- final values: the residual of masses --------------------------------------------


def test_masses_at_a_velocity_held_ask_for_the_local_residual(checked):
    found = checked["glep-pfvp"]
    assert found["relative_error_total"] == pytest.approx(1.33e-6, rel=0.1)
    assert found["relative_error_momentum_held"] == pytest.approx(1.35e-6, rel=0.1)
    assert found["relative_error_without_residual"] == pytest.approx(0.196, abs=0.002)
    assert found["cosine_without_residual"] == pytest.approx(0.982, abs=0.001)
    assert found["relative_error_wrong_sign"] > 0.3


def test_only_masses_ask_for_it():
    exact = exact_gradient(reference(), held="velocity")
    found = estimator(PFVP, reference(), "velocity")(PAIR)
    others = tuple(name for name in CLASSES if name != "m")
    assert relative_error(found.bulk, exact, others) < 1e-5
    assert relative_error(found.bulk, exact, ("m",)) > 0.2
    still = replace(reference(), p=np.zeros(6))
    found = estimator(PFVP, still, "velocity")(PAIR)
    assert not np.any(found.residual["m"])


def test_two_passes(checked):
    """One-sided: the free run and one echo."""
    exact = exact_gradient(reference())
    found = estimator(PFVP, reference())((PAIR[0], 0.0)).gradient
    assert relative_error(found, exact) == pytest.approx(8.0e-4, rel=0.05)


@pytest.mark.parametrize("dt", [0.2, 0.0125])
def test_final_values_are_exact_at_every_step(dt):
    network = reference(dt=dt)
    exact = exact_gradient(network)
    found = estimator(PFVP, network)(PAIR).gradient
    for name in CLASSES:
        assert relative_error(found, exact, (name,)) < 1e-5
        assert cosine(found, exact, (name,)) > 1 - 1e-9


# --- between ends --------------------------------------------------------------------


@pytest.mark.parametrize("condition", WHOLE, ids=lambda c: c.name)
def test_between_ends_there_is_no_residual(checked, condition):
    found = checked[condition.name]
    assert found["relative_error_total"] < 3e-8
    assert found["residual_share"] < 1e-6
    assert found["relative_error_start_held"] > 0.3
    assert found["relative_error_start_held_corrected"] < 1e-6
    assert found["newton_residual"] < 1e-9


@pytest.mark.parametrize("condition", WHOLE[1:], ids=lambda c: c.name)
def test_between_ends_for_twice_the_time(condition):
    found = check(condition, duration=4.0)
    assert found["relative_error_total"] < 1e-7
    assert found["residual_share"] < 1e-6
    assert found["relative_error_start_held"] > 0.1


def test_stationary_but_no_minimum(checked):
    indices = {c.name: checked[c.name]["morse_index"] for c in WHOLE}
    assert indices["glep-cbvp"] == 1
    assert min(indices.values()) > 0
    assert all(checked[name]["flattest"] > 1e-3 for name in indices)


def test_near_a_conjugate_point_the_check_says_so():
    with pytest.raises(RunError, match="glep-cbvp: Newton's method did not converge"):
        check(CBVP, duration=1.5)


# --- another energy ------------------------------------------------------------------

OTHER = {
    "kinetic": "m*p**2/2",
    "neuron": "k*q**2/2 + l*q**6/6 - b*sin(q)",
    "synapse": "w*(q_pre - r_post)**2/2",
    "input": "-B*x_pre*tanh(q_post)",
    "r": "sin(q)",
    "cost": "(q - target)**4/4",
}


# Durations at which Newton's method finds a path well away from conjugate points.
@pytest.mark.parametrize(
    ("name", "duration"),
    [
        ("glep-civp", 3.0),
        ("glep-cbvp", 1.0),
        ("glep-mixed", 2.0),
        ("glep-natural", 1.0),
        ("glep-periodic", 3.0),
        ("glep-pfvp", 3.0),
    ],
)
def test_the_theorem_knows_no_energy(name, duration):
    """Nothing but the text of the energy is changed."""
    problem = reference(1, neurons=3, duration=duration, dt=0.1, signals="periodic")
    found = check(replace(CONDITIONS[name], energy=OTHER), problem=problem)
    assert max(found["relative_error"].values()) < 1e-7
    assert all(found[wrong] > 0.1 for wrong in found["controls"])


# --- the record ----------------------------------------------------------------------


def test_table_names_everything(checked):
    lines = table(checked["glep-civp"])
    assert "glep-civp on 6 neurons: duration 10, step 0.05" in lines
    assert lines.count("(wrong on purpose)") == 2
    assert lines.endswith("passed\n") or lines.endswith("passed")


@pytest.mark.parametrize(
    "choices",
    [
        {"seed": -1},
        {"layers": (2, 3)},
        {"duration": 0.0},
        {"duration": -1.0},
        {"duration": 0.33},
    ],
)
def test_check_refuses(choices):
    with pytest.raises(InputError):
        check(PFVP, **choices)
