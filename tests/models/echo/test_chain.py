"""Layers that echo together, and one after the other, beside the exact gradient."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import StateMonitor

from neuro_ep import checking
from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.checking.families import echo_chain
from neuro_ep.command import main as cli
from neuro_ep.errors import InputError
from neuro_ep.models.echo.chain import CHAIN, TOLD
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.oracle.compare import relative_error
from neuro_ep.oracle.trajectory import CLASSES
from neuro_ep.oracle.trajectory_chain import exact_gradient, reference_chain
from neuro_ep.records.settings import Settings
from neuro_ep.run.target import select_target


def simultaneous(chain, beta, rule=CHAIN):
    """The gradients of every layer from one sweep."""
    select_target("numpy")
    shown = probing.show(echo_chain.probe(rule, chain), beta)
    return tuple(shown.gradients.values())


def sequential(lower, upper, beta):
    """The gradients of (lower, upper): the upper layer echoes, then the lower one."""
    select_target("numpy")
    top = probing.probe(RHEL, upper)
    neurons = top.network["output"]
    positions = StateMonitor(
        *(neurons, ("q_plus", "q_minus"), True), when="groups", clock=neurons.clock
    )
    top.network.brian2.add(positions)
    above = probing.show(top, beta).gradient
    parting = np.asarray(positions.q_minus - positions.q_plus)[:, upper.steps :].T
    slopes = (parting[: upper.steps] @ upper.theta["B"] / (2 * beta))[::-1]
    below = replace(lower, target=slopes)
    return probing.show(probing.probe(TOLD, below), beta).gradient, above


def errors(found, exact):
    return [relative_error(*pair) for pair in zip(found, exact, strict=True)]


@pytest.fixture(scope="module")
def layers():
    return reference_chain(1, (6, 5))


@pytest.fixture(scope="module")
def exact(layers):
    return exact_gradient(layers)


@pytest.fixture(autouse=True)
def as_it_was(on_numpy):
    yield


def wrong_chain(old, new):
    """The chain with neurons of other equations."""

    def model(settings):
        network = CHAIN.model(settings)
        assert old in network.output.equations
        text = network.output.equations.replace(old, new)
        neuron = replace(network.output, equations=text)
        return replace(network, hidden=neuron, output=neuron)

    return replace(CHAIN, model=model)


def test_simultaneous_echo_is_exact_in_both_layers(layers, exact):
    assert max(errors(simultaneous(layers, beta=1e-4), exact)) < 1e-6


def test_every_class_is_exact(layers, exact):
    for found, true in zip(simultaneous(layers, beta=1e-4), exact, strict=True):
        for name in CLASSES:
            assert relative_error(found, true, (name,)) < 1e-6, name


def test_sequential_echoes_are_exact_and_the_same(layers, exact):
    one_by_one = sequential(*layers, beta=1e-4)
    assert max(errors(one_by_one, exact)) < 1e-6
    assert max(errors(simultaneous(layers, beta=1e-4), one_by_one)) < 1e-9


def test_order_in_beta_is_two(layers, exact):
    large, small = (errors(simultaneous(layers, beta), exact) for beta in (1e-2, 1e-3))
    for one, other in zip(large, small, strict=True):
        assert one / other == pytest.approx(100, abs=20)


def test_cost_of_the_final_instant():
    chain = reference_chain(0, (6, 5), duration=4.0, cost="end")
    found = simultaneous(chain, beta=1e-4)
    assert max(errors(found, exact_gradient(chain))) < 1e-6


def test_three_layers():
    chain = reference_chain(1, (6, 5, 4))
    found = simultaneous(chain, beta=1e-4)
    assert max(errors(found, exact_gradient(chain))) < 1e-6


@pytest.mark.parametrize(
    "layers", [(2, 6, 5), pytest.param((2, 5, 4, 3), marks=pytest.mark.exhaustive)]
)
def test_check_passes(layers):
    record = checking.check(CHAIN, layers=layers)
    assert record["passed"], record["failed"]
    assert len(record["relative_error"]) == (len(layers) - 1) * len(CLASSES)
    assert set(CHAIN.bounds) <= set(record)


# --- what must fail ---


def test_layer_above_must_be_driven_by_the_copy_without_nudge(layers, exact):
    wrong = wrong_chain("x = q :", "x = q_plus*echo + q*(1 - echo) :")
    large, small = (
        errors(simultaneous(layers, beta, rule=wrong), exact) for beta in (1e-3, 1e-4)
    )
    assert min(small) > 1e-4  # where it is 1.7e-7
    for one, other in zip(large, small, strict=True):
        assert one / other == pytest.approx(10, abs=2)  # of order one only


def test_without_the_force_from_above_the_layer_below_learns_nothing(layers, exact):
    wrong = wrong_chain("+ above)", ")")
    wrong = replace(wrong, model=lambda s, model=wrong.model: cut(model(s)))
    lower, upper = errors(simultaneous(layers, beta=1e-4, rule=wrong), exact)
    assert lower == pytest.approx(1.0)
    assert upper < 1e-6


def cut(network):
    """Without the other force from above."""
    text = network.output.equations.replace("- above)", ")")
    neuron = replace(network.output, equations=text)
    return replace(network, hidden=neuron, output=neuron)


# --- what is refused ---


SETTINGS = Settings(
    layers=(2, 6, 5),
    connections=((0, 1), (1, 1), (1, 2), (2, 2)),
    eta=(0.1,),
    beta=1e-3,
    free=1,
    nudged=1,
    step=0.1,
    nudging="symmetric",
)


@pytest.mark.parametrize(
    "connections", [((0, 1), (1, 2)), ((0, 1), (1, 1), (1, 2), (0, 2), (2, 2))]
)
def test_other_connections_are_refused(connections):
    settings = replace(SETTINGS, connections=connections, eta=(0.1,))
    with pytest.raises(InputError, match="joined to the next and to itself"):
        CHAIN.model(settings)


@pytest.mark.parametrize("rule", [CHAIN, TOLD])
def test_one_sided_nudging_is_refused(rule):
    with pytest.raises(InputError, match="choose symmetric"):
        rule.model(replace(SETTINGS, nudging="one-sided"))


def test_antisymmetric_weights_are_refused(layers):
    built = echo_chain.probe(CHAIN, layers)
    skewed = {"output_to_output.w": 1e-3 * np.triu(np.ones((5, 5)), 1)}
    with pytest.raises(InputError, match="symmetric"):
        probing.presented(built, 1e-4, [], skewed)


@pytest.mark.parametrize("line", ["--layers 2,6", "--layers 3,6,5", "--batch 2"])
def test_other_subjects_are_refused(line, capsys):
    assert cli.main(["check", "rhel-chain", *line.split()]) == 2
    assert "the check" in capsys.readouterr().err
