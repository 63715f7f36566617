"""Echoes with friction, and of directed synapses, beside exact gradients.

The subject is the reference network of
:mod:`neuro_ep.checking.families.echo`, with friction, or with an antisymmetric part
added to its weights. What is measured, by class of parameters:
 relative_error and cosine of the gradient; reversal of an echo that is not
nudged; order_in_beta_symmetric. Of friction also, as there, relative_error_coarse,
relative_error_end and float32_error, and

    control_unweighted       relative error where the readings of the echo do not fade,
                             nor the nudge grow: it must be large
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuro_ep.checking.families import echo
from neuro_ep.checking.families.heb import PLACES
from neuro_ep.errors import InputError
from neuro_ep.oracle.compare import cosine, relative_error
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


def measure_friction(rule: Rule, layers, batch, seed: int) -> tuple[dict, dict]:
    """(what is measured, how) of a rule whose neurons have friction."""
    problem = subject(layers, batch, seed, FRICTION)
    coarse, end = (
        reference(seed, neurons=len(problem.q), friction=FRICTION, dt=dt, cost=cost)
        for dt, cost in ((0.2, "kick"), (problem.dt, "end"))
    )
    built, exact = echo.probe(rule, problem), exact_gradient(problem)
    found = [echo.show(built, beta).gradient for beta in (echo.BETA, 10 * echo.BETA)]
    wrong = echo.show(echo.probe(unweighted(rule), problem), echo.BETA).gradient
    measured = compared(found, exact) | {
        "reversal": echo.reversal(built),
        "relative_error_coarse": echo.errors(rule, coarse),
        "relative_error_end": echo.errors(rule, end),
        "float32_error": echo.float32_error(rule, problem),
        "control_unweighted": relative_error(wrong, exact),
    }
    return measured, how(problem) | {"friction": FRICTION}


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


def measure_directed(rule: Rule, layers, batch, seed: int) -> tuple[dict, dict]:
    """(what is measured, how) of a rule whose synapses have a direction."""
    problem = subject(layers, batch, seed)
    weights = directed(problem, SHARE, seed)
    built = echo.probe(rule, problem)
    found = [gradient(built, weights, beta) for beta in (echo.BETA, 10 * echo.BETA)]
    measured = compared(found, directed_gradient(problem, weights))
    measured["reversal"] = echo.reversal(built, w=weights)
    return measured, how(problem) | {"antisymmetric": SHARE}


def subject(layers, batch, seed: int, friction: float = 0.0) -> Problem:
    """The reference network; InputError for layers or batches it does not have."""
    layers = tuple(layers or (INPUTS, 6))
    if len(layers) != 2 or layers[0] != INPUTS or layers[1] < 2:
        raise InputError(f"layers {layers}: the check has ({INPUTS}, neurons)")
    if batch not in (None, 1):
        raise InputError(f"batch = {batch}: the check shows one sample; choose 1")
    return reference(seed, neurons=layers[1], friction=friction)


def how(problem: Problem) -> dict:
    """How it was measured."""
    return {
        "layers": [INPUTS, len(problem.q)],
        "batch": 1,
        "step": problem.dt,
        "duration": problem.steps * problem.dt,
        "beta": echo.BETA,
    }


def compared(found: list[Parameters], exact: Parameters) -> dict:
    """Errors of the first gradient, at BETA; order from the second, at ten times it."""
    errors = [relative_error(gradient, exact) for gradient in found]
    return {
        "relative_error": {c: relative_error(found[0], exact, (c,)) for c in CLASSES},
        "cosine": {c: cosine(found[0], exact, (c,)) for c in CLASSES},
        "order_in_beta_symmetric": float(np.log10(errors[1] / errors[0])),
    }


# --- directed weights ----------------------------------------------------------------


def directed(problem: Problem, share: float, seed: int = 1) -> np.ndarray:
    """(N, N), pre first: the weights, and an antisymmetric part that is so large."""
    symmetric = coupling_matrix(problem.theta["w"], len(problem.q))
    draw = np.random.default_rng(seed).normal(size=symmetric.shape)
    skew = draw - draw.T
    return symmetric + share * np.linalg.norm(symmetric) / np.linalg.norm(skew) * skew


def gradient(built: echo.Probe, weights: np.ndarray, beta: float) -> Parameters:
    """As simulated; ``w`` (pre, post), one number a synapse."""
    shown = echo.show(built, beta, w=weights).gradient
    synapses = built.network[PLACES["w"][0]]
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
