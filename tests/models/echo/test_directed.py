"""Directed synapses: exact with the correction, wrong without; the truth is numpy."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.checking import check
from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.checking.families import echo_variants
from neuro_ep.checking.families.echo_variants import SHARE, directed
from neuro_ep.checking.families.echo_variants import directed_gradient as exact_gradient
from neuro_ep.errors import InputError
from neuro_ep.models.echo.directed import DIRECTED
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.trajectory import CLASSES, reference
from neuro_ep.run.target import select_target


def uncorrected():
    """The rule without the forces of the copies on each other."""

    def model(settings):
        network = DIRECTED.model(settings)
        text = network.output.equations.replace("onward - backward", "0*onward")
        neuron = replace(network.output, equations=text)
        return replace(network, hidden=neuron, output=neuron)

    return replace(DIRECTED, model=model)


def gradient(problem, weights, beta, rule=DIRECTED):
    """The simulated gradient, and the reversal error."""
    select_target("numpy")
    built = probing.probe(rule, problem)
    found = echo_variants.gradient(built, weights, beta)
    return found, probing.reversal(built, w=weights)


@pytest.fixture(autouse=True)
def as_it_was(on_numpy):
    yield


@pytest.fixture(scope="module")
def problem():
    return reference(0)


@pytest.fixture(scope="module")
def weights(problem):
    return directed(problem, SHARE)


@pytest.fixture(scope="module")
def exact(problem, weights):
    return exact_gradient(problem, weights)


def test_gradient_of_every_synapse_is_exact(problem, weights, exact):
    found, back = gradient(problem, weights, 1e-4)
    for name in CLASSES:
        assert relative_error(found, exact, (name,)) < 1e-6, name
    assert cosine(found, exact, CLASSES) > 1 - 1e-9
    assert back < 1e-12


def test_order_in_beta_is_two(problem, weights, exact):
    large, small = (
        relative_error(gradient(problem, weights, beta)[0], exact, CLASSES)
        for beta in (1e-2, 1e-3)
    )
    assert large / small == pytest.approx(100, abs=20)


def test_without_the_correction_it_is_wrong(problem, weights, exact):
    """At every beta, and an echo that is not nudged does not tell."""
    for beta in (1e-3, 1e-4):
        found, back = gradient(problem, weights, beta, uncorrected())
        assert cosine(found, exact, CLASSES) < 0.96
        assert relative_error(found, exact, CLASSES) > 0.3
        assert relative_error(found, exact, ("w",)) > 0.5
        assert back < 1e-12


@pytest.mark.exhaustive
def test_the_more_antisymmetric_the_worse_without_the_correction(problem):
    errors = []
    for share in (0.01, 0.1, 0.3):
        weights = directed(problem, share)
        exact = exact_gradient(problem, weights)
        found, _ = gradient(problem, weights, 1e-4, uncorrected())
        errors.append(relative_error(found, exact, CLASSES))
        found, _ = gradient(problem, weights, 1e-4)
        assert relative_error(found, exact, CLASSES) < 1e-5
    assert errors[0] > 1e-3
    assert sorted(errors) == errors


def test_cost_of_the_final_instant():
    problem = reference(0, duration=4.0, cost="end")
    weights = directed(problem, SHARE)
    found, _ = gradient(problem, weights, 1e-4)
    assert relative_error(found, exact_gradient(problem, weights), CLASSES) < 1e-6


def test_symmetric_weights_need_no_correction(problem):
    weights = directed(problem, 0.0)
    with_it, without = (
        gradient(problem, weights, 1e-3, rule)[0] for rule in (DIRECTED, uncorrected())
    )
    assert relative_error(with_it, without, CLASSES) < 1e-12


def test_neurons_may_be_joined_to_themselves(problem, weights):
    looped = weights + np.diag(np.linspace(-0.5, 0.5, len(weights)))
    exact, (found, _) = exact_gradient(problem, looped), gradient(problem, looped, 1e-4)
    assert np.abs(np.diag(exact["w"])).min() > 1e-3
    assert relative_error(found, exact, CLASSES) < 1e-5


def test_descent_moves_every_synapse(problem, weights, exact):
    select_target("numpy")
    built = probing.probe(DIRECTED, problem)
    built.network.values["output_to_output.eta"] = 0.1
    probing.show(built, 1e-4, w=weights)
    unit = built.simulation.plan.unit
    moved = np.array(built.network["output_to_output"].w) / unit - weights
    np.testing.assert_allclose(moved, -0.1 * exact["w"], rtol=1e-4, atol=1e-6)


def test_check_passes():
    record = check(DIRECTED)
    assert record["passed"], record["failed"]
    assert max(record["relative_error"].values()) < 1e-5


def test_check_fails_without_the_correction():
    record = check(uncorrected())
    assert any("relative_error of w" in sentence for sentence in record["failed"])


def test_one_sided_nudging_is_refused(problem):
    with pytest.raises(InputError, match="choose symmetric"):
        DIRECTED.model(probing.settings_for(problem, "one-sided"))
