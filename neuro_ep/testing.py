"""Contracts that every rule keeps, a stranger's too: ``check_rule(rule)``.

Each contract is a function that raises an AssertionError with one sentence. They need
no compiler, and a second or two a rule; ``gradient=True`` adds the check of the
gradient, which may take a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2 import (
    DEFAULT_FUNCTIONS,
    DEFAULT_UNITS,
    BrianLogger,
    Equations,
)
from brian2.utils.stringtools import get_identifiers

from neuro_ep.build.failures import is_of_a_model, reason_of
from neuro_ep.build.network import build_network
from neuro_ep.build.order import order_of
from neuro_ep.build.wiring import wiring
from neuro_ep.checking import check
from neuro_ep.errors import InputError
from neuro_ep.records.parameter import DECLARED
from neuro_ep.records.recorded import as_recorded, read_recorded
from neuro_ep.records.rule import Rule
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run.build import simulation
from neuro_ep.run.target import on_target

#: Names that a synapse may read without knowing any other neuron or synapse.
EVERYWHERE = {"dt", "t", "xi", "i", "j", "inf", "e", "pi"}


def check_rule(rule: Rule, gradient: bool = False):
    """Raises AssertionError for the first contract that a rule breaks.

    >>> from neuro_ep.models import CONTINUAL_EP
    >>> check_rule(CONTINUAL_EP)
    """
    settings = small_settings(rule)
    BrianLogger.suppress_name("unused_brian_object")
    for contract in CONTRACTS:
        contract(rule, settings)
    if gradient:
        found = check(rule)
        assert found["passed"], f"{rule.name}: {'; '.join(found['failed'])}"


def small_settings(rule: Rule) -> Settings:
    """Settings of the first task, with two samples at once."""
    assert rule.defaults, f"{rule.name} has settings for no task"
    return changed(next(iter(rule.defaults.values())), batch=2)


def takes_a_step(rule: Rule, settings: Settings):
    """It builds, and moves by some steps on numpy; Brian2 checks units only then."""
    inputs = np.random.default_rng(0).random((2, settings.layers[0]))
    read = settings.read or settings.layers[-1]
    try:
        with on_target("numpy"):
            network = build_network(rule, settings)
            built = simulation(network)
        plan = built.plan
        start = {
            plan.weights[name]: np.full(begun.shape, begun.value * plan.unit)
            for name, begun in plan.starts.items()
        }
        short: dict[str, Any] = {**start, f"{plan.presentations}.phase_steps": 2}
        schedule = Schedule(inputs, np.arange(2), np.arange(2) % read)
        found = built.run(schedule, short, plan.weights.values())
    except Exception as error:
        if not is_of_a_model(error) and not isinstance(error, InputError):
            raise
        reason = reason_of(error)
        raise AssertionError(f"{rule.name} does not take a step: {reason}") from error
    for name, values in found.items():
        assert np.isfinite(values).all(), f"{rule.name}: {name} is not finite"


def is_local(rule: Rule, settings: Settings):
    """Weights read what the two neurons and the synapse have, and shared parameters."""
    for edge in wiring(rule.model(settings), settings):
        equations = Equations(edge.kind.equations)
        own = set(equations.names) | EVERYWHERE
        texts = [str(eq.expr) for eq in equations.values() if eq.expr is not None]
        for name in get_identifiers(" ".join(texts)) - own:
            sided = name.endswith(("_pre", "_post"))
            assert sided or _is_known(name), (
                f"{rule.name}: {edge.name} reads {name}, which is neither its own nor "
                "of one of the two neurons that it joins"
            )


def _is_known(name: str) -> bool:
    """Whether Brian2 knows a name everywhere: a function, a constant, a unit."""
    return any(name in known for known in (DEFAULT_FUNCTIONS, DEFAULT_UNITS))


def refuses_what_it_does_not_read(rule: Rule, settings: Settings):
    """A parameter that is not declared is refused, and so is one that nobody knows."""
    task = next(iter(rule.defaults))
    foreign = [name for name in DECLARED if name not in rule.reads]
    for name in [*foreign, "nonsense"]:
        choice: dict[str, Any] = {name: getattr(settings, name, 1)}
        try:
            rule.settings(task, **choice)
        except InputError:
            continue
        raise AssertionError(f"{rule.name} takes {name}, which it does not declare")
    rule.check_settings(settings)


def survives_a_file(rule: Rule, settings: Settings):
    """Model, protocol and settings are the same after they were written and read."""
    written = as_recorded(rule, settings)
    again, same = read_recorded(written, settings.epochs)
    assert same == settings, f"{rule.name}: other settings after reading them"
    assert as_recorded(again, same) == written, f"{rule.name}: another record when read"


def has_an_order(rule: Rule, settings: Settings):
    """What happens in a step has its place: presentations first."""
    with on_target("numpy"):
        rows = order_of(build_network(rule, settings, set_values=False))
    assert rows, f"{rule.name}: nothing happens in a step"
    first = rows[0]
    assert "present" in str(first), f"{rule.name}: {first} comes before the samples"


CONTRACTS: tuple[Callable[[Rule, Settings], None], ...] = (
    takes_a_step,
    is_local,
    refuses_what_it_does_not_read,
    survives_a_file,
    has_an_order,
)
