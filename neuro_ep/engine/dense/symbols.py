"""What an equation of a dense synapse is made of.

A right-hand side that is a sum of products ``coefficient * matrix * f(pre) * g(post)``
is a matrix product; :func:`separate` finds these terms or says that there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

#: Where the value of a name lives: one for all synapses, one per presynaptic or
#: postsynaptic neuron and replica, one per synapse, one per replica and synapse.
SHARED, PRE, POST, SYNAPSE, REPLICATED = (
    "shared",
    "pre",
    "post",
    "synapse",
    "replicated",
)


@dataclass(frozen=True)
class Term:
    """``coefficient * matrix * pre * post``: expressions as text, "1" where absent.

    ``matrix`` is the name of one synaptic variable, or None.
    """

    coefficient: str
    matrix: str | None
    pre: str
    post: str


def separate(
    expression: str,
    place: Callable[[str], str],
    constants: Mapping[str, float],
) -> tuple[Term, ...] | None:
    """Split an expression into separable terms.

    ``place`` tells where each name lives; ``constants`` gives names whose value is a
    number known now (a factor of zero removes its term). Returns None where a factor
    mixes presynaptic, postsynaptic and synaptic values, so that no product does it.
    """
    parsed = str_to_sympy(expression)
    known = {
        symbol: constants[symbol.name]
        for symbol in parsed.free_symbols
        if symbol.name in constants
    }
    terms = [_term(term, place) for term in _addends(parsed.subs(known))]
    if any(term is None for term in terms):
        return None
    return tuple(term for term in terms if term is not None)


def _addends(expression: sympy.Expr) -> list[sympy.Expr]:
    """The terms of the expanded sum, where equal and opposite terms have met."""
    expanded = _expanded(expression)
    return [] if expanded == 0 else list(sympy.Add.make_args(expanded))


def _expanded(expression: sympy.Expr) -> sympy.Expr:
    """The expanded sum; arguments of functions are left as written."""
    expanded = sympy.expand(
        expression, deep=False, power_exp=False, power_base=False, log=False
    )
    if not isinstance(expanded, sympy.Add):
        return expanded if expanded == expression else _expanded(expanded)
    return sympy.Add(*(_expanded(addend) for addend in expanded.args))


def _term(product: sympy.Expr, place: Callable[[str], str]) -> Term | None:
    factors: dict[str, list[sympy.Expr]] = {SHARED: [], PRE: [], POST: [], SYNAPSE: []}
    for factor in sympy.Mul.make_args(product):
        places = {place(symbol.name) for symbol in factor.free_symbols} - {SHARED}
        where = places.pop() if places else SHARED
        if places or where not in factors:
            return None
        factors[where].append(factor)
    matrices = factors[SYNAPSE]
    if len(matrices) > 1 or not all(isinstance(m, sympy.Symbol) for m in matrices):
        return None
    text = {where: sympy_to_str(sympy.Mul(*parts)) for where, parts in factors.items()}
    matrix = matrices[0].name if matrices else None
    return Term(text[SHARED], matrix, text[PRE], text[POST])
