"""Echoes of coupled oscillators compute the gradient; wrong ones do not."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo.oscillators import COUPLED_OSCILLATORS
from neuro_ep.oracle import trajectory, trajectory_oscillators
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.trajectory import CLASSES
from neuro_ep.records import moment
from neuro_ep.run.target import on_target


@pytest.fixture
def on_numpy():
    with on_target("numpy"):
        yield


def oscillators(**choices):
    """Those of the reference network, with springs that pull."""
    problem = trajectory.reference(0, **choices)
    return replace(problem, theta=dict(problem.theta, w=np.abs(problem.theta["w"]) / 2))


def estimate(problem, rule=COUPLED_OSCILLATORS, beta=probing.BETA):
    return probing.show(probing.probe(rule, problem), beta).gradient


@pytest.mark.parametrize("dt", [0.2, 0.05])
def test_gradient_of_every_class_at_every_step_length(on_numpy, dt):
    problem = oscillators(dt=dt)
    exact = trajectory_oscillators.exact_gradient(problem)
    found = estimate(problem)
    for name in CLASSES:
        assert relative_error(found, exact, (name,)) <= 1e-5, name
        assert cosine(found, exact, (name,)) >= 1 - 1e-9, name


def test_order_in_beta_is_two(on_numpy):
    problem = oscillators()
    exact = trajectory_oscillators.exact_gradient(problem)
    built = probing.probe(COUPLED_OSCILLATORS, problem)
    small, large = (
        relative_error(probing.show(built, beta).gradient, exact)
        for beta in (1e-3, 1e-2)
    )
    assert large / small == pytest.approx(100, abs=20)


def test_reversal_and_the_states_of_numpy(on_numpy):
    problem = oscillators()
    built, free = (
        probing.probe(COUPLED_OSCILLATORS, problem),
        trajectory_oscillators.run(problem),
    )
    assert probing.reversal(built) <= 1e-12
    state, end = probing.show(built, probing.BETA).state, problem.steps - 1
    assert np.abs(state["q_plus"][end] - free.q).max() <= 1e-13
    assert np.abs(state["p_plus"][end] - free.p).max() <= 1e-13


def test_springs_do_not_push(on_numpy):
    """After a step far too long they are at zero where it went below, masses above."""
    problem, rate = oscillators(duration=2.0), 1000.0
    built = probing.probe(COUPLED_OSCILLATORS, problem, eta=(rate,))
    probing.costs(built, probing.BETA, 1)
    slopes = trajectory_oscillators.exact_gradient(problem)
    for name, least in {"w": 0.0, "k": 0.0, "l": 0.0, "m": 0.2}.items():
        place, variable = probing.place_of(name)
        value = np.asarray(getattr(built.network[place], variable)) / 1e-3
        found = probing.by_class(name, value.ravel(), problem)
        expected = problem.theta[name] - rate * slopes[name]
        assert expected.min() < least, name
        expected = np.maximum(expected, least)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-9, err_msg=name)


# --- what must fail ---


def without_turn(model):
    drifts = {k: v for k, v in model.output.regularly.items() if k != moment.BEGIN}
    return replace(model, output=replace(model.output, regularly=drifts))


def reading_products(model):
    """g of w as if the energy of a pair were w q_i q_j."""
    equations = """
    dg/dt = echo*spread_pre*total_post/tau : 1 (clock-driven)
    field_plus_post  = w*(q_plus_pre - q_plus_post)          : volt (summed)
    field_minus_post = echo*w*(q_minus_pre - q_minus_post)   : volt (summed)
    w       : volt
    """
    begun = model.lateral.equations.index("w       : volt")
    rest = model.lateral.equations[begun:].removeprefix("w       : volt")
    return replace(model, lateral=replace(model.lateral, equations=equations + rest))


@pytest.mark.parametrize(
    ("wrong", "classes"), [(without_turn, CLASSES), (reading_products, ("w",))]
)
def test_wrong_variants_fail(on_numpy, wrong, classes):
    rule = replace(
        COUPLED_OSCILLATORS, model=lambda s: wrong(COUPLED_OSCILLATORS.model(s))
    )
    problem = oscillators()
    exact = trajectory_oscillators.exact_gradient(problem)
    assert relative_error(estimate(problem, rule), exact, classes) > 0.3


def test_the_gradient_of_another_coupling_is_another(on_numpy):
    """Springs are not the synapses between activities, nor is their gradient."""
    problem = oscillators()
    other = trajectory.exact_gradient(problem)
    assert relative_error(estimate(problem), other) > 0.3
    assert hamiltonian.ENERGY["synapse"] != "w*(q_pre - q_post)**2/2"
