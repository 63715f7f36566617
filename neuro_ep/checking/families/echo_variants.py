"""Echoes with friction, and of directed synapses, beside exact gradients.

The subject is the reference network of :mod:`neuro_ep.checking.families.echo`, with
friction, or with an antisymmetric part added to its weights.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from neuro_ep.checking.families import echo
from neuro_ep.checking.families.trajectory_probe import (
    BETA,
    EchoProbe,
    memory_of_slopes,
    one_layer,
    place_of,
    probe,
    reversal,
    show,
)
from neuro_ep.checking.family import Asked, Family
from neuro_ep.oracle.compare import cosines, order, relative_error, relative_errors
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import (
    CLASSES,
    INPUTS,
    Problem,
    complex_step,
    coupling_matrix,
    exact_gradient,
    potential_slope,
    reference,
    running_cost,
)
from neuro_ep.records.rule import Rule

#: Rate at which momenta are lost, in 1/tau: over the run, to a share of 1/e.
FRICTION = 0.1

#: Of the antisymmetric part of directed weights, beside the symmetric one.
SHARE = 0.42

#: Parameters of neurons and inputs.
OTHERS = tuple(name for name in CLASSES if name != "w")


def measure_friction(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how) of a rule whose neurons have friction."""
    subject = partial(
        reference, asked.seed, neurons=one_layer(asked), friction=FRICTION
    )
    problem, coarse, end = subject(), subject(dt=0.2), subject(cost="end")
    built, exact = probe(rule, problem), exact_gradient(problem)
    found = [show(built, beta).gradient for beta in (BETA, 10 * BETA)]
    wrong = show(probe(unweighted(rule), problem), BETA).gradient
    measured = compared(found, exact) | {
        "reversal": reversal(built),
        "relative_error_coarse": echo.errors(rule, coarse),
        "relative_error_end": echo.errors(rule, end),
        "float32_error": echo.float32_error(rule, problem),
        "control_unweighted": relative_error(wrong, exact, CLASSES),
    }
    return measured, echo.how(problem) | {"friction": FRICTION}


def unweighted(rule: Rule) -> Rule:
    """The same, wrong: without the line of code that lets the weight fade."""

    def model(settings):
        network = rule.model(settings)
        code = {
            slot: "\n".join(
                line for line in text.splitlines() if line.split()[:1] != ["weight"]
            )
            for slot, text in network.output.regularly.items()
        }
        neuron = replace(network.output, regularly=code)
        return replace(network, hidden=neuron, output=neuron)

    return replace(rule, model=model)


def measure_directed(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how) of a rule whose synapses have a direction."""
    problem = reference(asked.seed, neurons=one_layer(asked))
    weights = directed(problem, SHARE, asked.seed)
    built = probe(rule, problem)
    found = [gradient(built, weights, beta) for beta in (BETA, 10 * BETA)]
    measured = compared(found, directed_gradient(problem, weights))
    measured["reversal"] = reversal(built, w=weights)
    return measured, echo.how(problem) | {"antisymmetric": SHARE}


def compared(found: list[Parameters], exact: Parameters) -> dict:
    """Errors of the first gradient, at BETA; order from the second, at ten times it."""
    errors = [relative_error(gradient, exact, CLASSES) for gradient in found]
    return {
        "relative_error": relative_errors(found[0], exact, CLASSES),
        "cosine": cosines(found[0], exact, CLASSES),
        "order_in_beta_symmetric": order((BETA, 10 * BETA), errors),
    }


# --- directed weights ----------------------------------------------------------------


def directed(problem: Problem, share: float, seed: int = 1) -> np.ndarray:
    """(N, N), pre first: the weights, and an antisymmetric part that is so large."""
    symmetric = coupling_matrix(problem.theta["w"], len(problem.q))
    draw = np.random.default_rng(seed).normal(size=symmetric.shape)
    skew = draw - draw.T
    return symmetric + share * np.linalg.norm(symmetric) / np.linalg.norm(skew) * skew


def gradient(built: EchoProbe, weights: np.ndarray, beta: float) -> Parameters:
    """As simulated; ``w`` (pre, post), one number a synapse."""
    shown = show(built, beta, w=weights).gradient
    synapses = built.network[place_of("w")[0]]
    return {c: shown[c] for c in OTHERS} | {"w": np.array(synapses.gradient)}


def directed_gradient(problem: Problem, weights: np.ndarray) -> Parameters:
    """The exact gradient, by complex step; ``w`` (pre, post), one number a synapse."""

    def cost(theta):
        q, p, kicks = problem.q, problem.p, []
        onto = np.swapaxes(theta["w"], -1, -2)  # row: the neuron that is reached
        for x in problem.x:
            middle = q + problem.dt / 2 * p / theta["m"]
            p = p - problem.dt * potential_slope(theta, onto, middle, x)
            q = middle + problem.dt / 2 * p / theta["m"]
            kicks.append(middle)
        return running_cost(problem, np.stack([q] if problem.cost == "end" else kicks))

    return complex_step(cost, {"w": weights} | {c: problem.theta[c] for c in OTHERS})


#: Measured of friction and of directed synapses, as of other echoes.
COMMON = ("relative_error", "cosine", "order_in_beta_symmetric", "reversal")

FRICTIONAL = Family(
    "friction",
    {
        name: echo.QUANTITIES[name]
        for name in (
            *COMMON,
            *("relative_error_coarse", "relative_error_end", "float32_error"),
        )
    }
    | {
        "control_unweighted": "error where the readings of the echo do not fade, nor "
        "the nudge grow",
    },
    0,
    {"order_in_beta_symmetric": (1.8, 2.2)},
    measure_friction,
    layers=(INPUTS, 6),
    batch=1,
    controls=("control_unweighted",),
    memory=memory_of_slopes,
)

DIRECTED = Family(
    "directed",
    {name: echo.QUANTITIES[name] for name in COMMON},
    0,
    {"order_in_beta_symmetric": (1.8, 2.2)},
    measure_directed,
    layers=(INPUTS, 6),
    batch=1,
    memory=memory_of_slopes,
)
