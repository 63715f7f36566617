"""The reference network in time: its gradient on other roads, its echoes, its bands."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle import trajectory, trajectory_heb
from neuro_ep.oracle.compare import cosine, flat, relative_error
from neuro_ep.oracle.trajectory import CLASSES, exact_gradient, reference
from neuro_ep.oracle.trajectory_echo import (
    echo,
    four_point,
    one_sided,
    reversal_error,
    symmetric,
)

START = ("q", "p")


@pytest.fixture(scope="module", params=trajectory.COSTS)
def network(request):
    return reference(cost=request.param)


@pytest.fixture(scope="module")
def exact(network):
    return exact_gradient(network)


def moved(problem, name, change):
    """The problem with one array, of parameters or of the start, changed."""
    if name in START:
        return replace(problem, **{name: getattr(problem, name) + change})
    theta = dict(problem.theta)
    return replace(problem, theta=theta | {name: theta[name] + change})


# --- the network and its exact gradient ----------------------------------------------


def test_reference_is_the_one_described():
    network = reference()
    assert {n: network.theta[n].shape for n in CLASSES} == {
        "w": (15,), "k": (6,), "l": (6,), "b": (6,), "B": (6, 2), "m": (6,),
    }  # fmt: skip
    assert network.x.shape == network.target.shape == (200, 2)
    assert network.outputs.indices(6) == (4, 6, 1)
    first = np.random.default_rng(0).normal(0, 0.6, 15)
    np.testing.assert_array_equal(network.theta["w"], first)
    assert network.x[0, 1] == pytest.approx(np.cos(0.0175) * np.sin(0.0525))


def test_targets_are_sampled_where_the_cost_reads():
    assert reference().target[0, 0] == pytest.approx(0.5 * np.sin(0.9 * 0.025))
    for cost in ("step", "end"):
        target = reference(cost=cost).target[0, 0]
        assert target == pytest.approx(0.5 * np.sin(0.9 * 0.05))


@pytest.mark.parametrize("name", [*CLASSES, *START])
def test_exact_gradient_is_that_of_differences(network, exact, name):
    draw = np.random.default_rng(3)
    along = draw.normal(size=exact[name].shape)
    costs = [
        trajectory.run(moved(network, name, step * 1e-3 * along)).cost
        for step in (2, 1, -1, -2)
    ]
    slope = (8 * (costs[1] - costs[2]) - (costs[0] - costs[3])) / 12e-3
    assert slope == pytest.approx((exact[name] * along).sum(), rel=1e-7)


def test_velocity_held_moves_the_momentum_with_the_mass():
    network = reference()
    momentum, velocity = (
        exact_gradient(network, held=h) for h in ("momentum", "velocity")
    )
    v = network.p / network.theta["m"]
    np.testing.assert_allclose(velocity["m"], momentum["m"] + v * momentum["p"])
    assert relative_error(velocity, momentum, ("k", "w", "q", "p")) < 1e-12


def test_slopes_are_those_of_the_energy():
    network = reference()
    x, couplings = network.x[7], trajectory.coupling_matrix(network.theta["w"], 6)
    values = {name: network.theta[name] for name in CLASSES} | {"q": network.q}

    def energy(values):
        tilted = replace(network, theta=values)
        return trajectory.energy(tilted, values["q"], network.p, x)

    found = trajectory.complex_step(energy, values)
    slope = trajectory.potential_slope(network.theta, couplings, network.q, x)
    np.testing.assert_allclose(slope, found["q"], rtol=1e-12)
    for name, reading in trajectory.potential_readings(network.q, x).items():
        np.testing.assert_allclose(reading, found[name], rtol=1e-12)


def test_energy_error_is_of_second_order_in_dt():
    errors = []
    for dt in (0.2, 0.1, 0.05):
        network = reference(duration=100.0, dt=dt)
        x = np.tile([0.5, -0.3], (network.steps, 1))
        network = replace(network, x=x)
        first = trajectory.energy(network, network.q, network.p, x[0])
        ends = []
        for steps in range(1, network.steps, network.steps // 40):
            short = replace(network, x=x[:steps], target=network.target[:steps])
            end = trajectory.run(short)
            ends.append(trajectory.energy(network, end.q, end.p, x[0]))
        errors.append(np.abs(np.array(ends) - first).max() / abs(first))
    slopes = np.diff(np.log2(errors)) * -1
    np.testing.assert_allclose(slopes, 2, atol=0.3)


@pytest.mark.parametrize(
    ("cost", "order", "atol"), [("kick", 2, 0.2), ("step", 1, 0.3)]
)
def test_order_of_the_cost_in_dt(cost, order, atol):
    def gradient(dt):
        return exact_gradient(reference(dt=dt, cost=cost))

    steps = (0.2, 0.1, 0.05, 0.025)
    finest = gradient(0.2 / 64)
    errors = [relative_error(gradient(dt), finest, CLASSES) for dt in steps]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=atol)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"cost": "kicks"}, "choose from kick, step, end"),
        ({"signals": "white"}, "choose wandering or periodic"),
        ({"duration": 1.01}, "multiple of dt"),
        ({"dt": 20.0}, "multiple of dt"),
        ({"duration": -1.0}, "multiple of dt"),
    ],
)
def test_reference_refuses(choices, message):
    with pytest.raises(InputError, match=message):
        reference(**choices)


def test_problem_refuses():
    network = reference()
    with pytest.raises(InputError, match="199 inputs and 200 targets"):
        replace(network, x=network.x[1:])
    with pytest.raises(InputError, match="theta has no m"):
        trajectory.run(replace(network, theta=dict.fromkeys(CLASSES[:-1], 1.0)))
    with pytest.raises(InputError, match="momentum or velocity"):
        exact_gradient(network, held="speed")


# --- echoes --------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.2, 0.1, 0.05, 0.025])
def test_echo_without_nudge_returns(dt):
    assert reversal_error(reference(dt=dt)) < 1e-12


def test_echo_against_forward_readings():
    """The free run's integral is that of the echo; flipping back gives the start."""
    network = reference()
    there = echo(network, (0.0,)).readings
    back = replace(network, x=network.x[::-1], target=network.target[::-1])
    end = trajectory.run(network)
    forward = echo(replace(back, q=end.q, p=-end.p), (0.0,)).readings
    for name in CLASSES:
        np.testing.assert_allclose(there[name], forward[name], atol=1e-12)


def test_symmetric_echo_is_the_gradient_of_every_class(network, exact):
    found = symmetric(network, 1e-4)
    for name in CLASSES:
        assert relative_error(found, exact, (name,)) < 1e-5
        assert cosine(found, exact, (name,)) > 1 - 1e-9


def test_start_state_is_read_from_the_end_of_the_echo(network, exact):
    found = symmetric(network, 1e-3)
    assert relative_error(found, exact, START) < 1e-3
    # Both signs, and the sign of one of the two, are visible at once.
    both = {name: -found[name] for name in START}
    assert cosine(both, exact, START) < -0.99
    one = {"q": found["q"], "p": -found["p"]}
    assert cosine(one, exact, START) < 0.95


# Measured, cost read at every step, T = 10, dt = 0.05: the bands of the method.
@pytest.mark.parametrize(
    ("estimate", "beta", "measured"),
    [
        (symmetric, 1e-1, 0.30),
        (symmetric, 1e-2, 1.3e-2),
        (symmetric, 1e-3, 1.4e-4),
        (symmetric, 1e-4, 1.4e-6),
        (symmetric, 1e-5, 1.4e-8),
        (one_sided, 1e-1, 0.43),
        (one_sided, 1e-3, 8e-3),
        (one_sided, 1e-4, 8e-4),
        (one_sided, 1e-6, 8e-6),
        (four_point, 1e-2, 2.9e-3),
        (four_point, 1e-3, 3.5e-7),
    ],
)
def test_band_of_beta(estimate, beta, measured):
    network = reference(cost="step")
    error = relative_error(estimate(network, beta), exact_gradient(network), CLASSES)
    assert error == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize("dt", [0.2, 0.0125])
def test_error_does_not_depend_on_dt(dt):
    network = reference(dt=dt)
    exact = exact_gradient(network)
    assert relative_error(symmetric(network, 1e-4), exact, CLASSES) < 2e-6


def test_integer_step_reading_depends_on_dt():
    """Positions read after the step instead of at the kick: wrong, and of order dt."""
    errors = []
    for dt in (0.2, 0.1):
        network = reference(dt=dt)
        exact = exact_gradient(network)
        assert relative_error(symmetric(network, 1e-4), exact, ("k",)) < 1e-5
        copies = [read_late(network, beta) for beta in (1e-4, -1e-4)]
        late = {"k": (copies[0] - copies[1]) / 2e-4}
        errors.append(relative_error(late, exact, ("k",)))
    assert errors[0] > 1e-2
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.5)


def read_late(problem, beta):
    """The echo's integral of q**2/2, read at the end of each step."""
    free = trajectory.run(problem)
    couplings = trajectory.coupling_matrix(problem.theta["w"], len(problem.q))
    q, p, dt, m = free.q, -free.p, problem.dt, problem.theta["m"]
    total = 0
    for n in reversed(range(problem.steps)):
        q = q + dt / 2 * p / m
        slope = trajectory.potential_slope(problem.theta, couplings, q, problem.x[n])
        nudge = beta * trajectory.cost_slope(problem, q, problem.target[n])
        p = p - dt * (slope + nudge)
        q = q + dt / 2 * p / m
        total = total + dt * q**2 / 2
    return total


def test_replay_shifted_by_one_fails():
    network = reference()
    exact, free = exact_gradient(network), trajectory.run(network)

    def shifted(**choices):
        wrong = replace(network, **choices)
        sums = echo(wrong, (1e-4, -1e-4), free).readings
        return {name: (both[0] - both[1]) / 2e-4 for name, both in sums.items()}

    assert relative_error(shifted(), exact, CLASSES) < 1e-5
    assert cosine(shifted(x=np.roll(network.x, 1, axis=0)), exact, CLASSES) < 0.95
    off = shifted(target=np.roll(network.target, 1, axis=0))
    assert relative_error(off, exact, CLASSES) > 5e-3


def test_one_step_down_the_estimate_lowers_the_cost():
    network = reference()
    found = symmetric(network, 1e-3)
    length = np.linalg.norm(flat(found, CLASSES))
    costs = []
    for rate in (0, -1e-3 / length, 1e-3 / length):
        theta = {n: network.theta[n] + rate * found[n] for n in CLASSES}
        costs.append(trajectory.run(replace(network, theta=theta)).cost)
    assert costs[1] < costs[0] < costs[2]


# --- friction ------------------------------------------------------------------------


@pytest.mark.parametrize("friction", [0.02, 0.1, 0.3])
def test_echo_with_gain_undoes_friction(friction):
    network = reference(friction=friction)
    exact = exact_gradient(network)
    assert reversal_error(network) < 1e-11
    errors = [
        relative_error(symmetric(network, b), exact, CLASSES) for b in (1e-5, 1e-6)
    ]
    assert min(errors) < 1e-6


def test_echo_that_keeps_friction_fails():
    network = reference(friction=0.1)
    free, exact = trajectory.run(network), exact_gradient(network)
    wrong = replace(network, friction=-0.1)  # whose echo loses energy, as the run did
    sums = echo(wrong, (1e-5, -1e-5), free).readings
    found = {name: (both[0] - both[1]) / 2e-5 for name, both in sums.items()}
    assert cosine(found, exact, CLASSES) < 0.9


def test_friction_asks_for_the_cost_at_kicks():
    with pytest.raises(InputError, match="friction asks for cost 'kick'"):
        echo(reference(friction=0.1, cost="step"), (0.0,))


# --- parameters that move ------------------------------------------------------------

MOVING = trajectory_heb.MOVING


@pytest.fixture(scope="module")
def short():
    """T = 6, dt = 0.02, the last position to be (0.4, -0.3)."""
    network = reference(duration=6.0, dt=0.02, cost="end")
    return replace(network, target=np.tile([0.4, -0.3], (network.steps, 1)))


@pytest.mark.parametrize(
    ("inverse_mass", "error"),
    [(0, 6.1e-5), (1e-4, 6.1e-5), (1e-2, 7.1e-5), (0.1, 1.1e-3)],
)
def test_momentum_of_a_parameter_collects_its_gradient(short, inverse_mass, error):
    exact = trajectory_heb.exact_gradient(short, inverse_mass)
    done = trajectory_heb.echo(short, 1e-4, inverse_mass)
    found = {name: value / 1e-4 for name, value in done.pi.items()}
    measured = relative_error(found, exact, MOVING)
    assert measured == pytest.approx(error, rel=0.1)
    # theta moves by minus beta dC/dpi
    shift = {f"pi_{n}": (short.theta[n] - done.theta[n]) / 1e-4 for n in MOVING}
    names = tuple(f"pi_{n}" for n in MOVING)
    if inverse_mass:
        assert relative_error(shift, exact, names) < 5e-3


def test_parameters_return_without_a_kick(short):
    done = trajectory_heb.echo(short, 0.0, 0.1)
    for name in MOVING:
        np.testing.assert_allclose(done.theta[name], short.theta[name], atol=1e-12)
        np.testing.assert_allclose(done.pi[name], 0, atol=1e-12)


def test_heavy_parameters_give_the_one_sided_echo(short):
    exact = exact_gradient(short)
    heavy = trajectory_heb.exact_gradient(short, 0.0)
    assert relative_error(heavy, exact, MOVING) < 1e-12
    done, other = trajectory_heb.echo(short, 1e-3, 0.0), one_sided(short, 1e-3)
    found = {name: value / 1e-3 for name, value in done.pi.items()}
    assert relative_error(found, other, MOVING) < 1e-10


def test_averaged_update_is_the_gradient_where_the_simple_one_is_not(short):
    beta, mu, rate = 1e-5, 10.0, 100.0
    exact = trajectory_heb.exact_gradient(short, 0.1)
    simple = trajectory_heb.updated(short, beta, 0.1, mu, rate)
    averaged = trajectory_heb.averaged_update(short, beta, 0.1, mu, rate)
    simple = {name: value * mu / beta for name, value in simple.items()}
    averaged = {name: -value * mu / 2 / beta for name, value in averaged.items()}
    assert relative_error(simple, exact, MOVING) > 0.5
    assert relative_error(averaged, exact, MOVING) < 5e-3


def test_heb_asks_for_the_cost_at_the_end():
    with pytest.raises(InputError, match="takes 'end'"):
        trajectory_heb.echo(reference(), 0.1, 0.0)
