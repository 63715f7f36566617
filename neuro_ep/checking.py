"""Is it the gradient? A rule's simulated updates beside the oracle's gradient.

The network runs as it always does (Brian2, numpy target, float64): it settles freely,
then the rule changes its weights. The oracle computes the gradient of the same
equations without simulating them. Compared are the update ``w_after - w_before`` of one
presentation, divided by eta, and minus the gradient of the loss.

Conventions
    Loss: the cost that the model names, one half of the squared error or cross-entropy,
    summed over outputs, mean over the batch. Positive beta pulls towards the target.
    Relative error: norm of the difference over norm of the truth, by parameter class.
    The gradient is the limit of small eta, then small beta. eta/beta is what is kept
    small: weights that move while the neurons settle change the update by eta/beta.

What is measured (a number, or one a parameter class, or one a layer)
    relative_error, cosine        of the update, one-sided, at the smallest beta
    relative_error_symmetric      the same with nudging of both signs
    order_in_beta(_symmetric)     slope of log error against log beta
    order_in_eta                  slope of log (excess error) against log eta
    step_error, step_error_neuron RelMSE of every step against BPTT (Theorem 1)
    conserved                     weights + (eta/beta) dE/dw, drift over the update
    energy_mismatch               of ds/dt and minus the slope of the stated energy
    residual                      largest |ds/dt| where the free phase ends
    float32_error                 of the update in float32, at the largest beta
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from brian2 import StateMonitor, prefs

from neuro_ep import device
from neuro_ep.errors import InputError, RunError
from neuro_ep.gain import gain
from neuro_ep.network import LayeredNetwork, build_network
from neuro_ep.oracle import assembly, energy, gradient
from neuro_ep.oracle.field import (
    Clamp,
    Field,
    Parameters,
    evaluate,
    velocity,
)
from neuro_ep.rule import Rule, Settings, changed

LAYERS, BATCH, SEED = (5, 12, 3), 3, 1

#: Of beta; the first is the one at which errors are reported.
BETAS = (1e-3, 3e-3, 1e-2)

#: eta/beta of the updates, as the gain g of the layer with the largest: enough for
#: weights that keep their digits. Totals are extrapolated to eta = 0 from this and
#: twice this; what is compared step by step is not extrapolated.
GAIN, STEPWISE_GAIN = 3e-4, 3e-5

#: Gains at which the excess error of a finite learning rate is measured.
GAINS = (3e-3, 6e-3, 12e-3)

#: Euler step, length of what is compared step by step, both in time constants.
STEP, STEPWISE = 0.2, 6.4

#: Weights are uniform in +-scale/sqrt(n_pre); the first scale is taken with which the
#: network settles at this rate at least, in 1/tau. A phase is as long as it takes.
SCALES, RATE, DIGITS = (1.5, 1.0, 0.7, 0.5, 0.3), 0.2, 1e12

#: From so many neurons on only one-sided totals are checked, with one sample and this
#: step.
LARGE, LARGE_STEP = 200, 0.4

#: Claims in numbers, name -> (lowest, highest); a rule's own ``bounds`` come first.
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


#: The order in which tables show what was measured.
MEASURED = (
    "relative_error",
    "cosine",
    "order_in_beta",
    "relative_error_symmetric",
    "cosine_symmetric",
    "order_in_beta_symmetric",
    "order_in_eta",
    "gain_ratio",
    "step_error",
    "step_error_neuron",
    "conserved",
    "energy_mismatch",
    "residual",
    "float32_error",
)


def check(
    rule: Rule,
    settings: Settings | None = None,
    *,
    layers: tuple[int, ...] | None = None,
    batch: int | None = None,
    seed: int = SEED,
) -> dict:
    """Measure a rule against the oracle; a flat record that can be written as JSON.

    settings
        Names of activation, dynamics and plasticity are taken from here; without them
        tanh in continuous time. Layers, phases, beta and eta are those of the check.
    layers, batch
        5-12-3 and 3 samples; from 200 neurons on one sample, and only the totals.

    Keys: what is measured (see above), ``passed``, ``failed`` (one sentence a broken
    claim), ``bounds``, and how it was measured.

    Raises
    ------
    InputError
        If the oracle cannot read the model.
    RunError
        If the network does not settle, or diverges.
    """
    started = time.monotonic()
    if seed < 0:
        raise InputError(f"seed = {seed}: choose a whole number from 0")
    with numpy_target():
        subject = make_subject(rule, settings, layers or LAYERS, batch, seed)
        measured = measure(subject)
    bounds = {
        name: bound
        for name, bound in {**BOUNDS, **rule.bounds}.items()
        if name in measured and bound is not None
    }
    failed = broken(measured, bounds)
    return {
        "rule": rule.name,
        "passed": not failed,
        "failed": failed,
        **measured,
        "bounds": bounds,
        "betas": list(BETAS),
        "layers": list(subject.settings.layers),
        "batch": subject.settings.batch,
        "seed": seed,
        "weight_scale": subject.scale,
        "step": subject.settings.step,
        "phase": subject.settings.free,
        "seconds": round(time.monotonic() - started, 2),
    }


def broken(measured: Mapping, bounds: Mapping) -> list[str]:
    """One sentence for every number that lies out of bounds, or is none."""
    sentences = []
    for name, (low, high) in bounds.items():
        values = measured[name]
        values = values if isinstance(values, dict) else {"": values}
        for part, value in values.items():
            if not low <= value <= high:
                of = f" of {part}" if part else ""
                sentences.append(f"{name}{of} is {value:.3g}, not {low:g} to {high:g}")
    return sentences


def table(found: Mapping) -> str:
    """The record of a check as lines of text, one a parameter class or number."""
    facts = ", ".join(
        f"{name} {found[name]}" for name in ("batch", "seed", "weight_scale", "seconds")
    )
    lines = [f"{found['rule']} on {'-'.join(map(str, found['layers']))}: {facts}", ""]
    for name in MEASURED:
        if name not in found:
            continue
        values = found[name] if isinstance(found[name], dict) else {"": found[name]}
        bound = found["bounds"].get(name)
        claimed = f"{bound[0]:g} to {bound[1]:g}" if bound else "not claimed"
        for part, value in values.items():
            lines.append(f"{name:26} {part:20} {value:12.4g}   {claimed}")
    verdict = "passed" if found["passed"] else "FAILED"
    return "\n".join([*lines, "", verdict, *found["failed"]])


# --- the subject: a network, weights, samples, and what the oracle says of it ---


@dataclass(frozen=True)
class Subject:
    """A rule in one network at given weights, with its free fixed point.

    theta is in units of the oracle, by parameter class; free (batch, N); truth is
    dL/dtheta; scale that of the weights.
    """

    rule: Rule
    settings: Settings
    field: Field
    theta: Parameters
    clamp: Clamp
    labels: np.ndarray
    free: np.ndarray
    truth: Parameters
    scale: float

    @property
    def is_large(self) -> bool:
        return sum(self.settings.layers[1:]) >= LARGE

    @property
    def has_energy(self) -> bool:
        return bool(self.field.energies)

    def ratio(self, gain: float) -> float:
        """eta/beta of that gain, see :func:`largest_gain`."""
        return gain / largest_gain(self)


def make_subject(
    rule: Rule, settings: Settings | None, layers, batch: int | None, seed: int
) -> Subject:
    """Random weights, inputs in [0, 1] and labels; phases as long as settling takes."""
    settings = check_settings(rule, settings, layers, batch)
    field = assembly.assemble(rule.model(settings), settings.layers)
    draw = np.random.default_rng(seed)
    inputs = draw.random((settings.batch, layers[0]))
    labels = draw.integers(0, layers[-1], settings.batch)
    clamp = Clamp(inputs, np.eye(layers[-1])[labels])
    drawn = {edge.name: draw.uniform(-1, 1, edge.shape) for edge in field.learned}
    for scale in SCALES:
        theta = weights(field, drawn, scale)
        with suppress(RunError):
            free = gradient.fixed_point(field, theta, clamp)
            rate = gradient.slowest_rate(field, theta, free, clamp)
            if rate > RATE:
                break
    else:
        raise RunError("the network does not settle to a stable fixed point")
    length = float(math.ceil(math.log(DIGITS) / rate))
    settings = changed(settings, free=length, nudged=length)
    truth = gradient.implicit_gradient(field, theta, free, clamp)
    return Subject(
        rule, settings, field, theta, clamp, labels, free, truth, scale=scale
    )


def weights(field: Field, drawn: Parameters, scale: float) -> Parameters:
    """Within +-scale/sqrt(n_pre), biases within +-0.2; backward as their forward."""
    theta = {}
    for edge in field.learned:
        width = 0.2 if edge.pre is None else scale / math.sqrt(edge.shape[0])
        theta[edge.name] = width * drawn[edge.name]
    names = {(edge.pre, edge.post): edge.name for edge in field.learned}
    for edge in field.learned:
        if edge.pre is not None and edge.pre > edge.post:
            theta[edge.name] = theta[names[edge.post, edge.pre]].T.copy()
    return theta


def check_settings(rule: Rule, settings, layers, batch) -> Settings:
    """Settings of the check: small eta, long phases, names as they were given."""
    large = sum(layers[1:]) >= LARGE
    base = settings or Settings(
        layers=(2, 2), eta=(0.0,), beta=1.0, free=1, nudged=1, step=STEP
    )
    step = 1.0 if base.dynamics == "discrete" else LARGE_STEP if large else STEP
    names = {} if settings else {"activation": "tanh"}
    return changed(
        base,
        layers=tuple(layers),
        eta=(0.0,),
        beta=BETAS[0],
        step=step,
        batch=(1 if large else BATCH) if batch is None else batch,
        **names,
    )


# --- the simulation ---


@dataclass(frozen=True)
class Probe:
    """A built network with monitors of its states and, if wanted, of its weights."""

    subject: Subject
    network: LayeredNetwork
    simulation: device.Simulation
    states: list
    weights: dict


@dataclass(frozen=True)
class Shown:
    """One presentation: update/eta by class, states (time, batch, N) after every step,
    weights by class (time, n_pre, n_post) where they were recorded."""

    update: Parameters
    states: np.ndarray
    weights: Parameters


def probe(
    subject: Subject, nudging: str, dtype=np.float64, stepwise: float = 0
) -> Probe:
    """Build the subject's network.

    stepwise also records every weight, in a nudged phase of so many time constants.
    """
    settings = changed(subject.settings, nudging=nudging)
    if stepwise:
        settings = changed(settings, nudged=stepwise)
    network = build_network(subject.rule, settings, dtype=dtype)
    simulation = device.simulation(network)
    clock = network.layers[0].clock
    states = [
        StateMonitor(group, neuron.state, True, when="end", clock=clock)
        for group, neuron in zip(
            network.layers[1:], subject.field.neurons[1:], strict=True
        )
    ]
    weights = {}
    for name, variable in network.weights.items() if stepwise else ():
        synapses, attribute = network[name], variable.split(".")[1]
        weights[name] = StateMonitor(
            synapses, attribute, synapses[:, :], when="end", clock=clock
        )
    network.brian2.add(*states, *weights.values())
    return Probe(subject, network, simulation, states, weights)


def show(probe: Probe, beta: float, eta: float, sign: int = 1) -> Shown:
    """Present the batch once; sign is that of beta where the protocol draws it."""
    subject, network = probe.subject, probe.network
    names = network.weights
    scales = {edge.name: 1 / (edge.unit or 1) for edge in subject.field.learned}
    settings, p = network.settings, network.presentations.name
    before = {name: subject.theta[name] * scales[name] for name in names}
    values: dict = {names[name]: before[name] for name in names}
    values |= {f"{name}.eta": eta for name in names}
    values |= {
        f"{p}.strength": beta,
        f"{p}.n_presentations": 1,
        f"{p}.sample": np.arange(settings.batch),
        f"{p}.label": subject.labels,
        f"{p}.learn": np.array([1]),
        f"{p}.sign": np.array([float(sign)]),
    }
    begun = len(probe.states[0].t)
    with tempfile.TemporaryDirectory(prefix="neuro_ep_check_") as folder:
        samples = Path(folder) / "samples.raw"
        dtype = network["input"].variables["x"].dtype
        samples.write_bytes(subject.clamp.x.astype(dtype).tobytes())
        wanted = [*names.values(), f"{p}.diverged"]
        result = probe.simulation.run(values, samples, wanted)
    if result[f"{p}.diverged"][0]:
        raise RunError(f"the network diverged with beta = {beta:g}, eta = {eta:g}")
    update = {}
    for name, variable in names.items():
        start = before[name].astype(result[variable].dtype)
        change = result[variable].reshape(start.shape).astype(float) - start
        update[name] = change / scales[name] / (eta or 1.0)
    return Shown(update, _states(probe, begun), _recorded(probe, begun, scales))


def _states(probe: Probe, begun: int) -> np.ndarray:
    batch, layers = probe.network.settings.batch, []
    neurons = probe.subject.field.neurons[1:]
    for monitor, neuron in zip(probe.states, neurons, strict=True):
        assert neuron.state is not None
        values = np.asarray(getattr(monitor, neuron.state))[:, begun:].T
        unit = neuron.equations[neuron.state].unit
        layers.append(values.reshape(len(values), batch, -1) * unit)
    return np.concatenate(layers, axis=2)


def _recorded(probe: Probe, begun: int, scales) -> Parameters:
    recorded = {}
    for name, monitor in probe.weights.items():
        attribute = probe.network.weights[name].split(".")[1]
        values = np.asarray(getattr(monitor, attribute))[:, begun:].T
        shape = probe.subject.theta[name].shape
        recorded[name] = values.reshape(-1, *shape) / scales[name]
    return recorded


@contextmanager
def numpy_target() -> Iterator[None]:
    """The numpy target; Brian2's preferences are put back."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    device.activate("numpy")
    try:
        yield
    finally:
        prefs.codegen.target, prefs.core.default_float_dtype = before


# --- measures ---


def measure(subject: Subject) -> dict:
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


def _details(one_sided: Probe) -> dict:
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


def totals(built: Probe, suffix: str) -> dict:
    """Errors of the total update at every beta, their order, and the residual."""
    subject = built.subject
    updates, errors = [], []
    for beta in BETAS:
        updates.append(slow_update(built, beta))
        errors.append(total_error(updates[-1], subject.truth))
    found: dict = {
        f"relative_error{suffix}": relative_errors(updates[0], subject.truth),
        f"cosine{suffix}": cosines(updates[0], subject.truth),
        f"order_in_beta{suffix}": slope(BETAS, errors),
    }
    return found if suffix else found | {"residual": residual(built)}


def residual(built: Probe) -> float:
    """Largest |ds/dt| at the end of the free phase simulated last, in v_unit/tau."""
    subject, steps = built.subject, built.network.phase_steps()
    states = _states(built, len(built.states[0].t) - sum(steps) - 1)
    rate = velocity(subject.field, subject.theta, states[steps[0] - 1], subject.clamp)
    return float(np.abs(rate).max())


def slow_update(built: Probe, beta: float) -> Parameters:
    """The update divided by eta as eta -> 0: linear in eta, from two values of it."""
    eta = built.subject.ratio(GAIN) * beta
    one, two = (show(built, beta, n * eta).update for n in (1, 2))
    return {name: 2 * one[name] - two[name] for name in one}


def relative_errors(update: Parameters, truth: Parameters) -> dict[str, float]:
    """|update + truth| / |truth| by class: the update descends the gradient."""
    return {
        name: float(
            np.linalg.norm(update[name] + truth[name]) / np.linalg.norm(truth[name])
        )
        for name in truth
    }


def cosines(update: Parameters, truth: Parameters) -> dict[str, float]:
    """Cosine of the angle between the update and minus the gradient, by class."""
    found = {}
    for name in truth:
        norms = np.linalg.norm(update[name]) * np.linalg.norm(truth[name])
        found[name] = float(-(update[name] * truth[name]).sum() / norms)
    return found


def total_error(update: Parameters, truth: Parameters) -> float:
    """Relative error over all classes together."""
    one, other = flat(update), flat(truth)
    return float(np.linalg.norm(one + other) / np.linalg.norm(other))


def flat(values: Parameters) -> np.ndarray:
    return np.concatenate([values[name].ravel() for name in sorted(values)])


def slope(xs, ys) -> float:
    """The exponent p of y = c x**p, fitted."""
    return float(np.polyfit(np.log(xs), np.log(ys), 1)[0])


def conserved(built: Probe) -> dict[str, float]:
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
    return {
        name: float(
            np.linalg.norm(shown.update[name] - due[name]) / np.linalg.norm(due[name])
        )
        for name in due
    }


def order_in_eta(built: Probe) -> dict:
    """The error that a finite eta adds: its order, and its ratio to the gain g."""
    subject, beta = built.subject, BETAS[0]
    small = flat(slow_update(built, beta))
    errors = []
    for g in GAINS:
        large = flat(show(built, beta, beta * subject.ratio(g)).update)
        errors.append(np.linalg.norm(large - small) / np.linalg.norm(small))
    return {
        "order_in_eta": slope(GAINS, errors),
        "gain_ratio": float(errors[0] / GAINS[0]),
    }


def largest_gain(subject: Subject) -> float:
    """g/(eta/beta) of the layer where it is largest, for slopes of 1."""
    by_layer, gains = subject.field.split(subject.free), []
    for edge in subject.field.learned:
        if edge.pre is not None and edge.pre < edge.post:
            read = edge.sums[0].pre.value
            activity = evaluate(subject.field, subject.clamp, by_layer, edge.pre, read)
            gains.append(gain(1.0, 1.0, activity))
    return max(gains)


def float32_error(subject: Subject) -> float:
    """Of the update, against the same in float64: largest beta, g = 0.03."""
    beta = BETAS[-1]
    eta = subject.ratio(0.03) * beta
    updates = [
        flat(show(probe(subject, "one-sided", dtype), beta, eta).update)
        for dtype in (np.float32, np.float64)
    ]
    prefs.core.default_float_dtype = np.float64
    gap = np.linalg.norm(updates[0] - updates[1])
    return float(gap / np.linalg.norm(updates[1]))


def stepwise(built: Probe) -> dict:
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


def stepwise_curves(built: Probe, beta: float, g: float = STEPWISE_GAIN, sign: int = 1):
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
    size = np.maximum(np.linalg.norm(delta, axis=0), np.linalg.norm(nabla, axis=0))
    alive = size > 1e-9 * size.max()
    return np.where(alive, gap / np.where(alive, size, 1.0), np.nan)


def mean_error(delta: np.ndarray, nabla: np.ndarray) -> float:
    """Mean of the RelMSE over the neurons or synapses that take part."""
    return float(np.nanmean(relative_curves(delta, nabla)))
