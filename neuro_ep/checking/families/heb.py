"""Parameters that move: what echoes leave in their momenta, beside the exact gradient.

Subject: the reference network of :mod:`neuro_ep.oracle.trajectory`, T = 6, dt = 0.02,
its cost that of the end. Inputs are static (as are masses), all else moves.

What is measured (a number, or one a parameter class w, k, l, b)
    reversal                  largest change of parameters and momenta, units of v_unit
                              and 1, by an echo that is not nudged
    relative_error, cosine    of the momenta over beta after an echo, beside the slope
                              of the cost of the joint motion
    order_in_beta             of that error, all classes together
    averaged_error            of what echoes of both signs and decay do to parameters
    simple_error              the same of a single echo: biased, it must fail
    oracle_error              of the averaged update, beside the same in numpy
    rhel_error                parameters that stand still: momenta over beta beside
                              one-sided recurrent Hamiltonian echo learning, and B
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.build.network import build_network
from neuro_ep.errors import InputError, RunError
from neuro_ep.oracle import trajectory_heb
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import INPUTS, Problem, coupling_matrix, reference
from neuro_ep.oracle.trajectory_echo import one_sided
from neuro_ep.oracle.trajectory_heb import MOVING
from neuro_ep.records.rule import Rule
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.simulation import Simulation

#: Class -> (projection, its variable).
PLACES = {
    "w": ("output_to_output", "w"),
    "B": ("input_to_output", "B"),
    "k": ("stiffness_output", "k"),
    "l": ("hardening_output", "l"),
    "b": ("bias_output", "b"),
    "m": ("mass_output", "m"),
}

#: Those that have momenta.
WITH_MOMENTUM = (*MOVING, "B")

#: Of gradients; of updates, with the decay constant of the momenta.
BETA, UPDATE_BETA, MU, DAMPING = 1e-4, 1e-5, 100.0, 100.0

#: Where two estimates are compared that err alike.
LARGE_BETA = 1e-2

#: Of the parameters, in units of v_unit; ten times this, some networks run away.
INVERSE_MASS = 1e-2

TARGET = (0.4, -0.3)


def network(seed: int, neurons: int = 6) -> Problem:
    """The reference network, with one target for the end."""
    problem = reference(seed, neurons=neurons, duration=6.0, dt=0.02, cost="end")
    return replace(problem, target=np.tile(TARGET, (problem.steps, 1)))


# --- the simulated side --------------------------------------------------------------


@dataclass(frozen=True)
class Probe:
    """A network built for a problem, to be run from any values."""

    problem: Problem
    simulation: Simulation


@dataclass(frozen=True)
class Left:
    """What a presentation leaves: parameters and their momenta by class."""

    theta: Parameters
    momentum: Parameters


def probe(rule: Rule, problem: Problem, nudging: str) -> Probe:
    """Build the network of a problem on the device chosen now."""
    neurons, inputs = problem.theta["B"].shape
    duration = problem.steps * problem.dt
    settings = Settings(
        layers=(inputs, neurons),
        connections=((0, 1), (1, 1)),
        eta=(0.0,),
        beta=BETA,
        free=duration,
        nudged=duration,
        step=problem.dt,
        batch=1,
        nudging=nudging,
        judged=0.0,
        read=problem.target.shape[1],
    )
    return Probe(problem, device.simulation(build_network(rule, settings)))


def show(
    built: Probe,
    beta: float,
    inverse_mass: float,
    *,
    eta: float = 0.0,
    damping: float = 0.0,
    nudged: bool = True,
) -> Left:
    """One presentation from rest; eta and damping are those of the decay.

    Raises RunError if the network diverges.
    """
    plan, problem = built.simulation.plan, built.problem
    p, values = plan.presentations, start_values(built, beta, inverse_mass)
    schedule = once(problem, sign=np.sign(beta))
    values |= {f"{PLACES[c][0]}.eta": eta for c in MOVING}
    values |= {f"{PLACES[c][0]}.damping": damping for c in WITH_MOMENTUM}
    if not nudged:
        nudge = plan.values[f"{p}.phase_nudge"]
        values[f"{p}.phase_nudge"] = np.zeros_like(nudge)
    wanted = [f"{PLACES[c][0]}.momentum" for c in WITH_MOMENTUM] + list(
        places().values()
    )
    found = built.simulation.run(schedule, values, [*wanted, f"{p}.diverged"])
    if found[f"{p}.diverged"][0]:
        raise RunError(f"the network diverged with beta = {beta}")
    unit = plan.unit
    return Left(
        {c: by_class(c, found[name], problem) / unit for c, name in places().items()},
        {
            c: by_class(c, found[f"{PLACES[c][0]}.momentum"], problem)
            for c in WITH_MOMENTUM
        },
    )


def places() -> dict[str, str]:
    """Class -> ``"group.variable"``."""
    return {c: ".".join(place) for c, place in PLACES.items()}


def start_values(built: Probe, beta: float, inverse_mass: float) -> dict:
    """The problem as values of the network, one presentation, momenta at rest."""
    problem, plan = built.problem, built.simulation.plan
    p, unit = plan.presentations, plan.unit
    values: dict[str, np.ndarray | float] = {
        name: unit * matrix(c, problem) for c, name in places().items()
    }
    values |= {f"{PLACES[c][0]}.momentum": 0.0 for c in WITH_MOMENTUM}
    values |= {f"{PLACES[c][0]}.inverse_mass": inverse_mass for c in MOVING}
    return values | {
        "input_to_output.inverse_mass": 0.0,
        "output.q_start": problem.q,
        "output.p_start": unit * problem.p,
        f"{p}.strength": abs(beta),
    }


def once(problem: Problem, times: int = 1, target=None, **known) -> Schedule:
    """The sample of a problem, shown and taught so many times, frame by frame."""
    targets = problem.target if target is None else target
    frames = {"frames": problem.steps, "target_frames": problem.steps}
    known = {**frames, "targets": targets[None], **known}
    return Schedule(problem.x[None], np.zeros(times, int), **known)


def matrix(name: str, problem: Problem) -> np.ndarray:
    """A class of parameters as the variable of its synapses, (n_pre, n_post)."""
    value = problem.theta[name]
    if name == "w":
        return coupling_matrix(value, len(problem.q))
    return value.T if name == "B" else value[None]


def by_class(name: str, flat: np.ndarray, problem: Problem) -> np.ndarray:
    """The other way round."""
    value = flat.reshape(matrix(name, problem).shape)
    if name == "w":
        return value[np.triu_indices(len(value), 1)]
    return value.T if name == "B" else value[0]


# --- what is measured ----------------------------------------------------------------


def measure(rule: Rule, layers, batch, seed: int) -> tuple[dict, dict]:
    """(what is measured, how); layers (2, neurons).

    Raises InputError for layers and batches that the subject does not have.
    """
    layers = tuple(layers or (INPUTS, 6))
    if len(layers) != 2 or layers[0] != INPUTS or layers[1] < len(TARGET):
        raise InputError(f"layers {layers}: the check has ({INPUTS}, neurons)")
    if batch not in (None, 1):
        raise InputError(f"batch = {batch}: the check shows one sample; choose 1")
    problem = network(seed, layers[1])
    single = probe(rule, problem, "one-sided")
    both = probe(rule, problem, "symmetric")
    measured = momenta(single) | updates(single, both) | {"rhel_error": still(single)}
    how = {
        "layers": list(layers),
        "batch": 1,
        "step": problem.dt,
        "duration": problem.steps * problem.dt,
        "beta": BETA,
        "inverse_mass": INVERSE_MASS,
    }
    return measured, how


def momenta(single: Probe) -> dict:
    """Echoes without decay: reversal, and the gradient in the momenta."""
    back = show(single, BETA, INVERSE_MASS, nudged=False)
    exact = trajectory_heb.exact_gradient(single.problem, INVERSE_MASS)
    slopes = [gradient_of(single, beta, INVERSE_MASS) for beta in (BETA, 10 * BETA)]
    errors = [relative_error(slope, exact, MOVING) for slope in slopes]
    return {
        "reversal": moved(single.problem, back),
        "relative_error": {c: relative_error(slopes[0], exact, (c,)) for c in MOVING},
        "cosine": {c: cosine(slopes[0], exact, (c,)) for c in MOVING},
        "order_in_beta": float(np.log10(errors[1] / errors[0])),
    }


def gradient_of(built: Probe, beta: float, inverse_mass: float) -> Parameters:
    """Momenta over beta after an echo from rest."""
    left = show(built, beta, inverse_mass)
    return {name: value / beta for name, value in left.momentum.items()}


def moved(problem: Problem, left: Left) -> float:
    """Largest change of a parameter or its momentum, which was at rest."""
    gaps = [left.theta[c] - problem.theta[c] for c in MOVING]
    return float(max(np.abs(gap).max() for gap in [*gaps, *left.momentum.values()]))


def updates(
    single: Probe, both: Probe, inverse_mass: float = INVERSE_MASS, mu: float = MU
) -> dict:
    """Echoes and decay: the gradient in the change of the parameters.

    mu is the decay constant of the momenta: the larger, the more a single echo errs.
    """
    problem, eta = single.problem, UPDATE_BETA / mu
    exact = trajectory_heb.exact_gradient(problem, inverse_mass)
    simple = descended(single, eta, inverse_mass)
    averaged = descended(both, 2 * eta, inverse_mass)
    how = UPDATE_BETA, inverse_mass, mu, DAMPING
    expected = trajectory_heb.averaged_update(problem, *how)
    expected = {name: value / (-2 * eta) for name, value in expected.items()}
    return {
        "averaged_error": relative_error(averaged, exact, MOVING),
        "simple_error": relative_error(simple, exact, MOVING),
        "oracle_error": relative_error(averaged, expected, MOVING),
    }


def descended(
    built: Probe, eta: float, inverse_mass: float, beta: float = UPDATE_BETA
) -> Parameters:
    """Minus the change of the parameters over eta."""
    left = show(built, beta, inverse_mass, eta=eta, damping=DAMPING)
    theta = built.problem.theta
    return {name: (theta[name] - left.theta[name]) / eta for name in MOVING}


def still(single: Probe) -> dict[str, float]:
    """Parameters of infinite mass beside one-sided echo learning, by class.

    Equal at every beta; a large one keeps the digits.
    """
    found = gradient_of(single, LARGE_BETA, 0.0)
    expected = one_sided(single.problem, LARGE_BETA)
    return {name: relative_error(found, expected, (name,)) for name in WITH_MOMENTUM}
