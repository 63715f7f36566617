"""What event code names and assigns, and what it must not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from brian2.codegen.translation import (
    analyse_identifiers,
    get_identifiers_recursively,
)
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import ArrayVariable, Subexpression
from brian2.parsing.statements import parse_statement
from brian2.utils.stringtools import get_identifiers

from neuro_ep.engine.dense.names import NUMBERS, OF_PATHWAYS, RESERVED, refuse_unowned
from neuro_ep.errors import InputError


@dataclass(frozen=True)
class EventCode:
    """Statements, with the variables they assign and all names they need.

    ``used`` includes what is assigned and what subexpressions need, not local names.
    """

    text: str
    assigned: tuple[str, ...]
    used: frozenset[str]


def event_code(synapses, label: str, text: str) -> EventCode:
    """Code as given by a user under a keyword such as ``on_pre``, once it is checked.

    Raises
    ------
    InputError
        For text that cannot be parsed, assignments to what events cannot change, and
        random numbers.
    """
    statements = _statements(label, text)
    assigned = tuple(
        sorted({name for name, _, _ in statements if name in synapses.variables})
    )
    read = {name for _, _, right in statements for name in get_identifiers(right)}
    for name, operation, _ in statements:
        if name in synapses.variables:
            _check_assigned(synapses, label, name)
        elif name in NUMBERS or operation != "=" or name not in read:
            _refuse_unknown(synapses, label, name)
    _check_subexpressions(synapses, label, statements)
    _, known, unknown = analyse_identifiers(text, synapses.variables, recursive=True)
    code = EventCode(text, assigned, frozenset(known | unknown))
    _refuse_unowned(synapses, label, code)
    _check_conditions(synapses, label, code)
    given = {**DEFAULT_FUNCTIONS, **(synapses.namespace or {})}
    refuse_random(label, {name: given[name] for name in code.used if name in given})
    return code


def _refuse_unowned(synapses, label: str, code: EventCode):
    refuse_unowned(synapses, label, code.used, known=NUMBERS)
    for name in sorted(code.used & set(OF_PATHWAYS) - set(synapses.variables)):
        raise InputError(
            f"{label} cannot use '{name}': events of DenseSynapses have no delay and "
            "keep no time; a constant of yours needs another name"
        )


def refuse_random(label: str, found: Mapping[str, object]):
    """Raises InputError for functions that draw, or remember anything else."""
    for name, value in sorted(found.items()):
        if isinstance(value, Function) and not value.stateless:
            raise InputError(
                f"{label}: {name}() is random, and every target would draw in another "
                "order; draw in the neuron model, as a subexpression (constant over "
                "dt), and read it with _pre or _post"
            )


def _statements(label: str, text: str) -> list[tuple[str, str, str]]:
    """Assigned name, operation and right-hand side of each statement."""
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{label}={text!r}: give statements such as 'I_post += w'")
    lines = [line.strip() for line in re.split(r"[;\n]", text)]
    try:
        return [parse_statement(line)[:3] for line in lines if line]
    except ValueError as error:
        raise InputError(f"{label}={text!r}: {error}") from None


def _refuse_unknown(synapses, label: str, name: str):
    if name in NUMBERS:
        remedy = "it is the number of a neuron; choose another name"
    elif name in RESERVED:
        remedy = "it is read-only; use a variable of your own"
    else:
        ends = f"'{synapses.source.name}' (_pre) and '{synapses.target.name}' (_post)"
        remedy = (
            f"it is no variable of '{synapses.name}', nor with its suffix of {ends}, "
            "and no statement reads it; declare it in one of them"
        )
    raise InputError(f"{label} assigns '{name}': {remedy}")


def _check_assigned(synapses, label: str, name: str):
    """Events change arrays that are one a neuron or one a synapse."""
    variable = synapses.variables[name]
    remedy = None
    if isinstance(variable, Subexpression):
        remedy = "it is computed from others; assign those"
    elif not isinstance(variable, ArrayVariable) or variable.read_only:
        remedy = "it is read-only; use a variable of your own"
    elif variable.constant:
        remedy = "it is declared (constant); leave that flag out"
    elif variable.scalar:
        remedy = (
            "it is (shared), one value for all, and events are of one neuron; leave "
            "that flag out, or change it with run_regularly"
        )
    elif _is_averaged(synapses, name) and not np.issubdtype(variable.dtype, np.inexact):
        remedy = (
            "a mean over replicas is no whole number; declare it (replicated), or as "
            "a real number"
        )
    if remedy:
        raise InputError(f"{label} assigns '{name}': {remedy}")


def _is_averaged(synapses, name: str) -> bool:
    return synapses.replicas > 1 and synapses.variables.indices[name] == "_idx"


def averaged(synapses, assigned: Iterable[str]) -> list[str]:
    """Assigned variables that replicas share: each event counts ``1/replicas``."""
    return [name for name in assigned if _is_averaged(synapses, name)]


def _check_subexpressions(synapses, label: str, statements):
    """Brian2 gives one that is read after a change its old value, or its new one."""
    variables = synapses.variables
    changed: list = []
    for assigned, _, right in statements:
        for name in sorted(get_identifiers(right) & set(variables)):
            if not isinstance(variables[name], Subexpression):
                continue
            parts = get_identifiers_recursively([variables[name].expr], variables)
            known = [variables[part] for part in parts if part in variables]
            if any(part is variable for part in known for variable in changed):
                raise InputError(
                    f"{label} reads '{name}' after a change of what it is computed "
                    "from: read it before, or write its expression out there"
                )
        changed += [variables[assigned]] if assigned in variables else []


def _check_conditions(synapses, label: str, code: EventCode):
    """Brian2 knows one ``not_refractory`` in a piece of code, that of one side."""
    conditional = [
        name
        for name in sorted(code.used)
        if getattr(synapses.variables.get(name), "conditional_write", None) is not None
    ]
    sides = {synapses.variables.indices[name] for name in conditional}
    if len(sides) > 1 and set(conditional) & set(code.assigned):
        names = " and ".join(f"'{name}'" for name in conditional)
        raise InputError(
            f"{label} uses {names}, which are (unless refractory) on both sides; copy "
            "the one that is read into a variable without that flag"
        )
