"""Rounding that spoils an echo is measured when training begins, and told."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from neuro_ep import load_dataset, train
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records import moment
from neuro_ep.records.settings import changed
from neuro_ep.training import train as training
from neuro_ep.training.reversal import LARGEST, reversal_error, reversal_warning

SETTINGS = changed(RHEL.defaults["digits-rows"], layers=(8, 20), free=80.0, epochs=1)

#: Of the weights between neurons: as drawn, and chaotic.
TAME, WILD = 1, 8


def few():
    digits = load_dataset("digits-rows")
    return replace(digits, train=digits.train[:40], test=digits.test[:20])


@pytest.fixture(scope="module")
def runtime():
    from brian2 import prefs, set_device

    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture
def samples(tmp_path):
    """Writes the inputs of a data type."""
    return lambda dtype: training._samples(tmp_path, few(), dtype)


def built(rule, dtype, target="standalone"):
    return training._simulation(rule, few(), SETTINGS, target, dtype)


def state(simulation, scale, dtype):
    weights = training.initial_weights(RHEL, SETTINGS, seed=0)
    weights["output_to_output"] = scale * weights["output_to_output"]
    return training._start(simulation.plan, weights, dtype)


@pytest.fixture(scope="module")
def program(runtime):
    return built(RHEL, "float32")


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "said"), [(TAME, False), (WILD, True)])
def test_what_is_said_of_tame_and_of_chaotic_networks(program, samples, scale, said):
    of = few(), samples("float32"), state(program, scale, "float32")
    error = reversal_error(program, *of, ("q_plus", "p_plus"))
    assert (error > LARGEST) is said
    assert error > 1e-7  # something is measured
    warning = reversal_warning(RHEL, program, *of, "float32")
    assert (warning is not None) is said
    if said:
        assert f"{error:.1e}" in warning and "--dtype float64" in warning


@pytest.mark.slow
@pytest.mark.parametrize("scale", [TAME, WILD])
def test_training_warns_once_when_it_begins(program, monkeypatch, tmp_path, scale):
    drawn = training.initial_weights

    def scaled(*arguments):
        weights = drawn(*arguments)
        weights["output_to_output"] = scale * weights["output_to_output"]
        return weights

    monkeypatch.setattr(training, "initial_weights", scaled)
    said = []
    known = {"target": "standalone", "on_warning": said.append}
    settings = replace(SETTINGS, epochs=2, eta=(0.0, 0.0))
    train(RHEL, few(), settings, out=tmp_path / "run.h5", **known)
    assert [text.split(":")[-1][:20] for text in said] == [" rounding spoils the"] * (
        scale == WILD
    )


DRIFT_FIRST = hamiltonian.DRIFT + hamiltonian.DRIFT_AGAIN


@pytest.mark.slow
def test_an_integrator_that_does_not_run_back_is_seen(program, samples):
    """Both half drifts before the kick, from where the right one returns."""

    def model(settings):
        right = RHEL.model(settings)
        neuron = replace(right.output, regularly={moment.FIRST_HALF: DRIFT_FIRST})
        return replace(right, hidden=neuron, output=neuron)

    of = few(), samples("float32"), state(program, TAME, "float32")
    wrong = built(replace(RHEL, model=model), "float32", "numpy")
    names = ("q_plus", "p_plus")
    assert reversal_error(program, *of, names) < LARGEST / 10
    assert reversal_error(wrong, *of, names) > 100 * LARGEST


def test_nothing_is_said_without_echoes_or_a_program():
    for rule in (RHEL, CONTINUAL_EP):
        settings = rule.settings("digits" if rule is CONTINUAL_EP else "digits-rows")
        simulation = SimpleNamespace(plan=SimpleNamespace(settings=settings))
        told = reversal_warning(rule, simulation, None, None, {}, "float32")
        assert told is None


def test_variables_that_return_are_states_of_the_neurons():
    for nudging in ("symmetric", "one-sided"):
        neuron = RHEL.model(changed(SETTINGS, nudging=nudging)).output
        assert len(neuron.returning) == 2
        for name in neuron.returning:
            begun = neuron.onset[name]
            assert begun in ("q_start", "p_start")  # zero unless it is given
