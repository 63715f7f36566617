"""Echoes beside exact gradients: does running back nudged compute the adjoint?

Subject: the reference network of :mod:`neuro_ep.oracle.trajectory`, T = 10, dt = 0.05,
its cost read at the kicks, simulated by the rule's own equations; the truth is the
complex step of the same discrete cost in numpy.

What is measured (a number, or one a parameter class w, B, k, l, b, m)
    reversal                 largest distance from the start after an echo that is not
                             nudged
    relative_error, cosine   of the gradient at beta = 1e-4
    relative_error_coarse, relative_error_fine
                             the same with dt = 0.2 and with dt = 0.0125
    relative_error_end       the same with the cost at the final instant only
    relative_error_start     of the slopes of the start state, at beta = 1e-3
    order_in_beta, order_in_beta_symmetric
                             from beta = 1e-3 to 1e-4, one-sided and symmetric
    float32_error            of the gradient in float32, at beta = 1e-3
    control_*                relative errors of wrong variants, which must be large: an
                             antisymmetric part of 1 % in w, inputs or targets replayed
                             one step off, B read at whole steps
    reversal_antisymmetric   that reversal does not see the antisymmetric part
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from brian2 import StateMonitor, prefs

from neuro_ep.build.network import LayeredNetwork, build_network
from neuro_ep.checking.families.heb import PLACES, by_class, matrix, once
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
from neuro_ep.records import moment
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.simulation import Simulation

BETA = 1e-4

#: Of the antisymmetric part of w, beside its symmetric one.
SKEW = 0.01

#: Positions and momenta of the neurons, by nudging.
STATES = {
    "symmetric": ("q_plus", "p_plus", "q_minus", "p_minus"),
    "one-sided": ("q", "p"),
}


@dataclass(frozen=True)
class Probe:
    """The network of a problem; the monitor, on runtime targets, records its states."""

    problem: Problem
    network: LayeredNetwork
    simulation: Simulation
    monitor: StateMonitor | None


@dataclass(frozen=True)
class Shown:
    """Gradient by class, and the cost, of one presentation.

    state maps the names of :data:`STATES` to (steps, N), at the end of every step of
    run and echo, in units of v_unit; empty in compiled programs.
    """

    gradient: Parameters
    cost: float
    state: Parameters


def settings_for(problem: Problem, nudging: str, beta: float = BETA) -> Settings:
    """One layer of neurons joined to itself, which reads the last of them out."""
    neurons, inputs = problem.theta["B"].shape
    duration = problem.steps * problem.dt
    return Settings(
        layers=(inputs, neurons),
        connections=((0, 1), (1, 1)),
        eta=(0.0,),
        beta=beta,
        free=duration,
        nudged=duration,
        step=problem.dt,
        batch=1,
        nudging=nudging,
        judged=0.0 if problem.cost == "end" else 1.0,
        read=problem.target.shape[1],
        friction=problem.friction,
    )


def probe(rule: Rule, problem: Problem, nudging="symmetric", dtype=np.float64) -> Probe:
    """Build the network of a problem on the device chosen now."""
    compiled = "standalone" in type(device.get_device()).__name__.lower()
    settings = settings_for(problem, nudging)
    network = build_network(rule, settings, dtype=dtype, set_values=not compiled)
    monitor = None
    if not compiled:
        group = network["output"]
        monitor = StateMonitor(
            group, STATES[nudging], True, when="end", clock=group.clock
        )
        network.brian2.add(monitor)
    return Probe(problem, network, device.simulation(network), monitor)


def show(built: Probe, beta: float, *, nudged=True, lengths=None, **values) -> Shown:
    """One presentation from the start state of the problem.

    lengths are those of the phases in steps; values are fields of the schedule, or
    classes of parameters, to be other than the problem has them.
    """
    problem, plan = built.problem, built.simulation.plan
    theta = {name: values.pop(name) for name in CLASSES if name in values}
    chosen = _values(built, beta) | _named(theta, plan.unit)
    if lengths is not None:
        chosen[f"{plan.presentations}.phase_steps"] = lengths
    if not nudged:
        chosen[f"{plan.presentations}.phase_nudge"] = np.zeros(2)
    gradients = {name: f"{PLACES[name][0]}.gradient" for name in CLASSES}
    cost = f"{plan.presentations}.cost"
    begun = 0 if built.monitor is None else len(built.monitor.t)
    found = built.simulation.run(
        once(problem, **values), chosen, [*gradients.values(), cost]
    )
    return Shown(
        {c: by_class(c, found[name], problem) for c, name in gradients.items()},
        float(found[cost][0]),
        _states(built, begun),
    )


def costs(built: Probe, beta: float, times: int) -> np.ndarray:
    """The cost of every one of so many presentations, before what it teaches."""
    name = f"{built.simulation.plan.presentations}.cost"
    schedule, values = once(built.problem, times), _values(built, beta)
    return built.simulation.run(schedule, values, [name])[name]


def _values(built: Probe, beta: float) -> dict:
    problem, plan = built.problem, built.simulation.plan
    values: dict = {f"{plan.presentations}.strength": beta}
    for name in CLASSES:
        values[".".join(PLACES[name])] = plan.unit * matrix(name, problem)
    start = {"output.q_start": problem.q, "output.p_start": plan.unit * problem.p}
    return values | start


def _named(theta: Mapping, unit: float) -> dict:
    return {".".join(PLACES[name]): unit * value for name, value in theta.items()}


def _states(built: Probe, begun: int) -> Parameters:
    if built.monitor is None:
        return {}
    unit = built.simulation.plan.unit
    return {
        name: np.asarray(getattr(built.monitor, name))[:, begun:].T
        / (unit if name.startswith("p") else 1.0)
        for name in built.monitor.record_variables
    }


# --- what is measured ----------------------------------------------------------------


def measure(rule: Rule, layers, batch, seed: int) -> tuple[dict, dict]:
    """(what is measured, how); layers (2, neurons).

    Raises InputError for layers and batches that the subject does not have.
    """
    layers = tuple(layers or (INPUTS, 6))
    if len(layers) != 2 or layers[0] != INPUTS or layers[1] < 2:
        raise InputError(f"layers {layers}: the check has ({INPUTS}, neurons)")
    if batch not in (None, 1):
        raise InputError(f"batch = {batch}: the check shows one sample; choose 1")
    problem = reference(seed, neurons=layers[1])
    symmetric = probe(rule, problem)
    measured = gradients(symmetric) | {
        "relative_error_coarse": errors(
            rule, reference(seed, neurons=layers[1], dt=0.2)
        ),
        "relative_error_fine": errors(
            rule, reference(seed, neurons=layers[1], dt=0.0125)
        ),
        "relative_error_end": errors(
            rule, reference(seed, neurons=layers[1], cost="end")
        ),
        "order_in_beta": order_in_beta(probe(rule, problem, "one-sided")),
        "order_in_beta_symmetric": order_in_beta(symmetric),
        "float32_error": float32_error(rule, problem),
    }
    measured |= controls(rule, symmetric)
    how = {
        "layers": list(layers),
        "batch": 1,
        "step": problem.dt,
        "duration": problem.steps * problem.dt,
        "beta": BETA,
    }
    return measured, how


def gradients(built: Probe) -> dict:
    """Reversal, and the gradient of parameters and of the start state."""
    shown, exact = show(built, BETA), exact_gradient(built.problem)
    start = start_slopes(built, 10 * BETA)
    return {
        "reversal": reversal(built),
        "relative_error": by_classes(shown.gradient, exact),
        "cosine": {c: cosine(shown.gradient, exact, (c,)) for c in CLASSES},
        "relative_error_start": {
            name: relative_error(start, exact, (name,)) for name in ("q", "p")
        },
    }


def by_classes(estimate: Mapping, exact: Mapping) -> dict[str, float]:
    """Relative error of every parameter class."""
    return {c: relative_error(estimate, exact, (c,)) for c in CLASSES}


def errors(rule: Rule, problem: Problem) -> dict[str, float]:
    """Relative error by class of the symmetric gradient of a problem."""
    estimate = show(probe(rule, problem), BETA).gradient
    return by_classes(estimate, exact_gradient(problem))


def reversal(built: Probe, **values) -> float:
    """Largest distance from the start after an echo that is not nudged."""
    problem, last = built.problem, 2 * built.problem.steps - 1
    state = show(built, BETA, nudged=False, **values).state
    return float(
        max(
            np.abs(
                value[last] - (problem.q if name.startswith("q") else -problem.p)
            ).max()
            for name, value in state.items()
        )
    )


def start_slopes(built: Probe, beta: float) -> Parameters:
    """dC/dq and dC/dp at the start, from where echoes end, momenta as they stand."""
    state, last = show(built, beta).state, 2 * built.problem.steps - 1
    gap = {
        name: (state[f"{name}_plus"][last] - state[f"{name}_minus"][last]) / (2 * beta)
        for name in ("q", "p")
    }
    return {"q": -gap["p"], "p": -gap["q"]}


def order_in_beta(built: Probe) -> float:
    """The exponent of beta in the relative error, all classes together."""
    exact = exact_gradient(built.problem)
    small, large = (
        relative_error(show(built, beta).gradient, exact) for beta in (BETA, 10 * BETA)
    )
    return float(np.log10(large / small))


def float32_error(rule: Rule, problem: Problem) -> float:
    """Relative error in float32, all classes together, at the best beta."""
    estimate = show(probe(rule, problem, dtype=np.float32), 1e-3).gradient
    prefs.core.default_float_dtype = np.float64
    return relative_error(estimate, exact_gradient(problem))


# --- what must fail ------------------------------------------------------------------


def controls(rule: Rule, built: Probe) -> dict:
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
