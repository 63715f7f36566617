"""What an equation of a dense synapse is made of.

A right-hand side that is a sum of products ``coefficient * matrix * f(pre) * g(post)``
is a matrix product; :func:`separate` finds these terms or says that there are none.

**No digits are lost.** Factors that live on one side stay as they are written, such as
``(x_pre - m)``. A factor that mixes sides is multiplied out only where ``Synapses``
rounds as much: one factor in a product, of which at most one addend is exact (a bare
variable or number). ``w*(x_pre - y_post)`` is no product of matrices: the difference of
two large numbers would be taken after they have been rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import sympy
from brian2.parsing.rendering import SympyNodeRenderer
from brian2.parsing.sympytools import sympy_to_str
from sympy.core.parameters import distribute

#: Where the value of a name lives: one for all synapses, one per presynaptic or
#: postsynaptic neuron and replica, one per synapse, one per replica and synapse.
SHARED, PRE, POST, SYNAPSE, REPLICATED = (
    "shared",
    "pre",
    "post",
    "synapse",
    "replicated",
)

#: The largest whole number of generated code.
LARGE = 2**31 - 1

#: Sums that live here stay whole.
ONE_SIDED = (SHARED, PRE, POST)

#: The factors of a part, in the order of its fields.
FACTORS = (SHARED, SYNAPSE, PRE, POST)


@dataclass(frozen=True)
class Term:
    """``coefficient * matrix * synapse * pre * post``: text, "1" where absent.

    ``matrix`` is the name of one synaptic variable, or None; ``synapse`` an expression
    of synaptic variables that has to be computed for each of them.
    """

    coefficient: str
    matrix: str | None
    pre: str
    post: str
    synapse: str = "1"


@dataclass(frozen=True)
class Part:
    """A term as expressions; ``exact`` where computing it does not round."""

    coefficient: sympy.Expr = sympy.S.One
    matrix: sympy.Expr = sympy.S.One
    pre: sympy.Expr = sympy.S.One
    post: sympy.Expr = sympy.S.One
    exact: bool = False
    synapse: sympy.Expr = sympy.S.One

    @property
    def factors(self) -> tuple[sympy.Expr, ...]:
        return self.matrix, self.synapse, self.pre, self.post

    @property
    def product(self) -> sympy.Expr:
        return sympy.Mul(self.coefficient, *self.factors)


class WholeQuotient(sympy.Function):
    """``a//b``, kept as it is written.

    As a floor of ``a/b`` it would be ``a*(1.0/b)`` in generated code, where 49*(1.0/49)
    is less than one.
    """

    is_real = True

    def _sympystr(self, printer) -> str:
        dividend, divisor = map(printer.doprint, self.args)
        return f"(({dividend})//({divisor}))"


class Reader(SympyNodeRenderer):
    """Brian2's reading of an expression, with whole quotients."""

    def render_BinOp(self, node):
        if type(node.op).__name__ != "FloorDiv":
            return super().render_BinOp(node)
        return WholeQuotient(self.render_node(node.left), self.render_node(node.right))


def parsed(expression: str) -> sympy.Expr:
    """An expression as written: numbers are not multiplied into differences."""
    with distribute(False):
        return Reader().render_expr(expression)


def text_of(expression: sympy.Expr) -> str:
    """An expression as Brian2 reads it.

    A fraction of whole numbers that stands alone becomes a real number: compiled code
    would divide it in single precision. So does a whole number too large for its type,
    and what holds a condition, before it is raised to a negative power: numpy refuses
    whole numbers there.
    """
    with distribute(False):
        return sympy_to_str(_with_all_digits(_with_real_fractions(expression)))


def with_real_factors(
    expression: sympy.Expr, real: Mapping, whole: Mapping
) -> sympy.Expr:
    """An expression with names replaced: by ``whole`` in what a function takes."""
    if isinstance(expression, (sympy.Add, sympy.Mul, sympy.Pow)):
        parts = [with_real_factors(part, real, whole) for part in expression.args]
        return expression.func(*parts)
    return real.get(expression, expression.xreplace(whole))


def _with_all_digits(expression: sympy.Expr) -> sympy.Expr:
    """Numbers that 15 digits do not give back are written with 17."""
    short = {
        number: sympy.Float(float(number), 17)
        for number in expression.atoms(sympy.Float)
        if float(str(number)) != float(number)
    }
    return expression.xreplace(short) if short else expression


def _with_real_fractions(expression: sympy.Expr) -> sympy.Expr:
    if expression.is_Rational and (
        not expression.is_Integer or abs(expression) > LARGE
    ):
        return sympy.Float(float(expression), 17)
    if expression.is_Atom or not expression.atoms(sympy.Rational):
        return expression
    kept = expression.is_Mul  # it is written as x/3
    arguments = [
        part if kept and part.is_Rational else _with_real_fractions(part)
        for part in expression.args
    ]
    if expression.is_Pow and expression.exp.could_extract_minus_sign():
        arguments[0] = _with_real_conditions(arguments[0])
    if arguments == list(expression.args):
        return expression
    return expression.func(*arguments)


def _with_real_conditions(expression: sympy.Expr) -> sympy.Expr:
    """``int(...)`` of conditions, which do not commute, as real numbers."""
    conditions = [
        found for found in expression.atoms(sympy.Function) if not found.is_commutative
    ]
    return expression.xreplace({found: sympy.Float(1) * found for found in conditions})


class Separation:
    """How expressions become parts, given where each name lives.

    ``state`` is the variable whose rate of change the expression is, if any: what is
    added to it is rounded as it is anyway. With ``shared_apart`` an addend that reads
    no neuron is a term of its own: it may count otherwise than one that reads some.
    ``weighted`` terms may have any expression of synaptic variables as a factor.
    """

    def __init__(
        self,
        place: Callable[[str], str],
        state: str | None,
        shared_apart: bool,
        weighted: bool = False,
    ):
        self.place, self.state, self.shared_apart = place, state, shared_apart
        self.weighted = weighted
        self.whole = (*ONE_SIDED, SYNAPSE) if weighted else ONE_SIDED

    def side(self, expression: sympy.Expr) -> str | None:
        """Where all of an expression lives; None where it mixes sides."""
        places = {self.place(symbol.name) for symbol in expression.free_symbols}
        places.discard(SHARED)
        return None if len(places) > 1 else (places.pop() if places else SHARED)

    def parts(self, expression: sympy.Expr) -> list[Part] | None:
        """The separable terms of an expression; None where no product does it."""
        if expression == 0:
            return []
        if (
            isinstance(expression, sympy.Add)
            and self.side(expression) not in self.whole
        ):
            return self._parts_of_sum(expression)
        return self._parts_of_product(expression)

    def _parts_of_sum(self, expression: sympy.Expr) -> list[Part] | None:
        found = [self.parts(addend) for addend in self._addends(expression)]
        parts = [part for some in found for part in some or ()]
        exact = sum(part.exact and self._counts(part) for part in parts)
        return None if None in found or exact > 1 else parts

    def _addends(self, expression: sympy.Expr) -> Iterable[sympy.Expr]:
        """The addends, those of one side together, so that they stay whole."""
        sides: dict[object, list[sympy.Expr]] = {}
        for addend in expression.args:
            side = self.side(addend)
            sides.setdefault(side if side in ONE_SIDED else addend, []).append(addend)
        for side in (PRE, POST):
            if side in sides and SHARED in sides and not self.shared_apart:
                sides[side] += sides.pop(SHARED)
        return [sympy.Add(*addends) for addends in sides.values()]

    def _counts(self, part: Part) -> bool:
        """Whether it is added at every synapse, so that a difference loses digits."""
        return not self.shared_apart or part.factors != Part().factors

    def _parts_of_product(self, expression: sympy.Expr) -> list[Part] | None:
        known: dict[str, list[sympy.Expr]] = {
            SHARED: [],
            PRE: [],
            POST: [],
            SYNAPSE: [],
        }
        mixed: list[sympy.Expr] = []
        for factor in sympy.Mul.make_args(expression):
            side = self.side(factor)
            simple = side in self.whole or (side == SYNAPSE and factor.is_Symbol)
            (known[str(side)] if simple else mixed).append(factor)
        if self.shared_apart and not mixed:
            mixed = self._sum_alone(known)
        inner: list[Part] | None = [Part()]
        if mixed:
            sum_alone = len(mixed) == 1 and isinstance(mixed[0], sympy.Add)
            inner = self._parts_of_sum(mixed[0]) if sum_alone else None
        if inner is None:
            return None
        outer = Part(*(sympy.Mul(*known[name]) for name in FACTORS))
        parts = [_times(outer, part, self._is_exact(expression)) for part in inner]
        if self.weighted:
            return [_weighted(part) for part in parts]
        single = all(part.matrix == 1 or part.matrix.is_Symbol for part in parts)
        return parts if single else None

    def _sum_alone(self, known: dict[str, list[sympy.Expr]]) -> list[sympy.Expr]:
        """The one factor that reads neurons, taken out if some addend reads none."""
        sided = [(side, factor) for side in (PRE, POST) for factor in known[side]]
        if len(sided) != 1 or known[SYNAPSE]:
            return []
        (side, factor) = sided[0]
        addends = sympy.Add.make_args(factor)
        if all(self.side(addend) == side for addend in addends):
            return []
        known[side] = []
        return [factor]

    def _is_exact(self, expression: sympy.Expr) -> bool:
        """A bare variable or number, or a sum of such."""
        addends = sympy.Add.make_args(expression)
        alone = [addend.as_coeff_Mul()[1] for addend in addends]
        return all(
            part == 1 or (part.is_Symbol and part.name != self.state) for part in alone
        )


def _times(outer: Part, inner: Part, exact: bool) -> Part:
    return Part(
        outer.coefficient * inner.coefficient,
        outer.matrix * inner.matrix,
        outer.pre * inner.pre,
        outer.post * inner.post,
        exact,
        outer.synapse * inner.synapse,
    )


def _weighted(part: Part) -> Part:
    """A product of synaptic values as one factor, where it is no single variable."""
    if part.matrix == 1 or (part.matrix.is_Symbol and part.synapse == 1):
        return part
    return replace(part, matrix=sympy.S.One, synapse=part.matrix * part.synapse)


def separate(
    expression: str,
    place: Callable[[str], str],
    constants: Mapping[str, float],
    state: str | None = None,
    shared_apart: bool = False,
    weighted: bool = False,
) -> tuple[Term, ...] | None:
    """Split an expression into separable terms.

    ``place`` tells where each name lives; ``constants`` gives names whose value is a
    number known now (a factor of zero removes its term); ``state`` is the variable
    whose rate of change this is, if any. ``shared_apart`` keeps addends that read no
    neuron apart from others; ``weighted`` takes any expression of synaptic variables as
    one factor of a term. Returns None where a factor mixes presynaptic,
    postsynaptic and synaptic values, so that no product does it, or none that keeps
    all digits.
    """
    whole = parsed(expression)
    known = {
        symbol: constants[symbol.name]
        for symbol in whole.free_symbols
        if symbol.name in constants
    }
    with distribute(False):
        separation = Separation(place, state, shared_apart, weighted)
        parts = separation.parts(whole.subs(known))
        return None if parts is None else tuple(map(_term, _in_order(parts)))


def _in_order(parts: Iterable[Part]) -> list[Part]:
    """Parts with equal factors are added; the order is that of the sum they make."""
    found: dict[tuple, Part] = {}
    for part in parts:
        other = found.get(part.factors)
        if other is not None:
            part = replace(part, coefficient=part.coefficient + other.coefficient)
        found[part.factors] = part
    rest = [part for part in found.values() if part.coefficient != 0]
    order = sympy.Add.make_args(sympy.Add(*(part.product for part in rest)))
    places = {product: number for number, product in enumerate(order)}
    return sorted(rest, key=lambda part: places.get(part.product, len(order)))


def _multiplied(expression: sympy.Expr) -> sympy.Expr:
    """Squares and cubes as products, which C++ computes in their own type."""
    if expression.is_Pow and expression.exp in (2, 3):
        base = _multiplied(expression.base)
        return sympy.Mul(*[base] * int(expression.exp), evaluate=False)
    if expression.is_Atom:
        return expression
    return expression.func(*map(_multiplied, expression.args), evaluate=False)


def _term(part: Part) -> Term:
    matrix = None if part.matrix == 1 else str(part.matrix)
    return Term(
        *(text_of(part.coefficient), matrix, text_of(part.pre), text_of(part.post)),
        text_of(_multiplied(part.synapse)),
    )
