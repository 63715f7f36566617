"""Equation text, as Brian2 reads it, to sympy: a parser of its own, in few lines.

    name = expression : unit (flags)        a subexpression
    dname/dt = expression : unit (flags)    a differential equation
    name : unit (flags)                     a parameter

Names of units stand for numbers: one ``v_unit`` and one ``tau`` are 1.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

import sympy

from neuro_ep.errors import InputError

STATEMENT = re.compile(
    r"(?:d(?P<rate>\w+)\s*/\s*dt|(?P<name>\w+))\s*(?:=\s*(?P<code>.*?))?\s*"
    r":\s*(?P<unit>[^:()]+(?:\([^:()]*\)[^:()]+)*?)\s*(?:\((?P<flags>[^()]*)\))?$",
    re.DOTALL,
)
COMPLETE = re.compile(r":[^:=]+$", re.DOTALL)


def clipped(value, low, high):
    """clip(value, low, high), as a function that can be differentiated in pieces."""
    return sympy.Piecewise((low, value < low), (high, value > high), (value, True))


def indicator(condition):
    """int(condition): 1 where it holds, else 0."""
    return sympy.Piecewise((1, condition), (0, True))


FUNCTIONS = {
    "clip": clipped,
    "int": indicator,
    "abs": sympy.Abs,
    **{
        name: getattr(sympy, name)
        for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")
    },
}

SECONDS = {"second": 1.0, "ms": 1e-3, "us": 1e-6}
VOLTS = {"volt": 1.0, "mV": 1e-3, "uV": 1e-6}
HERTZ = {"hertz": 1.0, "Hz": 1.0, "kHz": 1e3}


def units(v_unit: float, tau: float) -> dict[str, float]:
    """What one of each unit is, where v_unit (volt) and tau (second) are 1."""
    return {
        **{name: value / v_unit for name, value in VOLTS.items()},
        **{name: value / tau for name, value in SECONDS.items()},
        **{name: value * tau for name, value in HERTZ.items()},
    }


@dataclass(frozen=True)
class Equation:
    """One statement; kind is "differential", "subexpression" or "parameter"."""

    kind: str
    expression: sympy.Expr | None
    unit: float
    flags: frozenset[str]


def symbol(name: str) -> sympy.Symbol:
    """The variable of that name; all variables are real."""
    return sympy.Symbol(name, real=True)


def parse(text: str, of: Mapping[str, float]) -> dict[str, Equation]:
    """All statements of a text by name; ``of`` are the values of units."""
    equations = {}
    for statement in statements(text):
        found = STATEMENT.fullmatch(statement)
        if found is None:
            raise InputError(f"the oracle cannot read the equation {statement!r}")
        code, flags = found["code"], found["flags"] or ""
        kind = "parameter" if code is None else "subexpression"
        equations[found["rate"] or found["name"]] = Equation(
            "differential" if found["rate"] else kind,
            None if code is None else expression(code, of),
            float(expression(found["unit"], of)),
            frozenset(flag.strip() for flag in flags.split(",") if flag.strip()),
        )
    return equations


def statements(text: str) -> list[str]:
    """The text cut into statements; one may go over several lines."""
    found, begun = [], ""
    for line in str(text).splitlines():
        begun = f"{begun} {line.split('#')[0].strip()}".strip()
        if COMPLETE.search(begun):
            found.append(begun)
            begun = ""
    if begun:
        raise InputError(f"the equation {begun!r} has no unit")
    return found


def expression(code: str, of: Mapping[str, float]) -> sympy.Expr:
    """One right-hand side; names are variables, functions or units."""
    try:
        tree = ast.parse(code.strip(), mode="eval")
    except SyntaxError:
        raise InputError(f"the oracle cannot read {code.strip()!r}") from None
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if unknown := calls - set(FUNCTIONS):
        raise InputError(
            f"the oracle knows no function {sorted(unknown)[0]!r} (in {code.strip()!r})"
        )
    space = {
        name: FUNCTIONS[name] if name in calls else of.get(name, symbol(name))
        for name in names
    }
    value = eval(compile(tree, "<equation>", "eval"), {"__builtins__": {}}, space)
    return sympy.sympify(value)


def resolved(
    equations: Mapping[str, Equation],
    value: sympy.Expr,
    constants: Mapping[str, float],
) -> sympy.Expr:
    """An expression in states and parameters: no subexpression, no constant left."""
    while True:
        known: dict = {}
        for found in value.free_symbols:
            equation = equations.get(found.name)
            if found.name in constants:
                known[found] = constants[found.name]
            elif equation is not None and equation.kind == "subexpression":
                known[found] = equation.expression
        if not known:
            return value
        value = value.subs(known, simultaneous=True)
