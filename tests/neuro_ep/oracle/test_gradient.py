"""The oracle against finite differences, scipy's expm, and itself on other roads."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from neuro_ep.errors import InputError, RunError
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.oracle import energy, gradient
from neuro_ep.oracle.assembly import assemble
from neuro_ep.oracle.field import Clamp, linearise, velocity
from neuro_ep.records.settings import changed

BATCH = 3
NETWORKS = {"5-12-3": (5, 12, 3), "6-8-7-4": (6, 8, 7, 4)}


def model_of(activation="tanh", layers=(5, 12, 3), **choices):
    settings = CONTINUAL_EP.defaults["digits"]
    settings = changed(settings, layers=layers, eta=(0.1,), activation=activation)
    return CONTINUAL_EP.model(changed(settings, **choices))


def case(layers, activation="tanh", model=None, seed=1, **choices):
    """A field, weights (times 1.5 for tanh), a clamp, and the free fixed point."""
    field = assemble(model or model_of(activation, layers, **choices), layers)
    draw = np.random.default_rng(seed)
    theta = {}
    for edge in field.learned:
        width = 0.2 if edge.pre is None else 1.5 / np.sqrt(edge.shape[0])
        theta[edge.name] = draw.uniform(-width, width, edge.shape)
    labels = draw.integers(0, layers[-1], BATCH)
    clamp = Clamp(draw.random((BATCH, layers[0])), np.eye(layers[-1])[labels])
    return field, theta, clamp, gradient.fixed_point(field, theta, clamp)


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS)
def settled(request):
    return case(request.param)


def differences(field, theta, clamp, start, name, count=12, step=1e-4):
    """dL/dtheta of some entries of a class: central, of fixed points solved anew."""
    size = theta[name].size
    places = np.unique(np.linspace(0, size - 1, min(count, size)).astype(int))
    found = []
    for place in places:
        losses = []
        for change in (2 * step, step, -step, -2 * step):
            moved = {other: value.copy() for other, value in theta.items()}
            moved[name].flat[place] += change
            states = gradient.fixed_point(field, moved, clamp, start)
            losses.append(gradient.loss(field, states, clamp))
        far, near, back, further = losses
        found.append((8 * (near - back) - (far - further)) / (12 * step))
    return places, np.array(found)


def relative(found, truth):
    return np.linalg.norm(found - truth) / np.linalg.norm(truth)


def worst(one, other):
    return max(relative(one[name], other[name]) for name in other)


# --- the gradient (check 3 of continual EP) ---


def gradient_errors(field, theta, clamp, states, found):
    errors = {}
    for name in theta:
        places, truth = differences(field, theta, clamp, states, name)
        errors[name] = relative(found[name].flat[places], truth)
    return errors


def test_implicit_gradient_is_that_of_the_loss(settled):
    field, theta, clamp, states = settled
    found = gradient.implicit_gradient(field, theta, states, clamp)
    errors = gradient_errors(field, theta, clamp, states, found)
    print("against finite differences", errors)
    assert max(errors.values()) < 1e-6


def test_energy_gives_the_same_gradient(settled):
    field, theta, clamp, states = settled
    one = gradient.implicit_gradient(field, theta, states, clamp)
    other = gradient.energy_gradient(field, theta, states, clamp)
    print("field and energy", worst(other, one))
    assert worst(other, one) < 1e-12


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_cross_entropy_has_its_own_gradient(activation):
    network = case((5, 12, 3), activation, cost="cross-entropy")
    field, theta, clamp, states = network
    found = gradient.implicit_gradient(field, theta, states, clamp)
    assert max(gradient_errors(*network, found).values()) < 1e-6
    squared = replace(field, cost="squared-error")
    other = gradient.implicit_gradient(squared, theta, states, clamp)
    assert max(gradient_errors(*network, other).values()) > 1e-2


def test_discrete_networks_have_a_gradient_too():
    model = model_of(dynamics="discrete", step=1.0)
    network = case((5, 12, 3), model=model)
    found = gradient.implicit_gradient(network[0], network[1], network[3], network[2])
    assert max(gradient_errors(*network, found).values()) < 1e-6


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_wrong_gradient_is_seen(settled, sign):
    """Of the wrong sign, or at states that have not settled."""
    field, theta, clamp, states = settled
    if sign > 0:
        start = field.onset(BATCH)
        states = gradient.euler(field, theta, start, clamp, 0.08, 200)[-1]
    found = gradient.implicit_gradient(field, theta, states, clamp)
    found = {name: sign * value for name, value in found.items()}
    assert max(gradient_errors(field, theta, clamp, states, found).values()) > 1e-5


# --- the field and its energy ---


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "hard-sigmoid"])
def test_field_is_minus_the_slope_of_the_energy(activation):
    _, theta, clamp, states = case((5, 12, 3))
    field = assemble(model_of(activation), (5, 12, 3))
    nudged = gradient.nudged(clamp, 0.3)
    flow = velocity(field, theta, states + 0.05, nudged)
    slope = energy.energy_slope(field, theta, states + 0.05, nudged)
    np.testing.assert_allclose(flow, -slope, atol=1e-13)
    assert np.abs(slope).max() > 0.01


def test_slope_is_the_derivative_of_the_energy(settled):
    field, theta, clamp, states = settled
    along = np.cos(np.arange(states.size)).reshape(states.shape)
    step = 1e-5

    def at(scale):
        return energy.energy(field, theta, states + 0.2 + scale * along, clamp)

    numeric = (at(step) - at(-step)) / (2 * step)
    slope = energy.energy_slope(field, theta, states + 0.2, clamp)
    np.testing.assert_allclose((slope * along).sum(axis=1), numeric, rtol=1e-8)


def test_hessian_is_the_jacobian_of_the_slope(settled):
    field, theta, clamp, states = settled
    found = energy.hessian(field, theta, states, clamp, 0)
    step, numeric = 1e-6, np.empty_like(found)
    for column in range(len(numeric)):
        away = np.zeros_like(states)
        away[0, column] = step
        slopes = [
            energy.energy_slope(field, theta, states + sign * away, clamp)[0]
            for sign in (1, -1)
        ]
        numeric[:, column] = (slopes[0] - slopes[1]) / (2 * step)
    np.testing.assert_allclose(found, numeric, atol=1e-8)


def test_jacobian_is_symmetric(settled):
    """Check 2 of continual EP; the nudge's own slope is diagonal."""
    field, theta, clamp, states = settled
    jacobian = linearise(field, theta, states, clamp).jacobian(0)
    hessian = energy.hessian(field, theta, states, clamp, 0)
    assert np.abs(jacobian - jacobian.T).max() < 1e-8
    assert np.abs(jacobian + hessian).max() < 1e-12


def test_jacobian_without_slopes_is_visibly_not_symmetric():
    model = model_of()
    flat = replace(
        model.hidden, equations=model.hidden.equations.replace("slope*(I_", "(I_")
    )
    field, theta, clamp, states = case((5, 12, 3), model=replace(model, hidden=flat))
    jacobian = linearise(field, theta, states, clamp).jacobian(0)
    assert np.abs(jacobian - jacobian.T).max() > 1e-2


def test_products_with_the_jacobian(settled):
    field, theta, clamp, states = settled
    there = linearise(field, theta, states + 0.1, clamp)
    adjoint = np.cos(np.arange(states.size)).reshape(states.shape)
    for sample in range(BATCH):
        expected = there.jacobian(sample).T @ adjoint[sample]
        np.testing.assert_allclose(there.vjp(adjoint)[sample], expected, atol=1e-13)


def test_parameters_move_the_field_as_they_should(settled):
    field, theta, clamp, states = settled
    adjoint = np.cos(np.arange(states.size)).reshape(states.shape)
    found = linearise(field, theta, states, clamp).theta_vjp(adjoint)
    for name in theta:
        moved = dict(theta, **{name: theta[name] + 1e-6})
        change = velocity(field, moved, states, clamp) - velocity(
            field, theta, states, clamp
        )
        numeric = (change * adjoint).sum() / 1e-6 / BATCH
        assert found[name].sum() == pytest.approx(numeric, rel=1e-4)


# --- through time ---


def test_bptt_sums_to_the_implicit_gradient(settled):
    field, theta, clamp, states = settled
    trajectory = np.broadcast_to(states, (3001, *states.shape))
    _, nabla_theta = gradient.bptt(field, theta, trajectory, clamp, 0.08, 3000)
    total = {name: terms.sum(axis=0) for name, terms in nabla_theta.items()}
    truth = gradient.implicit_gradient(field, theta, states, clamp)
    assert worst(total, truth) < 1e-10
    assert all((terms[0] == 0).all() for terms in nabla_theta.values())
    one_off = {name: terms[2:].sum(axis=0) for name, terms in nabla_theta.items()}
    assert worst(one_off, truth) > 1e-2  # the first term counts


def test_bptt_is_the_derivative_of_the_unrolled_map():
    """Far from a fixed point, of six steps from the onset."""
    field, theta, clamp, _ = case((5, 12, 3))
    start, steps, dt = field.onset(BATCH), 6, 0.3
    trajectory = gradient.euler(field, theta, start, clamp, dt, steps)
    nabla_s, nabla_theta = gradient.bptt(field, theta, trajectory, clamp, dt, steps)

    def final(theta, start):
        states = gradient.euler(field, theta, start, clamp, dt, steps)[-1]
        return gradient.loss(field, states, clamp)

    for name in theta:
        up, down = (
            final(dict(theta, **{name: theta[name] + h}), start) for h in (1e-5, -1e-5)
        )
        total = nabla_theta[name].sum()
        assert total == pytest.approx((up - down) / 2e-5, rel=1e-6)
    for unit in (0, 7, -1):
        away = np.zeros_like(start)
        away[1, unit] = 1e-5
        up, down = final(theta, start + away), final(theta, start - away)
        numeric = (up - down) / 2e-5 * BATCH
        assert nabla_s[-1][1, unit] == pytest.approx(numeric, rel=1e-5)


def test_adjoint_is_the_matrix_exponential(settled):
    field, theta, clamp, states = settled
    times = [0, 0.5, 3.0, 8.0]
    found = gradient.adjoint(field, theta, states, clamp, times)
    slope = gradient.loss_slope(field, states, clamp)
    for sample in range(BATCH):
        hessian = energy.hessian(field, theta, states, clamp, sample)
        for time, curve in zip(times, found[:, sample], strict=True):
            expected = -scipy.linalg.expm(-hessian * time) @ slope[sample]
            np.testing.assert_allclose(curve, expected, atol=1e-12)


# --- what it refuses ---


def test_networks_that_do_not_settle_are_refused():
    field, theta, clamp, _ = case((5, 12, 3))
    slow = {name: 40 * value for name, value in theta.items()}
    model = model_of()
    runaway = replace(
        model.hidden, equations=model.hidden.equations.replace("(-v +", "(v +")
    )
    field = assemble(replace(model, hidden=runaway), (5, 12, 3))
    with pytest.raises(RunError, match="does not settle"):
        gradient.fixed_point(field, slow, clamp)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("w*rho_pre ", "w**2*rho_pre ", "linear in w"),
        ("w*rho_pre ", "w*tanh(rho_pre + rho_post) ", "cannot split"),
        ("w*rho_pre ", "w*erf(rho_pre) ", "no function 'erf'"),
    ],
)
def test_synapses_that_it_cannot_read(old, new, message):
    model = model_of()
    text = model.synapse.equations
    assert old in text
    synapse = replace(model.synapse, equations=text.replace(old, new))
    with pytest.raises(InputError, match=message.replace("*", r"\*")):
        assemble(replace(model, synapse=synapse), (5, 12, 3))


def test_two_states_are_refused():
    model = model_of()
    text = model.hidden.equations + "du/dt = -u/tau : 1\n"
    hidden = replace(model.hidden, equations=text)
    with pytest.raises(InputError, match="one state"):
        assemble(replace(model, hidden=hidden), (5, 12, 3))
