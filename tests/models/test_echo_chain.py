"""Two layers that echo together, and one after the other, beside the exact gradient."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import StateMonitor

from neuro_ep import device
from neuro_ep.checking import echo
from neuro_ep.checking.heb import by_class, matrix, run
from neuro_ep.errors import InputError
from neuro_ep.models.hamiltonian_chain import CHAIN, TOLD
from neuro_ep.models.rhel import RHEL
from neuro_ep.network import build_network
from neuro_ep.oracle import trajectory
from neuro_ep.oracle.trajectory import CLASSES, Problem, reference, relative_error
from neuro_ep.settings import Settings

#: The units of the lower layer that the upper one reads.
READ = slice(3, 6)


def two_layers(duration=10.0, cost="kick"):
    """The reference network, and one above it that reads three of its neurons."""
    lower = reference(0, duration=duration, cost=cost)
    theta, q, p = trajectory.draw(np.random.default_rng(7), 5, inputs=3, start=0.4)
    upper = Problem(theta, q, p, seen(lower), lower.target, lower.dt, cost)
    return lower, upper


def seen(lower):
    return trajectory.run(lower).kicks[..., READ]


def exact_gradient(lower, upper):
    """dC/dtheta of (lower, upper), by complex step through both."""

    def cost(values):
        parts = {"lower": {}, "upper": {}}
        for (layer, name), value in values.items():
            parts[layer][name] = value
        below = replace(lower, theta=parts["lower"])
        return trajectory.run(replace(upper, theta=parts["upper"], x=seen(below))).cost

    values = {("lower", c): lower.theta[c] for c in CLASSES}
    values |= {("upper", c): upper.theta[c] for c in CLASSES}
    found = trajectory.complex_step(cost, values)
    return tuple({c: found[layer, c] for c in CLASSES} for layer in ("lower", "upper"))


# --- the chain, simulated ---


PLACE = {
    "w": "{0}_to_{0}.w",
    "k": "stiffness_{0}.k",
    "l": "hardening_{0}.l",
    "b": "bias_{0}.b",
    "m": "mass_{0}.m",
}


def places(layer, below):
    """Class -> "group.variable" of a layer."""
    found = {c: name.format(layer) for c, name in PLACE.items()}
    return found | {"B": f"{below}_to_{layer}.B"}


def padded(upper, lower):
    """The upper layer as one that reads all neurons below, most with weight zero."""
    B = np.zeros((len(upper.q), len(lower.q)))
    B[:, READ] = upper.theta["B"]
    return replace(upper, theta={**upper.theta, "B": B})


def schedule(problem):
    return {
        "presentations.n_presentations": 1,
        "presentations.learn": np.array([1]),
        "presentations.sign": np.array([1.0]),
        "presentations.sample": np.array([0]),
        "presentations.label": np.array([0]),
        "presentations.frames": problem.steps,
        "presentations.target_frames": problem.steps,
    }


def simultaneous(lower, upper, beta, rule=CHAIN, **values):
    """The gradients of (lower, upper) from one sweep."""
    duration = lower.steps * lower.dt
    settings = Settings(
        layers=(2, 6, 5),
        connections=((0, 1), (1, 1), (1, 2), (2, 2)),
        eta=(0.0,),
        beta=beta,
        free=duration,
        nudged=duration,
        step=lower.dt,
        batch=1,
        nudging="symmetric",
        judged=0.0 if lower.cost == "end" else 1.0,
        read=2,
    )
    device.activate("numpy")
    simulation = device.simulation(build_network(rule, settings))
    unit, wide = simulation.plan.unit, padded(upper, lower)
    parts = (lower, places("hidden", "input")), (wide, places("output", "hidden"))
    given = schedule(lower) | values
    for (problem, place), layer in zip(parts, ("hidden", "output"), strict=True):
        given = {place[c]: unit * matrix(c, problem) for c in CLASSES} | given
        given |= {f"{layer}.q_start": problem.q, f"{layer}.p_start": unit * problem.p}
    wanted = [
        f"{name.split('.')[0]}.gradient"
        for _, place in parts
        for name in place.values()
    ]
    found = run(simulation, lower.x, lower.target, given, wanted)
    first, second = (
        {
            c: by_class(c, found[f"{place[c].split('.')[0]}.gradient"], problem)
            for c in CLASSES
        }
        for problem, place in parts
    )
    return first, second | {"B": second["B"][:, READ]}


def sequential(lower, upper, beta):
    """The gradients of (lower, upper): the upper layer echoes, then the lower one."""
    device.activate("numpy")
    top = echo.probe(RHEL, upper)
    neurons = top.network["output"]
    positions = StateMonitor(
        *(neurons, ("q_plus", "q_minus"), True), when="groups", clock=neurons.clock
    )
    top.network.brian2.add(positions)
    above = echo.show(top, beta).gradient
    parting = np.asarray(positions.q_minus - positions.q_plus)[:, upper.steps :].T
    slopes = np.zeros((lower.steps, len(lower.q)))
    slopes[:, READ] = (parting[: upper.steps] @ upper.theta["B"] / (2 * beta))[::-1]
    below = replace(lower, target=slopes)
    return echo.show(echo.probe(TOLD, below), beta).gradient, above


def errors(found, exact):
    return [relative_error(*pair) for pair in zip(found, exact, strict=True)]


@pytest.fixture(scope="module")
def layers():
    return two_layers()


@pytest.fixture(scope="module")
def exact(layers):
    return exact_gradient(*layers)


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
    assert max(errors(simultaneous(*layers, beta=1e-4), exact)) < 1e-6


def test_every_class_is_exact(layers, exact):
    for found, true in zip(simultaneous(*layers, beta=1e-4), exact, strict=True):
        for name in CLASSES:
            assert relative_error(found, true, (name,)) < 1e-6, name


def test_sequential_echoes_are_exact_and_the_same(layers, exact):
    one_by_one = sequential(*layers, beta=1e-4)
    assert max(errors(one_by_one, exact)) < 1e-6
    assert max(errors(simultaneous(*layers, beta=1e-4), one_by_one)) < 1e-9


def test_order_in_beta_is_two(layers, exact):
    large, small = (errors(simultaneous(*layers, beta), exact) for beta in (1e-2, 1e-3))
    for one, other in zip(large, small, strict=True):
        assert one / other == pytest.approx(100, abs=20)


def test_cost_of_the_final_instant():
    layers = two_layers(duration=4.0, cost="end")
    found = simultaneous(*layers, beta=1e-4)
    assert max(errors(found, exact_gradient(*layers))) < 1e-6


# --- what must fail ---


def test_layer_above_must_be_driven_by_the_copy_without_nudge(layers, exact):
    wrong = wrong_chain("x           = q  ", "x           = q_plus*echo + q*(1 - echo)")
    large, small = (
        errors(simultaneous(*layers, beta, rule=wrong), exact) for beta in (1e-3, 1e-4)
    )
    assert min(small) > 1e-4  # where it is 1.7e-7
    for one, other in zip(large, small, strict=True):
        assert one / other == pytest.approx(10, abs=2)  # of order one only


def test_without_the_force_from_above_the_layer_below_learns_nothing(layers, exact):
    wrong = wrong_chain("+ above)", ")")
    wrong = replace(wrong, model=lambda s, model=wrong.model: cut(model(s)))
    lower, upper = errors(simultaneous(*layers, beta=1e-4, rule=wrong), exact)
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
    "connections", [((0, 1), (1, 2)), ((0, 1), (1, 1), (0, 2), (2, 2))]
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
    skewed = 1e-3 * np.triu(np.ones((5, 5)), 1)
    with pytest.raises(InputError, match="symmetric"):
        simultaneous(*layers, 1e-4, **{"output_to_output.w": skewed})
