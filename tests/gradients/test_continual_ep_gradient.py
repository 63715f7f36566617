"""Continual EP against the gradient, as it is simulated, with planted errors beside.

Float64, numpy target, tanh; 5-12-3 units with weights times 1.5 and a batch of 3. The
truth is the oracle's, which tests/neuro_ep/oracle compares with finite differences.
Relative errors are printed; tolerances are those of the claim.
"""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from brian2 import prefs

import neuro_ep
from neuro_ep import checking
from neuro_ep.checking import (
    make_subject,
    mean_error,
    probe,
    show,
    slow_update,
    stepwise_curves,
)
from neuro_ep.checking.families.equilibrium import BOUNDS
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.oracle import gradient
from neuro_ep.oracle.compare import order, relative_error, relative_errors
from neuro_ep.oracle.equations import parse, resolved, symbol, units
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run.target import select_target

CLASSES = ("input_to_hidden", "bias_hidden", "hidden_to_output", "bias_output")


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


@pytest.fixture(scope="module")
def symmetric(subject):
    return probe(subject, "symmetric")


@pytest.fixture(scope="module")
def random_sign(subject):
    return probe(subject, "random-sign")


@pytest.fixture(scope="module")
def stepwise(subject):
    """Every step of 6.4 time constants, at the step of the check, 0.2."""
    return probe(subject, "random-sign", stepwise=checking.STEPWISE)


# --- a rule with a planted error ---


def planted(*changes, settings=None):
    """Continual EP with pieces of the text of its records replaced."""

    def model(chosen):
        found = CONTINUAL_EP.model(changed(chosen, **(settings or {})))
        for part, old, new in changes:
            record = getattr(found, part)
            assert old in record.equations
            text = record.equations.replace(old, new)
            found = replace(found, **{part: replace(record, equations=text)})
        return found

    return replace(CONTINUAL_EP, name="planted", model=model)


def wrong_classes(rule):
    """Classes whose one-sided total the check reports as wrong."""
    built = probe(subject_of(rule), "one-sided")
    update = slow_update(built, checking.BETAS[0])
    errors = relative_errors(update, descent(built.subject.truth))
    print(rule.name, errors)
    _, highest = BOUNDS["relative_error"]
    return {name for name, error in errors.items() if not error <= highest}


def descent(truth):
    """What an update should be: minus the gradient, by class."""
    return {name: -value for name, value in truth.items()}


# --- relaxation (check 1) ---


def test_the_free_phase_reaches_the_fixed_point_of_the_oracle(one_sided):
    shown = show(one_sided, 1e-3, 0.0)
    free = one_sided.network.phase_steps()[0]
    settled = shown.states[free - 1]
    distance = np.abs(settled - one_sided.subject.free).max()
    print("distance", distance, "residual", checking.residual(one_sided))
    assert distance < 1e-11
    assert checking.residual(one_sided) < 1e-6
    assert np.abs(shown.states[10] - one_sided.subject.free).max() > 1e-3


@pytest.mark.parametrize(("free", "least"), [(12.0, 0.01), (8.0, 0.3)])
def test_an_unconverged_free_phase_is_seen(free, least):
    """Long before it looks unconverged: the residual is still small."""
    built = probe(subject_of(free=free), "one-sided")
    error = relative_error(slow_update(built, 1e-3), descent(built.subject.truth))
    print("free", free, "residual", checking.residual(built), "error", error)
    assert error > least
    assert checking.residual(built) < 0.01


# --- totals (checks 4 and 5) ---

BETAS = checking.BETAS


def updates_of(built):
    return [slow_update(built, beta) for beta in BETAS]


@pytest.fixture(scope="module")
def one_sided_updates(one_sided):
    return updates_of(one_sided)


def test_one_sided_total_is_of_first_order_in_beta(subject, one_sided_updates):
    errors = [
        relative_error(update, descent(subject.truth)) for update in one_sided_updates
    ]
    print("one-sided", errors, "order", order(BETAS, errors))
    assert 0.9 < order(BETAS, errors) < 1.1
    assert errors[0] < 3e-3


def test_symmetric_total_is_of_second_order_in_beta(symmetric):
    truth = symmetric.subject.truth
    errors = [
        relative_error(update, descent(truth)) for update in updates_of(symmetric)
    ]
    print("symmetric", errors, "order", order(BETAS, errors))
    assert 1.8 < order(BETAS, errors) < 2.2
    assert errors[0] < 1e-5


def test_a_wrong_sign_has_no_order(subject, one_sided_updates):
    truth = {name: -value for name, value in subject.truth.items()}
    errors = [relative_error(update, descent(truth)) for update in one_sided_updates]
    assert min(errors) > 1.9 and abs(order(BETAS, errors)) < 0.1


@pytest.mark.parametrize("activation", ["sigmoid"])
def test_the_published_activation_too(activation):
    settings = Settings((2, 2), (0.0,), 1.0, 1, 1, 0.2, activation=activation)
    subject = make_subject(CONTINUAL_EP, settings, (6, 8, 7, 4), 2, seed=2)
    built = probe(subject, "one-sided")
    errors = relative_errors(slow_update(built, 1e-3), descent(subject.truth))
    print(activation, errors)
    assert max(errors.values()) < 3e-3


def test_non_symmetric_weights_are_seen():
    """Feedback through other weights than those that feed forward, as in VF."""
    rule = planted(("synapse", "I_feedback_pre = w*", "I_feedback_pre = 0.5*w*"))
    assert {"input_to_hidden", "bias_hidden"} <= wrong_classes(rule)


# --- telescoping (check 6) and the slow limit (check 12) ---


def increments(subject, states, beta):
    """Sum over steps of the plasticity's text along a trajectory, with eta = 1.

    The weights rest; ``rho_next`` is rho where the step has ended.
    """
    model = subject.rule.model(subject.settings)
    of = units(1e-3, 10e-3)
    known = {"plastic": 1, "v_unit": 1, "eta": 1, "beta": beta, "dt": 1}
    flat_states = (states[:-1], states[1:])
    now, after = (
        subject.field.split(part.reshape(-1, states.shape[2])) for part in flat_states
    )
    x = np.tile(subject.clamp.x, (len(states) - 1, 1))
    moving = zip(now[1:], after[1:], strict=True)
    activity = [(x, x), *((np.tanh(start), np.tanh(end)) for start, end in moving)]
    total = {}
    for edge in subject.field.learned:
        record = model.bias if edge.pre is None else model.synapse
        equations = parse(record.equations, of)
        text = resolved(equations, equations[record.weight].expression, known)
        sizes = (None if edge.pre is None else activity[edge.pre], activity[edge.post])
        values = {}
        for side, pair, axis in (("pre", sizes[0], 2), ("post", sizes[1], 1)):
            if pair is None:
                continue
            start, end = (np.expand_dims(value, axis) for value in pair)
            values |= {
                f"rho_{side}": start,
                f"rho_next_{side}": end,
                f"drho_{side}": end - start,
            }
        names = [found.name for found in text.free_symbols]
        moved = sympy.lambdify([symbol(n) for n in names], text)(
            *(values[name] for name in names)
        )
        summed = np.reshape(moved, (-1, *edge.shape)).sum(axis=0)
        total[edge.name] = summed / len(subject.clamp.x)
    return total


def nudged_states(built, beta):
    """States from the end of the free to the end of the nudged phase; weights rest."""
    free, nudged = built.network.phase_steps()[:2]
    return show(built, beta, 0.0).states[free - 1 : free + nudged]


def test_increments_telescope_to_the_contrast_of_ep(one_sided):
    subject, beta = one_sided.subject, 0.1
    states = nudged_states(one_sided, beta)
    total = increments(subject, states, beta)
    due = gradient.contrast(subject.field, states[0], states[-1], subject.clamp, beta)
    errors = {
        name: np.linalg.norm(total[name] - due[name]) / np.linalg.norm(due[name])
        for name in due
    }
    print("telescoping", errors)
    assert max(errors.values()) < 1e-12
    one_short = increments(subject, states[:-1], beta)
    early = increments(subject, states[1:], beta)
    assert relative_error(one_short, due) < 1e-6  # it has settled
    assert relative_error(early, due) > 1e-2


def test_slow_plasticity_is_ep(one_sided):
    """The debug mode of the authors: eta * 1e-5, rescaled, is the step of EP."""
    subject, beta = one_sided.subject, 0.1
    states = nudged_states(one_sided, beta)
    due = gradient.contrast(subject.field, states[0], states[-1], subject.clamp, beta)
    slow = relative_error(show(one_sided, beta, 1e-5 * 0.1).update, due)
    fast = relative_error(show(one_sided, beta, 0.1 * 0.1).update, due)
    print("slow", slow, "at a tenth of eta", fast)
    assert slow < 1e-4
    assert fast > 1e-2


def test_weights_conserve_while_they_move_the_neurons(one_sided):
    drifts = checking.conserved(one_sided)
    print("conserved", drifts)
    assert max(drifts.values()) < 1e-10


# --- Theorem 1, step by step (checks 8 and 9) ---


def step_errors(curves, first=0):
    nabla_s, nabla_theta, delta_s, delta_theta = curves
    errors = {
        name: mean_error(delta_theta[name][first:], nabla_theta[name][first:])
        for name in nabla_theta
    }
    return errors | {"neurons": mean_error(delta_s, nabla_s)}


@pytest.mark.parametrize("beta", [1e-4, 5e-3, 0.1])
def test_every_step_follows_bptt(stepwise, beta):
    curves = stepwise_curves(stepwise, beta)
    errors = step_errors(curves)
    print("beta", beta, errors, "without the first term", step_errors(curves, 2))
    assert max(errors.values()) < 2 * beta + 1e-5 + 2 * checking.STEPWISE_GAIN
    assert max(step_errors(curves, 2).values()) < 2 * beta + 1e-4


@pytest.mark.parametrize("step", [0.04, 0.32])
def test_every_step_follows_bptt_whatever_the_step(step):
    built = probe(subject_of(step=step), "one-sided", stepwise=checking.STEPWISE)
    errors = step_errors(stepwise_curves(built, 5e-3))
    print("step", step, errors)
    assert max(errors.values()) < 2 * 5e-3


def averaged(one, other):
    """The mean of two sets of curves, arrays or arrays by name."""
    if isinstance(one, dict):
        return {name: (one[name] + other[name]) / 2 for name in one}
    return (one + other) / 2


@pytest.mark.parametrize("beta", [0.02, 0.1])
def test_both_signs_follow_bptt_in_second_order(stepwise, beta):
    curves = [stepwise_curves(stepwise, beta, sign=sign) for sign in (1, -1)]
    errors = step_errors([averaged(*pair) for pair in zip(*curves, strict=True)])
    print("symmetric, beta", beta, errors)
    assert max(errors.values()) < 4 * beta**2
    alone = step_errors(curves[1])
    assert all(alone[name] > 5 * errors[name] for name in errors)


def test_a_step_late_is_seen(stepwise):
    _, nabla_theta, _, delta_theta = stepwise_curves(stepwise, 1e-3)
    late = {
        name: mean_error(delta_theta[name][1:-1], nabla_theta[name][2:])
        for name in nabla_theta
    }
    print("a step late", late)
    assert min(late.values()) > 1e-2


def test_a_missing_slope_in_the_neurons_is_seen_at_every_step():
    rule = planted(("output", "slope*(I_", "(I_"))
    built = probe(subject_of(rule), "one-sided", stepwise=checking.STEPWISE)
    errors = step_errors(stepwise_curves(built, 1e-3))
    print("no slope in the output", errors)
    assert errors["input_to_hidden"] > 1e-2


# --- what a user is told ---


@pytest.mark.parametrize(
    ("change", "classes"),
    [
        (("synapse", "rho_pre*drho_post", "2*rho_pre*drho_post"), {*CLASSES[::2]}),
        (("synapse", " + rho_pre*drho_post", ""), {*CLASSES[::2]}),
        (("synapse", "drho_pre*rho_next_post + ", ""), {"hidden_to_output"}),
        (("synapse", "(eta/beta)", "(-eta/beta)"), {*CLASSES[::2]}),
        (("bias", "(eta/beta)", "2*(eta/beta)"), {*CLASSES[1::2]}),
        (("output", "drho     = rho_next - rho", "drho = (v - v) / v_unit"), None),
    ],
)
def test_a_planted_error_is_named(change, classes):
    found = wrong_classes(planted(change))
    if classes is None:
        classes = {"hidden_to_output", "bias_output"}
    assert found == classes


def test_a_missing_slope_in_the_plasticity_is_named():
    flat_rate = ("hidden", "rho_rate = slope*rate/v_unit", "rho_rate = rate/v_unit")
    rule = planted(flat_rate, settings={"plasticity": "product-rule"})
    assert wrong_classes(rule) == {*CLASSES[:3]}


def test_the_sound_rule_has_no_wrong_class():
    assert wrong_classes(CONTINUAL_EP) == set()
    product_rule = planted(settings={"plasticity": "product-rule"})
    assert wrong_classes(product_rule) == set()


def test_check_passes_the_rule():
    found = neuro_ep.check(CONTINUAL_EP)
    assert found["passed"] and found["failed"] == []
    assert set(found["relative_error"]) == set(found["cosine"]) == {*CLASSES}
    assert found["order_in_beta"] == pytest.approx(1, abs=0.1)


def test_check_reports_a_users_error():
    """A factor 2 in one term of the plasticity of the biases."""
    found = neuro_ep.check(planted(("bias", "(eta/beta)*drho", "(eta/beta)*2*drho")))
    assert not found["passed"]
    named = [
        sentence for sentence in found["failed"] if "relative_error of" in sentence
    ]
    assert [("bias" in sentence) for sentence in named] == [True, True]
    assert found["relative_error"]["bias_output"] == pytest.approx(1, abs=0.01)
    assert found["relative_error"]["input_to_hidden"] < 3e-3
