"""Is it the gradient? A rule's simulated updates beside the oracle's gradient.

The network runs as it always does (Brian2, numpy target, float64): it settles freely,
then the rule changes its weights. The oracle computes the gradient of the same
equations without simulating them. Compared are the update ``w_after - w_before`` of one
presentation, divided by eta, and minus the gradient of the loss. What is compared of
trajectories, and how, stands in the file of each family.

Conventions
    Loss: the cost that the model names, one half of the squared error or cross-entropy,
    summed over outputs, mean over the batch. Positive beta pulls towards the target.
    Relative error: norm of the difference over norm of the truth, by parameter class.
    The gradient is the limit of small eta, then small beta. eta/beta is what is kept
    small: weights that move while the neurons settle change the update by eta/beta.

What is measured is named and explained by the ``quantities`` of each
:class:`~neuro_ep.checking.family.Family` in :data:`FAMILIES`; :func:`table` shows both.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from neuro_ep.build.failures import told
from neuro_ep.checking.families import (
    FAMILIES,
    boundary_conditions,
    dyads,
    trajectory_probe,
)
from neuro_ep.checking.families.equilibrium import (
    conserved,
    mean_error,
    order_in_eta,
    residual,
    stepwise_curves,
)
from neuro_ep.checking.families.equilibrium_probe import (
    STEPWISE_GAIN,
    EquilibriumProbe,
    probe,
    show,
    slow_update,
)
from neuro_ep.checking.families.equilibrium_subject import (
    BETAS,
    STEPWISE,
    make_subject,
)
from neuro_ep.checking.family import ALWAYS_FIXED, Asked, Family, choices_of
from neuro_ep.checking.presented import Presented, present
from neuro_ep.errors import InputError
from neuro_ep.finding import find_checked
from neuro_ep.records.condition import BoundaryCondition, SecondRun
from neuro_ep.records.parameter import suggestion
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.target import on_target

__all__ = [
    "BETAS",
    "FAMILIES",
    "STEPWISE",
    "STEPWISE_GAIN",
    "Asked",
    "Family",
    "Presented",
    "EquilibriumProbe",
    "boundary_conditions",
    "broken",
    "check",
    "conserved",
    "dyads",
    "make_subject",
    "mean_error",
    "order_in_eta",
    "present",
    "probe",
    "residual",
    "show",
    "slow_update",
    "stepwise_curves",
    "table",
    "trajectory_probe",
]


def check(
    rule: Rule | BoundaryCondition | SecondRun | str,
    settings: Settings | None = None,
    **choices,
) -> dict:
    """Measure a rule against the oracle; a flat record that can be written as JSON.

    rule
        Or its name, as on the command line.
    settings
        What the family of the rule reads is taken from here. What it does not read is
        refused, unless it is as it is by default; layers, eta, beta, lengths, step,
        batch and epochs, which settings cannot be without, are those of the check, and
        the record says so under ``fixed``.
    choices
        What the family reads, by name: ``layers``, ``batch`` and ``seed`` of most,
        settings such as ``activation``, ``problem`` and ``duration`` of trajectories.

    Keys: what is measured (see :data:`FAMILIES`), ``passed``, ``failed`` (one sentence
    a broken claim), ``bounds``, ``controls`` (what is wrong on purpose), ``family``,
    and how it was measured.

    Raises
    ------
    InputError
        For choices that the family does not read, or that are out of range; if the
        oracle cannot read the model.
    RunError
        If the network does not settle, or diverges.
    """
    started = time.monotonic()
    rule = find_checked(rule)
    family, fixed = family_of(rule), {}
    if settings is not None:
        known = {name for name in family.reads if name in getattr(rule, "reads", ())}
        choices = choices_of(settings, known) | choices
        fixed = {"fixed": [name for name in ALWAYS_FIXED if name not in choices]}
    asked = family.asked(rule, choices)
    with on_target("numpy"), told(rule.name):
        measured, how = family.measure(rule, asked)
    if unknown := measured.keys() - family.quantities.keys():
        raise KeyError(f"{family.name} does not say what {sorted(unknown)} mean")
    bounds = {
        name: bound
        for name, bound in {**family.bounds, **rule.bounds}.items()
        if name in measured and bound is not None
    }
    failed = broken(measured, bounds)
    return {
        "rule": rule.name,
        "family": family.name,
        "passed": not failed,
        "failed": failed,
        **measured,
        "bounds": bounds,
        "controls": [name for name in family.controls if name in measured],
        **fixed,
        "seed": asked.seed,
        **how,
        "seconds": round(time.monotonic() - started, 2),
    }


def family_of(rule: Rule | BoundaryCondition | SecondRun) -> Family:
    """The family that a rule names. Raises InputError where there is none."""
    if rule.family not in FAMILIES:
        raise InputError(
            f"{rule.name}: no family is called {rule.family!r}"
            f"{suggestion(rule.family, FAMILIES)}"
        )
    return FAMILIES[rule.family]


def broken(measured: Mapping, bounds: Mapping) -> list[str]:
    """One sentence for every number that lies out of bounds, or is none."""
    sentences = []
    for name, (low, high) in bounds.items():
        for part, value in _parts(measured[name]).items():
            if not low <= value <= high:
                of = f" of {part}" if part else ""
                sentences.append(
                    f"{name}{of} is {value:.3g}, not {low:.10g} to {high:.10g}"
                )
    return sentences


#: How it was measured, in the order of the first line of a table.
FACTS = ("batch", "duration", "step", "seed", "weight_scale", "seconds")


def table(found: Mapping) -> str:
    """The record of a check as lines of text, one a parameter class or number.

    What the names mean stands below.
    """
    layers, neurons = found.get("layers"), found.get("neurons")
    network = "-".join(map(str, layers)) if layers else f"{neurons} neurons"
    facts = [
        f"{name} {_fact(found[name])}" for name in FACTS if found.get(name) is not None
    ]
    meanings = FAMILIES[found["family"]].quantities
    names = [name for name in meanings if name in found]
    width = max(26, *map(len, names))
    lines = [f"{found['rule']} on {network}: {', '.join(facts)}"]
    if found.get("fixed"):
        lines.append(f"fixed by the check: {', '.join(found['fixed'])}")
    lines.append("")
    for name in names:
        bound = found["bounds"].get(name)
        claimed = f"{bound[0]:.10g} to {bound[1]:.10g}" if bound else "not claimed"
        wrong = "   (wrong on purpose)" if name in found["controls"] else ""
        for part, value in _parts(found[name]).items():
            lines.append(f"{name:{width}} {part:20} {value:12.4g}   {claimed}{wrong}")
    legend = [f"{name:{width}} {meanings[name]}" for name in names]
    verdict = "passed" if found["passed"] else "FAILED"
    return "\n".join([*lines, "", *legend, "", verdict, *found["failed"]])


def _parts(values) -> Mapping:
    """A number for each part; a single one is a part without a name."""
    return values if isinstance(values, Mapping) else {"": values}


def _fact(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
