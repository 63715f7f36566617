"""Continual EP where its step, its rate of learning or its precision is finite."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import prefs

from neuro_ep import checking
from neuro_ep.checking import (
    make_subject,
    probe,
    show,
    slow_update,
)
from neuro_ep.checking.families.equilibrium_probe import flat
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.oracle import gradient
from neuro_ep.oracle.field import velocity
from neuro_ep.records.settings import changed
from neuro_ep.run.target import select_target


@pytest.fixture(autouse=True, scope="module")
def numpy_target():
    """All on numpy; Brian2's preferences are left as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    select_target("numpy")
    yield
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture(autouse=True)
def float64():
    prefs.core.default_float_dtype = np.float64


def subject_of(rule=CONTINUAL_EP, batch=3, layers=(5, 12, 3), **choices):
    subject = make_subject(rule, None, layers, batch, seed=1)
    return replace(subject, settings=changed(subject.settings, **choices))


@pytest.fixture(scope="module")
def subject():
    return subject_of()


@pytest.fixture(scope="module")
def one_sided(subject):
    return probe(subject, "one-sided")


def nudged_states(built, beta):
    """States from the end of the free to the end of the nudged phase; weights rest."""
    free, nudged = built.network.phase_steps()[:2]
    return show(built, beta, 0.0).states[free - 1 : free + nudged]


# --- the continuous adjoint (check 11) ---


def adjoint_error(dt):
    """(1/beta) ds/dt beside -expm(-H t) dl/ds over 8 time constants."""
    subject, beta = subject_of(step=dt, nudged=8.0), 1e-5
    built = probe(subject, "one-sided")
    states = nudged_states(built, beta)
    rates = np.diff(states, axis=0) / (beta * dt)
    times = dt * np.arange(len(rates))
    truth = gradient.adjoint(
        subject.field, subject.theta, subject.free, subject.clamp, times
    )
    return np.linalg.norm(rates - truth) / np.linalg.norm(truth)


@pytest.mark.parametrize("dt", [0.2, 0.08, 0.02])
def test_rates_follow_the_adjoint_to_first_order_in_the_step(dt):
    error = adjoint_error(dt)
    print("dt", dt, "error", error, error / dt)
    assert 0.1 * dt < error < 0.6 * dt


def test_a_fourth_order_method_follows_the_adjoint(subject):
    """Runge-Kutta steps of the oracle's field; Brian2's sums are held in a step."""
    beta, dt, steps = 1e-5, 0.2, 40
    clamp = gradient.nudged(subject.clamp, beta)

    def rate(states):
        return velocity(subject.field, subject.theta, states, clamp)

    states, curve = subject.free, []
    for _ in range(steps + 1):
        one = rate(states)
        curve.append(one / beta)
        two = rate(states + dt / 2 * one)
        three = rate(states + dt / 2 * two)
        four = rate(states + dt * three)
        states = states + dt / 6 * (one + 2 * two + 2 * three + four)
    times = dt * np.arange(steps + 1)
    truth = gradient.adjoint(
        subject.field, subject.theta, subject.free, subject.clamp, times
    )
    error = np.linalg.norm(curve - truth) / np.linalg.norm(truth)
    print("Runge-Kutta, dt 0.2:", error)
    assert error < 1e-3


# --- the gain law (check 10) ---


@pytest.fixture(scope="module")
def one_sample():
    """A single sample with strong inputs, where the first layer has the gain."""
    return probe(subject_of(batch=1, layers=(40, 12, 3)), "random-sign")


def excess(built, g, sign, beta=1e-3):
    """Relative error that a finite eta adds to the total update."""
    small = flat(slow_update(built, beta))
    eta = beta * built.subject.ratio(abs(g))
    return (flat(show(built, beta, eta, sign).update) - small) / np.linalg.norm(small)


def squared_slope(built) -> float:
    """Mean of the hidden layer's rho'^2 at rest, where our g takes the largest, 1."""
    hidden = built.subject.free[:, : built.subject.settings.layers[1]]
    return float(np.mean((1 - np.tanh(hidden) ** 2) ** 2))


@pytest.mark.parametrize("g", [0.01, 0.03])
def test_a_finite_eta_adds_an_error_of_about_the_gain(one_sample, g):
    up, down = excess(one_sample, g, 1), excess(one_sample, g, -1)
    one, other = np.linalg.norm(up), np.linalg.norm(down)
    mean = np.linalg.norm(up + down) / 2
    print("g", g, "ratios", one / g, other / g, "mean of both signs", mean)
    g *= squared_slope(one_sample)
    assert 1.0 < one / g < 1.8 and 1.0 < other / g < 1.8
    assert mean < 0.15 * one


def test_the_excess_error_is_of_first_order_in_eta(one_sided):
    found = checking.order_in_eta(one_sided)
    print(found)
    assert 0.9 < found["order_in_eta"] < 1.1


def test_positive_beta_amplifies_and_negative_attenuates(one_sample):
    ups, downs = (
        [np.linalg.norm(excess(one_sample, g, sign)) for g in (0.1, 0.9)]
        for sign in (1, -1)
    )
    print("beta > 0", ups, "beta < 0", downs)
    assert ups[1] > 9 * ups[0]
    assert downs[1] < 9 * downs[0] and downs[1] < 1


# --- float32 (check 14) ---


def test_float32_has_a_floor(subject):
    """Weights that take many small steps lose more than the activities do."""
    errors = []
    single = probe(subject, "one-sided", np.float32)
    for beta in (1e-4, 1e-3, 1e-2):
        eta = 0.1 * beta * subject.ratio(1.0)
        update = show(single, beta, eta).update
        prefs.core.default_float_dtype = np.float64
        errors.append((beta, flat(update)))
    double = probe(subject, "one-sided")
    found = []
    for beta, update in errors:
        eta = 0.1 * beta * subject.ratio(1.0)
        truth = flat(show(double, beta, eta).update)
        found.append(np.linalg.norm(update - truth) / np.linalg.norm(truth))
    print("float32 at 1e-4, 1e-3, 1e-2:", found)
    assert found[0] > 1e-3 and found[0] > found[1] > found[2]
    assert found[2] < 0.01
