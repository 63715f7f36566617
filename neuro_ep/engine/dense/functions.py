"""Functions that equations of dense synapses call: which of them a target can run."""

from __future__ import annotations

from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.translation import get_identifiers_recursively
from brian2.core.functions import Function

from neuro_ep.errors import InputError


def refuse_functions(operation, kind: type, run_namespace):
    """Raises InputError for functions that code objects of this kind cannot call.

    The numpy target calls what is written in Python, where it is not random.
    """
    synapses = operation.group
    texts = list(operation.blocks.values())
    names = get_identifiers_recursively(texts, synapses.variables)
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
        if function.stateless and issubclass(kind, NumpyCodeObject):  # as in Brian2
            function.implementations.add_numpy_implementation(function.pyfunc)
            return
        numpy = "@implementation('numpy', discard_units=True)"
        raise InputError(
            f"'{owner}' cannot call {name}(): a plain Python function may be random. "
            f"If it is not, write {numpy} above it for the numpy target, and "
            "@implementation('cpp', '...') with its C++ text for compiled ones"
        ) from None
