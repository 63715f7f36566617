"""Where the names of an equation live, and what is known of their values."""

from __future__ import annotations

import sympy
from brian2.core.variables import ArrayVariable, Subexpression
from brian2.parsing.sympytools import str_to_sympy

from neuro_ep.engine.dense.symbols import (
    POST,
    PRE,
    REPLICATED,
    SHARED,
    SYNAPSE,
    Term,
    separate,
)


def places(synapses, name: str) -> str:
    """Where the value of a name lives, see :mod:`neuro_ep.engine.dense.symbols`."""
    variable = synapses.variables.get(name)
    if variable is None or getattr(variable, "scalar", False):
        return SHARED
    if (
        isinstance(variable, Subexpression)
        and synapses.variables.indices[name] == "_idx"
    ):
        inner = {places(synapses, inner) for inner in variable.identifiers} - {SHARED}
        return inner.pop() if len(inner) == 1 else (REPLICATED if inner else SHARED)
    index = synapses.variables.indices[name]
    return {
        "_pre_neuron": PRE,
        "_post_neuron": POST,
        "_idx": SYNAPSE,
        "_replicated": REPLICATED,
        "0": SHARED,
    }[index]


def known_values(synapses, names) -> dict[str, sympy.Expr]:
    """Neuron subexpressions that are plain numbers, such as ``drho = 0 : 1``, or other
    names for a stored variable, such as ``rho = x : 1``.
    """
    values = {}
    for name in names:
        variable = synapses.variables.get(name)
        if isinstance(variable, Subexpression):
            value = str_to_sympy(variable.expr)
            if value.is_Symbol:
                value = _stored(synapses, value.name)
            if value is not None and (value.is_number or value.is_Symbol):
                values[name] = value
    return values


def _stored(synapses, name: str) -> sympy.Symbol | None:
    """The name that users know for an array, whatever Brian2 calls it here."""
    array = synapses.variables.get(name)
    if not isinstance(array, ArrayVariable):
        return None
    index = synapses.variables.indices[name]
    for other, variable in synapses.variables.items():
        same = variable is array and synapses.variables.indices[other] == index
        if same and other.endswith(("_pre", "_post")) and not other.startswith("_"):
            return str_to_sympy(other)
    return None


def terms_of(
    synapses, expression: str, state: str | None = None, weighted: bool = False
) -> tuple[Term, ...] | None:
    """The separable terms of an expression, or None.

    ``state`` is the variable whose rate of change it is, if any; ``weighted`` terms may
    have any expression of synaptic variables as a factor. Products are of
    matrices that have the type of the synapses, not of whole numbers.
    """
    names = {symbol.name for symbol in str_to_sympy(expression).free_symbols}
    terms = separate(
        expression,
        lambda name: places(synapses, name),
        known_values(synapses, names),
        state,
        weighted=weighted,
    )
    matrices = {term.matrix for term in terms or ()} - {None}
    fitting = all(synapses.variables[name].dtype == synapses.dtype for name in matrices)
    return terms if fitting else None
