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

What is measured of dyads
    relative_error, cosine        of the update, at the smallest beta; truth is
                                  backpropagation, on graphs the implicit gradient
    order_in_beta                 at alpha = 1/2; _quarter at alpha = 1/4
    linear_error                  of a linear network, at beta = 1
    settled_error                 of the states in continuous time and in closed form
    forward_change                of basal potentials by nudging, at alpha = 0, in mV

What is measured of the other families stands in their files, see
:mod:`neuro_ep.checking.families`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from neuro_ep.checking.families import dyads, echo, echo_chain, echo_variants, heb
from neuro_ep.checking.families import spiking_dyads as spiking
from neuro_ep.checking.families import spiking_equilibrium as spiking_ep
from neuro_ep.checking.families.equilibrium import (
    conserved,
    mean_error,
    measure,
    order_in_eta,
    relative_errors,
    residual,
    slope,
    stepwise_curves,
    total_error,
)
from neuro_ep.checking.families.equilibrium_probe import (
    STEPWISE_GAIN,
    Probe,
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
    make_subject,
)
from neuro_ep.errors import InputError
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.target import on_target

__all__ = [
    "BETAS",
    "BOUNDS",
    "STEPWISE",
    "STEPWISE_GAIN",
    "Probe",
    "broken",
    "check",
    "conserved",
    "flat",
    "make_subject",
    "mean_error",
    "order_in_eta",
    "probe",
    "relative_errors",
    "residual",
    "show",
    "slope",
    "slow_update",
    "stepwise_curves",
    "table",
    "total_error",
]

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
    "order_in_beta_quarter",
    "linear_error",
    "settled_error",
    "forward_change",
    "order_in_eta",
    "gain_ratio",
    "step_error",
    "step_error_neuron",
    "conserved",
    "energy_mismatch",
    "residual",
    "float32_error",
    *("relative_error_coarse", "relative_error_fine", "relative_error_end"),
    *("relative_error_start", "control_targets", "control_inputs"),
    *("control_whole_steps", "control_antisymmetric", "reversal_antisymmetric"),
    *("control_unweighted", "control_above", "sequential_error"),
    *("control_hard_reset", "control_independent_noise", "control_short_window"),
    *("control_no_derivative", "control_one_sign"),
    *("reversal", "averaged_error", "simple_error", "oracle_error", "rhel_error"),
)


def check(
    rule: Rule,
    settings: Settings | None = None,
    *,
    layers: tuple[int, ...] | None = None,
    batch: int | None = None,
    seed: int | None = None,
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
    seed = SEEDS.get(rule.family, SEED) if seed is None else seed
    if seed < 0:
        raise InputError(f"seed = {seed}: choose a whole number from 0")
    with on_target("numpy"):
        measured, how = FAMILIES[rule.family](rule, settings, layers, batch, seed)
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
        **how,
        "seed": seed,
        "seconds": round(time.monotonic() - started, 2),
    }


def _equilibrium(rule, settings, layers, batch, seed) -> tuple[dict, dict]:
    subject = make_subject(rule, settings, layers or LAYERS, batch, seed)
    how = {
        "betas": list(BETAS),
        "layers": list(subject.settings.layers),
        "batch": subject.settings.batch,
        "weight_scale": subject.scale,
        "step": subject.settings.step,
        "phase": subject.settings.free,
    }
    return measure(subject), how


#: Family of rules -> what measures one, from (rule, settings, layers, batch, seed) to
#: (what was measured, how).
FAMILIES: dict[str, Callable] = {
    "equilibrium": _equilibrium,
    "dyads": lambda rule, settings, *how: dyads.measure(rule, *how),
    "compartments": lambda rule, settings, *how: dyads.measure_compartments(rule, *how),
    "spiking dyads": lambda rule, settings, *how: spiking.measure(rule, *how),
    "spiking equilibrium": lambda rule, _, *how: spiking_ep.measure(rule, *how),
    "dyadic graphs": lambda rule, settings, *how: dyads.measure_graphs(rule, *how),
    "heb": lambda rule, settings, *how: heb.measure(rule, *how),
    "friction": lambda rule, settings, *how: echo_variants.measure_friction(rule, *how),
    "directed": lambda rule, settings, *how: echo_variants.measure_directed(rule, *how),
    "chain": lambda rule, settings, *how: echo_chain.measure(rule, *how),
    "echo": lambda rule, settings, *how: echo.measure(rule, *how),
}


#: Those of the reference network in time, where it is not :data:`SEED`.
SEEDS = {"echo": 0, "friction": 0, "directed": 0, "chain": 0, "heb": 0}


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
        f"{name} {found[name]}"
        for name in ("batch", "seed", "weight_scale", "seconds")
        if name in found
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
