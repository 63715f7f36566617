"""Echoes leave the gradient in the momenta of the parameters, beside the oracle's."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import checking
from neuro_ep.checking.families import heb as measures
from neuro_ep.errors import InputError
from neuro_ep.models.echo import heb
from neuro_ep.models.echo.heb import HEB
from neuro_ep.oracle import trajectory_heb
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.trajectory_heb import MOVING
from neuro_ep.records import moment
from neuro_ep.run.target import on_target

#: Light parameters, heavy damping: what a single echo learns is mostly its bias.
LIGHT, MU = 0.1, 10.0


@pytest.fixture(scope="module")
def problem():
    return measures.network(seed=0)


@pytest.fixture(scope="module")
def probes(problem):
    with on_target("numpy"):
        yield {
            nudging: measures.probe(HEB, problem, nudging)
            for nudging in ("one-sided", "symmetric")
        }


@pytest.fixture(scope="module")
def record():
    return checking.check(HEB, seed=0)


def with_regular(rule, change):
    """A rule whose synapses with momenta run other code, change(slot, code)."""

    def model(settings):
        network = rule.model(settings)

        def kind(synapse):
            if not synapse.gate:
                return synapse
            code = {
                slot: change(slot, text) for slot, text in synapse.regularly.items()
            }
            return replace(synapse, regularly=code)

        return replace(
            network,
            synapse=kind(network.synapse),
            lateral=kind(network.lateral),
            bias=kind(network.bias),
            local={name: kind(local) for name, local in network.local.items()},
        )

    return replace(rule, model=model)


# --- the check ---


def test_check_passes(record):
    assert record["passed"], record["failed"]
    assert record["reversal"] < 1e-12
    assert max(record["relative_error"].values()) < 1e-3
    assert record["averaged_error"] < 5e-3
    assert max(record["rhel_error"].values()) < 1e-10
    assert set(record["relative_error"]) == set(MOVING)


def test_a_single_echo_is_biased(record):
    assert record["simple_error"] > 0.5


@pytest.mark.parametrize("layers", [(3, 6), (2, 6, 6), (2, 1)])
def test_check_refuses_layers(layers):
    with pytest.raises(InputError, match="the check has"):
        checking.check(HEB, layers=layers)


def test_check_refuses_batches():
    with pytest.raises(InputError, match="batch = 3"):
        checking.check(HEB, batch=3)


# --- momenta and updates ---


@pytest.mark.parametrize("inverse_mass", [0.0, 1e-4, 1e-2])
def test_momenta_hold_the_gradient(probes, problem, inverse_mass):
    found = measures.gradient_of(probes["one-sided"], 1e-4, inverse_mass)
    exact = trajectory_heb.exact_gradient(problem, inverse_mass)
    assert relative_error(found, exact, MOVING) < 1e-4


def test_echo_without_nudge_returns_light_parameters(probes, problem):
    left = measures.show(probes["one-sided"], 1e-4, LIGHT, nudged=False)
    assert measures.moved(problem, left) < 1e-12


def test_averaging_removes_the_bias(probes, problem):
    found = measures.updates(*probes.values(), LIGHT, MU)
    assert found["averaged_error"] < 5e-3
    assert found["simple_error"] > 0.5
    assert found["oracle_error"] < 1e-8


def test_a_single_echo_points_elsewhere(probes, problem):
    exact = trajectory_heb.exact_gradient(problem, LIGHT)
    eta = measures.UPDATE_BETA / MU
    pulled, pushed = (
        measures.descended(probes["one-sided"], eta, LIGHT, sign * measures.UPDATE_BETA)
        for sign in (1, -1)
    )
    averaged = measures.descended(probes["symmetric"], 2 * eta, LIGHT)
    assert cosine(pulled, exact, MOVING) == pytest.approx(0.736, abs=1e-3)
    assert cosine(pushed, exact, MOVING) == pytest.approx(0.117, abs=1e-3)
    assert cosine(averaged, exact, MOVING) > 0.9999


def test_parameters_move_as_the_oracle_says(probes, problem):
    left = measures.show(probes["one-sided"], 1e-3, LIGHT)
    expected = trajectory_heb.echo(problem, 1e-3, LIGHT)
    for name in MOVING:
        np.testing.assert_allclose(left.theta[name], expected.theta[name], atol=1e-13)
        np.testing.assert_allclose(left.momentum[name], expected.pi[name], atol=1e-13)


# --- variants that must fail ---


def test_without_the_mirror_of_the_momenta_nothing_returns(problem):
    broken = with_regular(HEB, lambda slot, code: code.replace(heb.MIRROR, ""))
    with on_target("numpy"):
        built = measures.probe(broken, problem, "one-sided")
        left = measures.show(built, 1e-4, 1e-2, nudged=False)
    assert measures.moved(problem, left) > 0.1


def test_one_drift_instead_of_two_does_not_return(problem):
    """Symplectic, but run in the same order in both directions."""

    def late(slot, code):
        return code if slot == moment.FIRST_HALF else "momentum = momentum"

    with on_target("numpy"):
        built = measures.probe(with_regular(HEB, late), problem, "one-sided")
        left = measures.show(built, 1e-4, 1e-2, nudged=False)
    assert measures.moved(problem, left) > 1e-4
