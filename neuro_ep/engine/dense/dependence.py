"""What a piece of code reads, through all subexpressions: may it wait for another?

Two operations are done together, or one in place, only where neither reads what the
other writes. Arrays are compared, not names: ``a_pre`` and ``a_post`` are one array
where a group is joined with itself, and ``rho_pre = tanh(a)`` reads ``a``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brian2.core.variables import ArrayVariable, Subexpression, Variable
from brian2.utils.stringtools import get_identifiers


def arrays_read(expression: str, variables: Mapping[str, Variable]) -> set:
    """The arrays that computing an expression reads.

    The names in a subexpression are known where it was written: in its own group.
    """
    found: set = set()
    for name in get_identifiers(expression):
        found |= _arrays_of(variables.get(name))
    return found


def _arrays_of(variable) -> set:
    if isinstance(variable, ArrayVariable):
        return {variable}
    if isinstance(variable, Subexpression):
        return arrays_read(variable.expr, variable.owner.variables)
    return set()


def reads_any(
    expressions: Iterable[str],
    variables: Mapping[str, Variable],
    written: Iterable[Variable],
) -> bool:
    """Whether one of the expressions reads an array that is written."""
    arrays = {array for text in expressions for array in arrays_read(text, variables)}
    return any(array is other for array in arrays for other in written)
