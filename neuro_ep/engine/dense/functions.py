"""Functions that equations of dense synapses call: which of them a target can run."""

from __future__ import annotations

from collections.abc import Iterator

from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.functions import Function
from brian2.utils.stringtools import get_identifiers

from neuro_ep.errors import InputError


def in_python(operation, kind: type, run_namespace) -> Iterator[tuple[str, Function]]:
    """Functions in Python, which the numpy target runs as they are, with their names.

    Raises InputError for a function that code objects of this kind cannot call.
    """
    for name, function in _functions(operation, run_namespace):
        try:
            function.implementations[kind]
        except KeyError:
            if not issubclass(kind, NumpyCodeObject):
                raise InputError(
                    f"'{operation.group.name}' cannot call {name}(), which has no C++ "
                    "text: add one with @implementation('cpp', ...), or use the numpy "
                    "target"
                ) from None
            function.implementations.add_numpy_implementation(function.pyfunc)
            yield name, function


def _functions(operation, run_namespace) -> Iterator[tuple[str, Function]]:
    """The functions that the code of an operation names."""
    synapses = operation.group
    names = get_identifiers("\n".join(operation.blocks.values()))
    for name in sorted(names - set(synapses.variables)):
        try:
            found = synapses._resolve(name, run_namespace, user_identifier=False)
        except KeyError:
            continue  # a variable of the template, or a name that Brian2 will refuse
        if isinstance(found, Function):
            yield name, found
