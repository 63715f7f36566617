"""Echoes with friction beside the exact gradient, and what must fail."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import checking
from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.checking.families import echo_variants
from neuro_ep.command import main as cli
from neuro_ep.errors import InputError
from neuro_ep.models.echo import friction as hamiltonian_friction
from neuro_ep.models.echo.friction import FRICTION
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.trajectory import CLASSES, exact_gradient, reference
from neuro_ep.records import moment
from neuro_ep.records.settings import changed
from neuro_ep.run.target import on_target
from neuro_ep.tasks import load
from neuro_ep.training.train import train

DURATION, BETA = 10.0, 1e-6


def built(friction, *wrong, **choices):
    """The probe of the reference network, its neurons' code changed (old, new)."""

    def model(settings):
        network = FRICTION.model(settings)
        code = dict(network.output.regularly)
        for old, new in wrong:
            assert old in code[moment.FIRST_HALF]
            code = {slot: text.replace(old, new) for slot, text in code.items()}
        neuron = replace(network.output, regularly=code)
        return replace(network, hidden=neuron, output=neuron)

    problem = reference(0, friction=friction, **choices)
    return probing.probe(replace(FRICTION, model=model), problem)


def error_and_cosine(probe):
    found, exact = probing.show(probe, BETA).gradient, exact_gradient(probe.problem)
    return relative_error(found, exact), cosine(found, exact)


#: The echo's weights left at one; friction where there should be gain, as well.
UNWEIGHTED = hamiltonian_friction.DRIFT.splitlines()[1] + "\n", ""
SAME_SIGN = "exp((2*echo - 1)*friction", "exp(-friction"


@pytest.mark.parametrize("product", [0.2, 1, 3])
def test_gradient_is_exact_and_echo_returns(product):
    with on_target("numpy"):
        probe = built(product / DURATION)
        assert error_and_cosine(probe)[0] < 1e-8
        assert probing.reversal(probe) < 1e-11


@pytest.mark.parametrize(
    ("product", "error", "angle"),
    [(0.2, 0.12, 0.9997), (1, 0.71, 0.994), (3, 7.7, 0.88)],
)
def test_without_weights_it_is_wrong(product, error, angle):
    with on_target("numpy"):
        found = error_and_cosine(built(product / DURATION, UNWEIGHTED))
    assert found[0] == pytest.approx(error, rel=0.05)
    assert found[1] == pytest.approx(angle, abs=2e-3)


@pytest.mark.parametrize("product", [0.2, 1, 3])
def test_with_friction_on_the_way_back_it_is_wrong(product):
    with on_target("numpy"):
        probe = built(product / DURATION, UNWEIGHTED, SAME_SIGN)
        error, angle = error_and_cosine(probe)
        assert error > 0.5
        assert angle < 0.7
        assert probing.reversal(probe) > 1e-2


def test_error_is_of_order_two_in_beta_and_the_same_at_every_step():
    with on_target("numpy"):
        for dt in (0.2, 0.05):
            probe = built(0.1, dt=dt)
            exact = exact_gradient(probe.problem)
            large, small = (
                relative_error(probing.show(probe, beta).gradient, exact)
                for beta in (1e-3, 1e-4)
            )
            assert large / small == pytest.approx(100, abs=20)
            assert small < 1e-5


def test_cost_of_the_final_instant():
    with on_target("numpy"):
        assert error_and_cosine(built(0.1, cost="end"))[0] < 1e-8


def test_without_friction_it_is_rhel():
    from neuro_ep.models.echo.rhel import RHEL

    problem = reference(0)
    with on_target("numpy"):
        plain = probing.show(probing.probe(RHEL, problem), 1e-3).gradient
        frictionless = probing.show(built(0.0), 1e-3).gradient
    assert relative_error(frictionless, plain) < 1e-12


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_check_passes(seed):
    record = checking.check(FRICTION, seed=seed)
    assert record["passed"], record["failed"]
    assert record["friction"] == 0.1
    assert set(FRICTION.bounds) <= set(record)


def test_check_fails_where_the_weight_does_not_fade():
    record = checking.check(echo_variants.unweighted(FRICTION))
    wrong = [
        sentence for sentence in record["failed"] if "relative_error of" in sentence
    ]
    assert len(wrong) == len(CLASSES)
    assert record["reversal"] < 1e-11  # which says nothing of weights


def test_unequal_rates_have_no_weight():
    """Why settings give one rate: the gradient errs, however small beta is."""
    rates = 0.1 * np.linspace(0.9, 1.1, 6)
    problem = reference(0, friction=0.1)
    with on_target("numpy"):
        probe = probing.probe(FRICTION, problem)
        group = probe.network["output"]
        assert group.variables["friction"].scalar
        unequal = probing.probe(replace(FRICTION, model=one_rate_a_neuron), problem)
        unequal.network.values["output.friction"] = rates
        found = probing.show(unequal, BETA).gradient
    error = relative_error(found, exact_gradient(replace(problem, friction=rates)))
    assert error == pytest.approx(0.03, rel=0.1)


def one_rate_a_neuron(settings):
    network = FRICTION.model(settings)
    shared = "friction    : 1 (shared, constant)"
    assert shared in network.output.equations
    text = network.output.equations.replace(shared, "friction : 1")
    given = {k: v for k, v in network.output.parameters.items() if k != "friction"}
    rates = {"friction": 0.1}  # the test gives others
    neuron = replace(
        network.output, equations=text, parameters=given, heterogeneous=rates
    )
    return replace(network, hidden=neuron, output=neuron)


# --- what is refused ---


SETTINGS = FRICTION.settings("digits-rows")


@pytest.mark.parametrize(
    "rates", [(0.1, 0.2), [0.1, 0.1], -0.1, float("inf"), float("nan")]
)
def test_other_than_one_rate_is_refused(rates):
    with pytest.raises(InputError, match="friction = .*: give a number from 0"):
        changed(SETTINGS, friction=rates)


def test_unequal_rates_are_refused_on_the_command_line(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(
            ["train", "digits-rows", "--rule", "rhel-friction", "--friction", "0.1,0.2"]
        )
    assert left.value.code == 2
    assert "'0.1,0.2' is not a number" in capsys.readouterr().err


def test_friction_of_neurons_that_have_none_is_refused(capsys, tmp_path):
    line = ["train", "digits-rows", "--rule", "rhel", "--friction", "0.1"]
    assert cli.main([*line, "--out", str(tmp_path / "run.h5")]) == 2
    assert "rhel does not read friction" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_much_friction_is_warned_of():
    with pytest.warns(UserWarning, match="amplifies rounding by 1e"):
        FRICTION.model(changed(SETTINGS, friction=1.0, free=16.1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FRICTION.model(changed(SETTINGS, friction=1.0, free=15))


def test_one_sided_nudging_is_refused():
    with pytest.raises(InputError, match="choose symmetric"):
        FRICTION.model(changed(SETTINGS, nudging="one-sided"))


# --- training ---


def test_it_learns(on_numpy, tmp_path):
    digits, rows = load("digits-rows"), []
    few = replace(digits, train=digits.train[:200], test=digits.test[:100])
    settings = changed(SETTINGS, layers=(8, 32), epochs=3)
    train(
        FRICTION,
        few,
        settings,
        out=tmp_path / "run.h5",
        target="numpy",
        on_epoch=rows.append,
    )
    assert rows[-1]["test_cost"] < 0.8 * rows[0]["test_cost"]
