"""Echoes beside exact gradients: does running back nudged compute the adjoint?

Subject: the reference network of :mod:`neuro_ep.oracle.trajectory`, T = 10, dt = 0.05,
its cost read at the kicks, simulated by the rule's own equations; the truth is the
complex step of the same discrete cost in numpy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuro_ep.checking.families.trajectory_probe import (
    BETA,
    EchoProbe,
    memory_of_slopes,
    one_layer,
    probe,
    reversal,
    show,
    show_in_float32,
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
from neuro_ep.records import moment
from neuro_ep.records.rule import Rule

#: Of the antisymmetric part of w, beside its symmetric one.
SKEW = 0.01


# --- what is measured ----------------------------------------------------------------


def measure(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how); layers (2, neurons).

    Raises InputError for layers and batches that the subject does not have.
    """
    seed, neurons = asked.seed, one_layer(asked)
    problem = reference(seed, neurons=neurons)
    symmetric = probe(rule, problem)
    others = {
        "coarse": reference(seed, neurons=neurons, dt=0.2),
        "fine": reference(seed, neurons=neurons, dt=0.0125),
        "end": reference(seed, neurons=neurons, cost="end"),
    }
    measured = gradients(symmetric)
    measured |= {
        f"relative_error_{name}": errors(rule, other) for name, other in others.items()
    }
    measured |= {
        "order_in_beta": order_in_beta(probe(rule, problem, "one-sided")),
        "order_in_beta_symmetric": order_in_beta(symmetric),
        "float32_error": float32_error(rule, problem),
    }
    return measured | controls(rule, symmetric), how(problem)


def how(problem: Problem) -> dict:
    """On what it was measured."""
    return {
        "layers": [INPUTS, len(problem.q)],
        "batch": 1,
        "step": problem.dt,
        "duration": problem.steps * problem.dt,
        "beta": BETA,
    }


def gradients(built: EchoProbe) -> dict:
    """Reversal, and the gradient of parameters and of the start state."""
    shown, exact = show(built, BETA), exact_gradient(built.problem)
    return {
        "reversal": reversal(built),
        "relative_error": relative_errors(shown.gradient, exact, CLASSES),
        "cosine": cosines(shown.gradient, exact, CLASSES),
        "relative_error_start": relative_errors(
            start_slopes(built, 10 * BETA), exact, ("q", "p")
        ),
    }


def errors(rule: Rule, problem: Problem) -> dict[str, float]:
    """Relative error by class of the symmetric gradient of a problem."""
    estimate = show(probe(rule, problem), BETA).gradient
    return relative_errors(estimate, exact_gradient(problem), CLASSES)


def start_slopes(built: EchoProbe, beta: float) -> Parameters:
    """dC/dq and dC/dp at the start, from where echoes end, momenta as they stand."""
    state, last = show(built, beta).state, 2 * built.problem.steps - 1
    gap = {
        name: (state[f"{name}_plus"][last] - state[f"{name}_minus"][last]) / (2 * beta)
        for name in ("q", "p")
    }
    return {"q": -gap["p"], "p": -gap["q"]}


def order_in_beta(built: EchoProbe) -> float:
    """The exponent of beta in the relative error, all classes together."""
    exact, betas = exact_gradient(built.problem), (BETA, 10 * BETA)
    found = [show(built, beta).gradient for beta in betas]
    return order(betas, [relative_error(one, exact, CLASSES) for one in found])


def float32_error(rule: Rule, problem: Problem) -> float:
    """Relative error in float32, all classes together, at the best beta."""
    estimate = show_in_float32(rule, problem, 1e-3).gradient
    return relative_error(estimate, exact_gradient(problem), CLASSES)


# --- what must fail ------------------------------------------------------------------


def controls(rule: Rule, built: EchoProbe) -> dict:
    """Relative errors of wrong variants."""
    problem, exact = built.problem, exact_gradient(built.problem)
    late = np.roll(problem.target, 1, axis=0)
    # An echo one step shorter shows input n - 1 where n is due; targets are put right.
    early = np.array([problem.steps, problem.steps - 1])
    put_right = np.roll(problem.target, -1, axis=0)
    return {
        "control_targets": relative_error(
            show(built, BETA, target=late).gradient, exact
        ),
        "control_inputs": relative_error(
            show(built, BETA, target=put_right, lengths=early).gradient, exact
        ),
        "control_whole_steps": whole_steps(rule, problem, exact),
        **antisymmetric(rule, problem),
    }


def whole_steps(rule: Rule, problem: Problem, exact: Parameters) -> float:
    """Relative error of B where the positions are read after the second half drift."""

    def late(settings):
        model = rule.model(settings)
        return replace(model, synapse=replace(model.synapse, when=moment.RESET))

    wrong = probe(replace(rule, model=late), problem)
    return relative_error(show(wrong, BETA).gradient, exact, ("B",))


def antisymmetric(rule: Rule, problem: Problem) -> dict:
    """A part of w that no energy has: gradients err, and reversal does not see it."""

    def unguarded(settings):
        model = rule.model(settings)
        return replace(model, lateral=replace(model.lateral, symmetric=False))

    w = directed(problem)
    built = probe(replace(rule, model=unguarded), problem)
    exact = directed_gradient(problem, w - coupling_matrix(problem.theta["w"], len(w)))
    return {
        "control_antisymmetric": relative_error(show(built, BETA, w=w).gradient, exact),
        "reversal_antisymmetric": reversal(built, w=w),
    }


def directed(problem: Problem) -> np.ndarray:
    """w with an antisymmetric part that is SKEW as large."""
    symmetric = coupling_matrix(problem.theta["w"], len(problem.q))
    draw = np.random.default_rng(1).normal(size=symmetric.shape)
    skew = np.triu(draw, 1) - np.triu(draw, 1).T
    return symmetric + SKEW * np.linalg.norm(symmetric) / np.linalg.norm(skew) * skew


def directed_gradient(problem: Problem, skew: np.ndarray) -> Parameters:
    """The exact gradient where this is added to w, which is one number a pair."""

    def cost(theta):
        w = coupling_matrix(theta["w"], len(problem.q)) + skew
        q, p, kicks = problem.q, problem.p, []
        for x in problem.x:
            middle = q + problem.dt / 2 * p / theta["m"]
            p = p - problem.dt * potential_slope(theta, w, middle, x)
            q = middle + problem.dt / 2 * p / theta["m"]
            kicks.append(middle)
        return running_cost(problem, np.stack(kicks))

    return complex_step(cost, {name: problem.theta[name] for name in CLASSES})


#: What every check of echoes measures, of one layer.
QUANTITIES = {
    "relative_error": "of the gradient at beta = 1e-4, by class",
    "cosine": "of the gradient and the exact one, by class",
    "order_in_beta": "slope of log error against log beta from 1e-4 to 1e-3, one-sided",
    "order_in_beta_symmetric": "the same slope with nudging of both signs",
    "reversal": "largest distance from the start, of any copy of a neuron, after an "
    "echo that is not nudged",
    "relative_error_coarse": "of the gradient with dt = 0.2, by class",
    "relative_error_fine": "the same with dt = 0.0125",
    "relative_error_end": "the same with the cost at the final instant only",
    "relative_error_start": "of the slopes of the start state, at beta = 1e-3",
    "float32_error": "of the gradient in float32, at beta = 1e-3",
}

FAMILY = Family(
    "echo",
    QUANTITIES
    | {
        "control_targets": "error of the gradient with targets replayed one step off",
        "control_inputs": "the same with inputs replayed one step off",
        "control_whole_steps": "error of B where positions are read at whole steps",
        "control_antisymmetric": "error with an antisymmetric part of 1 % in w",
        "reversal_antisymmetric": "reversal with that part, which it does not see",
    },
    0,
    {"order_in_beta": (0.9, 1.1), "order_in_beta_symmetric": (1.8, 2.2)},
    measure,
    layers=(INPUTS, 6),
    batch=1,
    controls=(
        *("control_targets", "control_inputs"),
        *("control_whole_steps", "control_antisymmetric"),
    ),
    memory=memory_of_slopes,
)
