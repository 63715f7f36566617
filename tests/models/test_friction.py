"""Echoes with friction beside the exact gradient, and what must fail."""

import warnings
from dataclasses import replace

import pytest

from neuro_ep import checking
from neuro_ep.checking import echo
from neuro_ep.errors import InputError
from neuro_ep.models import hamiltonian_friction
from neuro_ep.models.hamiltonian_friction import common_rate, rhel_with_friction
from neuro_ep.oracle.trajectory import cosine, exact_gradient, reference, relative_error

DURATION, BETA = 10.0, 1e-6


def built(friction, *wrong, **choices):
    """The probe of the reference network, its neurons' code changed (old, new)."""
    rule = rhel_with_friction(friction)

    def model(settings):
        network = rule.model(settings)
        code = dict(network.output.regularly)
        for old, new in wrong:
            assert old in code["before_groups"]
            code = {slot: text.replace(old, new) for slot, text in code.items()}
        neuron = replace(network.output, regularly=code)
        return replace(network, hidden=neuron, output=neuron)

    problem = reference(0, friction=friction, **choices)
    return echo.probe(replace(rule, model=model), problem)


def error_and_cosine(probe):
    found, exact = echo.show(probe, BETA).gradient, exact_gradient(probe.problem)
    return relative_error(found, exact), cosine(found, exact)


#: The echo's weights left at one; friction where there should be gain, as well.
UNWEIGHTED = hamiltonian_friction.DRIFT.splitlines()[1] + "\n", ""
SAME_SIGN = "exp((2*echo - 1)*friction", "exp(-friction"


@pytest.mark.parametrize("product", [0.2, 1, 3])
def test_gradient_is_exact_and_echo_returns(product):
    with checking.numpy_target():
        probe = built(product / DURATION)
        assert error_and_cosine(probe)[0] < 1e-8
        assert echo.reversal(probe) < 1e-11


@pytest.mark.parametrize(
    ("product", "error", "angle"),
    [(0.2, 0.12, 0.9997), (1, 0.71, 0.994), (3, 7.7, 0.88)],
)
def test_without_weights_it_is_wrong(product, error, angle):
    with checking.numpy_target():
        found = error_and_cosine(built(product / DURATION, UNWEIGHTED))
    assert found[0] == pytest.approx(error, rel=0.05)
    assert found[1] == pytest.approx(angle, abs=2e-3)


@pytest.mark.parametrize("product", [0.2, 1, 3])
def test_with_friction_on_the_way_back_it_is_wrong(product):
    with checking.numpy_target():
        probe = built(product / DURATION, UNWEIGHTED, SAME_SIGN)
        error, angle = error_and_cosine(probe)
        assert error > 0.5
        assert angle < 0.7
        assert echo.reversal(probe) > 1e-2


def test_error_is_of_order_two_in_beta_and_the_same_at_every_step():
    with checking.numpy_target():
        for dt in (0.2, 0.05):
            probe = built(0.1, dt=dt)
            exact = exact_gradient(probe.problem)
            large, small = (
                relative_error(echo.show(probe, beta).gradient, exact)
                for beta in (1e-3, 1e-4)
            )
            assert large / small == pytest.approx(100, abs=20)
            assert small < 1e-5


def test_cost_of_the_final_instant():
    with checking.numpy_target():
        assert error_and_cosine(built(0.1, cost="end"))[0] < 1e-8


def test_without_friction_it_is_rhel():
    from neuro_ep.models.rhel import RHEL

    problem = reference(0)
    with checking.numpy_target():
        plain = echo.show(echo.probe(RHEL, problem), 1e-3).gradient
        frictionless = echo.show(built(0.0), 1e-3).gradient
    assert relative_error(frictionless, plain) < 1e-12


def test_check_passes():
    record = checking.check(rhel_with_friction(0.1))
    assert record["passed"], record["failed"]
    assert record["friction"] == 0.1


# --- what is refused ---


@pytest.mark.parametrize("rates", [[0.1, 0.2], [0.1, 0.1000001]])
def test_unequal_rates_are_refused(rates):
    with pytest.raises(InputError, match="the same rate for all neurons"):
        rhel_with_friction(rates)


@pytest.mark.parametrize("rates", [-0.1, float("inf"), float("nan")])
def test_impossible_rates_are_refused(rates):
    with pytest.raises(InputError, match="finite rates from 0"):
        rhel_with_friction(rates)


def test_equal_rates_are_one():
    assert common_rate([0.3, 0.3, 0.3]) == common_rate(0.3) == 0.3


def test_much_friction_is_warned_of():
    settings = echo.settings_for(reference(0), "symmetric")
    with pytest.warns(UserWarning, match="amplifies rounding by 9e"):
        rhel_with_friction(1.6).model(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rhel_with_friction(1.5).model(settings)


def test_one_sided_nudging_is_refused():
    settings = echo.settings_for(reference(0), "one-sided")
    with pytest.raises(InputError, match="choose symmetric"):
        rhel_with_friction(0.1).model(settings)
