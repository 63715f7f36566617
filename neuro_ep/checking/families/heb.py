"""Parameters that move: what echoes leave in their momenta, beside the exact gradient.

Subject: the reference network of :mod:`neuro_ep.oracle.trajectory`, T = 6, dt = 0.02,
its cost that of the end. Inputs are static (as are masses), all else moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neuro_ep.checking.families import trajectory_probe
from neuro_ep.checking.families.trajectory_probe import (
    BETA,
    EchoProbe,
    by_class,
    one_layer,
    place_of,
    places_of,
    presented,
)
from neuro_ep.checking.family import Asked, Family
from neuro_ep.errors import RunError
from neuro_ep.oracle import trajectory_heb
from neuro_ep.oracle.compare import cosines, order, relative_error, relative_errors
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import INPUTS, Problem, reference
from neuro_ep.oracle.trajectory_echo import one_sided
from neuro_ep.oracle.trajectory_heb import MOVING
from neuro_ep.records.rule import Rule

#: Those that have momenta.
WITH_MOMENTUM = (*MOVING, "B")

#: Of updates, with the decay constant of the momenta.
UPDATE_BETA, MU, DAMPING = 1e-5, 100.0, 100.0

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
class Motion:
    """What a presentation leaves: parameters and their momenta by class."""

    theta: Parameters
    momentum: Parameters


def probe(rule: Rule, problem: Problem, nudging: str) -> EchoProbe:
    """Build the network of a problem on the device chosen now; nothing records."""
    return trajectory_probe.probe(rule, problem, nudging, watched=())


def show(
    built: EchoProbe,
    beta: float,
    inverse_mass: float,
    *,
    eta: float = 0.0,
    damping: float = 0.0,
    nudged: bool = True,
) -> Motion:
    """One presentation from rest; eta and damping are those of the decay.

    Raises RunError if the network diverges.
    """
    plan, problem = built.simulation.plan, built.problem
    groups, diverged = _groups(), f"{plan.presentations}.diverged"
    momenta = {c: f"{groups[c]}.momentum" for c in WITH_MOMENTUM}
    values = at_rest(inverse_mass)
    values |= {f"{groups[c]}.eta": eta for c in MOVING}
    values |= {f"{groups[c]}.damping": damping for c in WITH_MOMENTUM}
    places = places_of()
    wanted = [*momenta.values(), *places.values(), diverged]
    found = presented(
        *(built, abs(beta), wanted, values), nudged=nudged, sign=np.sign(beta)
    )
    if found[diverged][0]:
        raise RunError(f"the network diverged with beta = {beta}")
    theta = {c: by_class(c, found[at], problem) for c, at in places.items()}
    return Motion(
        {c: value / plan.unit for c, value in theta.items()},
        {c: by_class(c, found[at], problem) for c, at in momenta.items()},
    )


def _groups() -> dict[str, str]:
    return {c: place_of(c)[0] for c in places_of()}


def at_rest(inverse_mass: float) -> dict:
    """Momenta at rest and masses of parameters, as values of the network."""
    groups = _groups()
    values = {f"{groups[c]}.momentum": 0.0 for c in WITH_MOMENTUM}
    values |= {f"{groups[c]}.inverse_mass": inverse_mass for c in MOVING}
    return values | {f"{groups['B']}.inverse_mass": 0.0}


# --- what is measured ----------------------------------------------------------------


def measure(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how); layers (2, neurons).

    Raises InputError for layers and batches that the subject does not have.
    """
    problem = network(asked.seed, one_layer(asked))
    single = probe(rule, problem, "one-sided")
    both = probe(rule, problem, "symmetric")
    measured = momenta(single) | updates(single, both) | {"rhel_error": still(single)}
    how = {
        "layers": list(asked.layers),
        "batch": 1,
        "step": problem.dt,
        "duration": problem.steps * problem.dt,
        "beta": BETA,
        "inverse_mass": INVERSE_MASS,
    }
    return measured, how


def momenta(single: EchoProbe) -> dict:
    """Echoes without decay: reversal, and the gradient in the momenta."""
    back = show(single, BETA, INVERSE_MASS, nudged=False)
    exact = trajectory_heb.exact_gradient(single.problem, INVERSE_MASS)
    betas = BETA, 10 * BETA
    slopes = [gradient_of(single, beta, INVERSE_MASS) for beta in betas]
    errors = [relative_error(slope, exact, MOVING) for slope in slopes]
    return {
        "reversal": moved(single.problem, back),
        "relative_error": relative_errors(slopes[0], exact, MOVING),
        "cosine": cosines(slopes[0], exact, MOVING),
        "order_in_beta": order(betas, errors),
    }


def gradient_of(built: EchoProbe, beta: float, inverse_mass: float) -> Parameters:
    """Momenta over beta after an echo from rest."""
    left = show(built, beta, inverse_mass)
    return {name: value / beta for name, value in left.momentum.items()}


def moved(problem: Problem, left: Motion) -> float:
    """Largest change of a parameter or its momentum, which was at rest."""
    gaps = [left.theta[c] - problem.theta[c] for c in MOVING]
    return float(max(np.abs(gap).max() for gap in [*gaps, *left.momentum.values()]))


def updates(
    single: EchoProbe,
    both: EchoProbe,
    inverse_mass: float = INVERSE_MASS,
    mu: float = MU,
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
    built: EchoProbe, eta: float, inverse_mass: float, beta: float = UPDATE_BETA
) -> Parameters:
    """Minus the change of the parameters over eta."""
    left = show(built, beta, inverse_mass, eta=eta, damping=DAMPING)
    theta = built.problem.theta
    return {name: (theta[name] - left.theta[name]) / eta for name in MOVING}


def still(single: EchoProbe) -> dict[str, float]:
    """Parameters of infinite mass beside one-sided echo learning, by class.

    Equal at every beta; a large one keeps the digits.
    """
    found = gradient_of(single, LARGE_BETA, 0.0)
    expected = one_sided(single.problem, LARGE_BETA)
    return relative_errors(found, expected, WITH_MOMENTUM)


FAMILY = Family(
    "heb",
    {
        "relative_error": "of the momenta over beta after an echo, beside the slope of "
        "the cost of the joint motion, by class",
        "cosine": "of the angle between both, by class",
        "order_in_beta": "slope of log error, all classes together, against log beta",
        "reversal": "largest change of parameters and momenta by an echo that is not "
        "nudged, in units of v_unit and 1",
        "averaged_error": "of what echoes of both signs and decay do to parameters",
        "simple_error": "the same of a single echo: biased, it must fail",
        "oracle_error": "of the averaged update, beside the same in numpy",
        "rhel_error": "parameters that stand still: momenta over beta beside one-sided "
        "recurrent Hamiltonian echo learning, by class",
    },
    0,
    {"cosine": (0.9999, 1.0001), "order_in_beta": (0.9, 1.1)},
    measure,
    layers=(INPUTS, 6),
    batch=1,
    controls=("simple_error",),
    memory=trajectory_probe.memory_of_slopes,
)
