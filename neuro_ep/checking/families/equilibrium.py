"""Rules that settle to an equilibrium beside the implicit gradient, and beside BPTT.

Random networks, weights and samples; a phase is as long as settling takes, see
:mod:`neuro_ep.checking.families.equilibrium_subject`. From so many neurons on only the
totals of one sample are measured, one-sided.
"""

from __future__ import annotations

import numpy as np
from brian2 import prefs

from neuro_ep.checking.families.equilibrium_probe import (
    STEPWISE_GAIN,
    EquilibriumProbe,
    _states,
    flat,
    probe,
    show,
    slow_update,
)
from neuro_ep.checking.families.equilibrium_subject import (
    BETAS,
    LAYERS,
    SEED,
    STEPWISE,
    Subject,
    make_subject,
    settings_of,
)
from neuro_ep.checking.family import Asked, Family
from neuro_ep.errors import InputError
from neuro_ep.oracle import assembly, energy, gradient
from neuro_ep.oracle.compare import (
    cosines,
    order,
    relative_error,
    relative_errors,
)
from neuro_ep.oracle.field import Parameters, velocity
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import changed, memory_needed

#: Gains at which the excess error of a finite learning rate is measured.
GAINS = (3e-3, 6e-3, 12e-3)

QUANTITIES = {
    "relative_error": "of the update beside minus the gradient, one-sided, at the "
    "smallest beta, by class",
    "cosine": "of the angle between both, by class",
    "order_in_beta": "slope of log error, all classes together, against log beta",
    "relative_error_symmetric": "the same error with nudging of both signs",
    "cosine_symmetric": "the same cosine with nudging of both signs",
    "order_in_beta_symmetric": "the same slope with nudging of both signs",
    "order_in_eta": "slope of log (error that a finite eta adds) against log eta",
    "gain_ratio": "that error, at the smallest gain g, over g",
    "step_error": "RelMSE of every step of the weights against BPTT (Theorem 1), mean",
    "step_error_neuron": "the same of the states of the neurons, by layer",
    "conserved": "weights + (eta/beta) dE/dw: drift over the update, by class",
    "energy_mismatch": "largest difference of ds/dt and minus the slope of the stated "
    "energy",
    "residual": "largest |ds/dt| where the free phase ends, in v_unit/tau",
    "float32_error": "of the update in float32, at the largest beta",
}

BOUNDS = {
    "relative_error": (0, 3e-3),
    "cosine": (0.9999, 1.0001),
    "relative_error_symmetric": (0, 1e-5),
    "order_in_beta": (0.9, 1.1),
    "order_in_beta_symmetric": (1.8, 2.2),
    "order_in_eta": (0.9, 1.1),
    "step_error": (0, 2 * BETAS[0] + 1e-5),
    "step_error_neuron": (0, 2 * BETAS[0] + 1e-5),
    "conserved": (0, 1e-8),
    "energy_mismatch": (0, 1e-8),
    "residual": (0, 1e-3 * BETAS[0]),
    "float32_error": (0, 2e-2),
}


def measure(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what was measured, how) of a rule; settings that it reads are as asked."""
    settings = settings_of(asked.choices)
    subject = make_subject(
        rule, settings, asked.layers, asked.batch or None, asked.seed
    )
    how = {
        "betas": list(BETAS),
        "layers": list(subject.settings.layers),
        "batch": subject.settings.batch,
        "weight_scale": subject.scale,
        "step": subject.settings.step,
        "phase": subject.settings.free,
    }
    return of_subject(subject), how


def memory(layers: tuple[int, ...], batch: int) -> float:
    """Bytes of the weights and states, and of the Jacobian of a sample."""
    return memory_needed(layers, batch) + 8.0 * sum(layers[1:]) ** 2


def of_subject(subject: Subject) -> dict:
    """Everything that is measured of a subject, by name."""
    measured: dict = {}
    if subject.has_energy:
        measured["energy_mismatch"] = energy_mismatch(subject)
    if _takes(subject, "one-sided"):
        one_sided = probe(subject, "one-sided")
        measured |= totals(one_sided, "")
        if not subject.is_large:
            measured |= _details(one_sided)
    if _takes(subject, "symmetric") and not subject.is_large:
        measured |= totals(probe(subject, "symmetric"), "_symmetric")
    return measured


def _details(one_sided: EquilibriumProbe) -> dict:
    """What is measured of small networks only."""
    subject = one_sided.subject
    found: dict = {}
    if subject.has_energy:
        found["conserved"] = conserved(one_sided)
    if subject.rule.gain:
        found |= order_in_eta(one_sided)
    found["float32_error"] = float32_error(subject)
    return found | stepwise(probe(subject, "one-sided", stepwise=STEPWISE))


def _takes(subject: Subject, nudging: str) -> bool:
    try:
        subject.rule.protocol(changed(subject.settings, nudging=nudging))
    except InputError:
        return False
    return True


def energy_mismatch(subject: Subject) -> float:
    """Largest difference of ds/dt and -dE/ds at states around the fixed point."""
    away = subject.free + 0.3 * np.sin(np.arange(subject.free.size)).reshape(
        subject.free.shape
    )
    clamp = subject.clamp
    if subject.field.cost == "squared-error":
        clamp = gradient.nudged(clamp, 0.5)
    flow = velocity(subject.field, subject.theta, away, clamp)
    slope = energy.energy_slope(subject.field, subject.theta, away, clamp)
    return float(np.abs(flow + slope).max() / np.abs(flow).max())


def totals(built: EquilibriumProbe, suffix: str) -> dict:
    """Errors of the total update at every beta, their order, and the residual."""
    due = descent(built.subject)
    updates = [slow_update(built, beta) for beta in BETAS]
    errors = [relative_error(update, due, sorted(due)) for update in updates]
    found: dict = {
        f"relative_error{suffix}": relative_errors(updates[0], due, due),
        f"cosine{suffix}": cosines(updates[0], due, due),
        f"order_in_beta{suffix}": order(BETAS, errors),
    }
    return found if suffix else found | {"residual": residual(built)}


def descent(subject: Subject) -> Parameters:
    """Minus the gradient, by class: what an update should be."""
    return {name: -slope for name, slope in subject.truth.items()}


def residual(built: EquilibriumProbe) -> float:
    """Largest |ds/dt| at the end of the free phase simulated last, in v_unit/tau."""
    subject, steps = built.subject, built.network.phase_steps()
    states = _states(built, len(built.states[0].t) - sum(steps) - 1)
    rate = velocity(subject.field, subject.theta, states[steps[0] - 1], subject.clamp)
    return float(np.abs(rate).max())


def conserved(built: EquilibriumProbe) -> dict[str, float]:
    """By class, the drift of w + (eta/beta) dE/dw in one update, over the update.

    The states are those of the simulation, at the ends of its phases; eta/beta is
    large, so that the weights move the neurons.
    """
    beta, eta = 0.1, 1e-3
    shown = show(built, beta, eta)
    free, nudged = np.cumsum(built.network.phase_steps()[:2]) - 1
    due = gradient.contrast(
        built.subject.field,
        shown.states[free],
        shown.states[nudged],
        built.subject.clamp,
        beta,
    )
    return relative_errors(shown.update, due, due)


def order_in_eta(built: EquilibriumProbe) -> dict:
    """The error that a finite eta adds: its order, and its ratio to the gain g."""
    subject, beta = built.subject, BETAS[0]
    small = flat(slow_update(built, beta))
    errors = []
    for g in GAINS:
        large = flat(show(built, beta, beta * subject.ratio(g)).update)
        errors.append(relative_error(large, small))
    return {
        "order_in_eta": order(GAINS, errors),
        "gain_ratio": errors[0] / GAINS[0],
    }


def float32_error(subject: Subject) -> float:
    """Of the update, against the same in float64: largest beta, g = 0.03."""
    beta = BETAS[-1]
    eta = subject.ratio(0.03) * beta
    updates = [
        flat(show(probe(subject, "one-sided", dtype), beta, eta).update)
        for dtype in (np.float32, np.float64)
    ]
    prefs.core.default_float_dtype = np.float64
    return relative_error(*updates)


def stepwise(built: EquilibriumProbe) -> dict:
    """Theorem 1: every step of neurons and weights beside minus the BPTT terms.

    Delta_s(t) = (s(t+1) - s(t))/(beta dt) and Delta_theta(t) = (theta(t) -
    theta(t-1))/eta, against BPTT through the simulated free trajectory. RelMSE of one
    neuron or synapse: |Delta + nabla| over the larger norm, over t = 0..K; the mean
    over those that take part is what is given. Weights are compared where plasticity
    is open at every step.
    """
    nabla_s, nabla_theta, delta_s, delta_theta = stepwise_curves(built, BETAS[0])
    cuts = np.cumsum(built.subject.field.sizes[1:])[:-1]
    names = assembly.layer_names(len(built.subject.field.sizes))[1:]
    neurons = zip(
        names,
        np.split(delta_s, cuts, axis=2),
        np.split(nabla_s, cuts, axis=2),
        strict=True,
    )
    found = {
        "step_error_neuron": {
            name: mean_error(delta, nabla) for name, delta, nabla in neurons
        }
    }
    if built.network.protocol.phases[1].every == 1:
        found["step_error"] = {
            name: mean_error(delta_theta[name], nabla_theta[name])
            for name in delta_theta
        }
    return found


def stepwise_curves(
    built: EquilibriumProbe, beta: float, g: float = STEPWISE_GAIN, sign: int = 1
):
    """nabla_s, nabla_theta, Delta_s, Delta_theta of the nudged phase, t first.

    nabla_s and Delta_s are (K, batch, N); those of theta are by class, (K + 1, n_pre,
    n_post), beginning with the zero of t = 0. g is the gain, see GAIN.
    """
    subject, eta = built.subject, beta * built.subject.ratio(g)
    shown = show(built, beta, eta, sign)
    free, steps = built.network.phase_steps()[:2]
    dt, signed = built.network.settings.step, sign * beta
    nabla_s, nabla_theta = gradient.bptt(
        subject.field, subject.theta, shown.states[:free], subject.clamp, dt, steps
    )
    moved = np.diff(shown.states[free - 1 : free + steps], axis=0)
    delta_theta = {
        name: np.concatenate(
            [np.zeros_like(w[:1]), np.diff(w[free - 1 : free + steps], axis=0) / eta]
        )
        for name, w in shown.weights.items()
    }
    return nabla_s[:-1], nabla_theta, moved / (signed * dt), delta_theta


def relative_curves(delta: np.ndarray, nabla: np.ndarray) -> np.ndarray:
    """RelMSE of every neuron or synapse; nan where both curves vanish."""
    gap = np.linalg.norm(delta + nabla, axis=0)
    sizes = np.maximum(np.linalg.norm(delta, axis=0), np.linalg.norm(nabla, axis=0))
    alive = sizes > 1e-9 * sizes.max()
    return np.where(alive, gap / np.where(alive, sizes, 1.0), np.nan)


def mean_error(delta: np.ndarray, nabla: np.ndarray) -> float:
    """Mean of the RelMSE over the neurons or synapses that take part."""
    return float(np.nanmean(relative_curves(delta, nabla)))


FAMILY = Family(
    "equilibrium",
    QUANTITIES,
    SEED,
    BOUNDS,
    measure,
    layers=LAYERS,
    reads=(
        *("layers", "batch", "seed"),
        *("activation", "dynamics", "plasticity", "plastic_every", "cost"),
    ),
    memory=memory,
)
