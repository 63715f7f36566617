"""Functions that equations of dense synapses call: which of them a target can run."""

from __future__ import annotations

from brian2.core.functions import Function
from brian2.utils.stringtools import get_identifiers

from neuro_ep.errors import InputError


def refuse_functions(operation, kind: type, run_namespace):
    """Raises InputError for functions that code objects of this kind cannot call."""
    synapses = operation.group
    names = get_identifiers("\n".join(operation.blocks.values()))
    for name in sorted(names - set(synapses.variables)):
        try:
            found = synapses._resolve(name, run_namespace, user_identifier=False)
        except KeyError:
            continue  # a variable of the template, or a name that Brian2 will refuse
        if isinstance(found, Function):
            _refuse(synapses.name, name, found, kind)


def _refuse(owner: str, name: str, function: Function, kind: type):
    try:
        function.implementations[kind]
    except KeyError:
        numpy = "@implementation('numpy', discard_units=True)"
        raise InputError(
            f"'{owner}' cannot call {name}(): a plain Python function may be random. "
            f"If it is not, write {numpy} above it for the numpy target, and "
            "@implementation('cpp', '...') with its C++ text for compiled ones"
        ) from None
