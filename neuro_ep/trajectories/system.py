"""A network in time made from the text of its energy, by symbolic differentiation.

An energy is a dict of text, part by part, with the names of the equations:

    "kinetic"  what every neuron adds, in p
    "neuron"   what every neuron adds, in q
    "synapse"  what every pair of neurons adds, in q_pre and q_post
    "input"    what every input to a neuron adds, in x_pre and q_post
    "cost"     the running cost, of every output neuron, in q and target

Any other entry is the definition of a name: with ``"r": "tanh(q)"``, r_pre is
tanh(q_pre). Names that are left over are parameters, one class each, with one value for
every neuron, pair i < j, or neuron and input; the cost has none.

The Lagrangian's kinetic energy follows by Legendre transform: K(v) = p v - T(p) where
v = dT/dp; it is the part "motion".

Arrays are (..., N), (..., D), (..., n_out); parameters carry the same leading axes, or
none. Dense and small: every slope costs as much as the square of the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import sympy

from neuro_ep.errors import InputError
from neuro_ep.oracle.equations import expression, symbol
from neuro_ep.oracle.field import Parameters

POTENTIAL = ("neuron", "synapse", "input")
REQUIRED = ("kinetic", "neuron", "synapse", "input", "cost")

#: What each part may depend on, besides parameters.
VARIABLES = {
    "kinetic": ("p",),
    "neuron": ("q",),
    "synapse": ("q_pre", "q_post"),
    "input": ("x_pre", "q_post"),
    "cost": ("q", "target"),
}


@dataclass(frozen=True)
class Slot:
    """Where an argument comes from: entries ``index`` of the array ``variable``.

    selects (elements, n) has a one where an element reads an entry.
    """

    variable: str
    index: np.ndarray
    selects: np.ndarray


def slot(variable: str, index: np.ndarray, entries: int) -> Slot:
    """A slot that reads an array with so many entries."""
    selects = index[:, None] == np.arange(entries)
    return Slot(variable, index, selects.astype(float))


@dataclass(frozen=True)
class EnergyPart:
    """One term of the energy: an expression, evaluated at each of its elements.

    shape is that of its parameters, without leading axes.
    """

    expression: sympy.Expr
    slots: Mapping[str, Slot]
    parameters: tuple[str, ...]
    shape: tuple[int, ...]

    def vanishes(self, *by: str) -> bool:
        """Whether the derivative by these names is zero everywhere."""
        return derivative(self.expression, by) == 0

    def at(self, theta: Mapping, arrays: Mapping, *by: str) -> np.ndarray:
        """The derivative by these names at every element, (..., elements)."""
        values = [
            arrays[slot.variable][..., slot.index] for slot in self.slots.values()
        ]
        for name in self.parameters:
            value = np.asarray(theta[name])
            leading = value.shape[: value.ndim - len(self.shape)]
            values.append(value.reshape(*leading, -1))
        names = (*self.slots, *self.parameters)
        found = compiled(derivative(self.expression, by), names)(*values)
        return np.broadcast_to(found, np.broadcast_shapes(*map(np.shape, values)))

    def slots_of(self, variable: str) -> list[str]:
        return [name for name, slot in self.slots.items() if slot.variable == variable]


@cache
def derivative(of: sympy.Expr, by: tuple[str, ...]) -> sympy.Expr:
    """By these names, one after the other; by none, the expression itself."""
    return sympy.diff(of, *map(symbol, by)) if by else of


@cache
def compiled(of: sympy.Expr, names: tuple[str, ...]):
    """A numpy function of these names."""
    return sympy.lambdify([symbol(name) for name in names], of, "numpy", cse=True)


@dataclass(frozen=True)
class System:
    """The energy of N neurons with D inputs, of which the last n_out are outputs.

    Raises InputError for an energy that is not kinetic in p plus potential in q.
    """

    energy: Mapping[str, str]
    neurons: int
    inputs: int
    outputs: int

    @cached_property
    def parts(self) -> dict[str, EnergyPart]:
        """By name; "motion" is the kinetic energy as a function of the velocity v."""
        if missing := set(REQUIRED) - set(self.energy):
            raise InputError(f"the energy has no part {sorted(missing)[0]!r}")
        defined = {n: t for n, t in self.energy.items() if n not in REQUIRED}
        parts = {}
        for name in REQUIRED:
            found = _substituted(expression(self.energy[name], {}), defined)
            slots, shape = self._slots(name), self._shape(name)
            parts[name] = EnergyPart(found, slots, _parameters(name, found), shape)
        if own := parts["cost"].parameters:
            raise InputError(f"the cost reads {own[0]!r}: it may have no parameters")
        parts["motion"] = _motion(parts["kinetic"])
        return parts

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter class -> shape, in the order of the parts."""
        found: dict[str, tuple[int, ...]] = {}
        for part in (self.parts[name] for name in ("kinetic", *POTENTIAL)):
            for name in part.parameters:
                if found.setdefault(name, part.shape) != part.shape:
                    raise InputError(
                        f"{name!r} stands for neurons and for connections: take two"
                    )
        return found

    @property
    def count(self) -> int:
        """The number of parameters."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    @cached_property
    def is_reversible(self) -> bool:
        """Whether H is even in p, so that a run can be retraced."""
        kinetic, p = self.parts["kinetic"].expression, symbol("p")
        return sympy.simplify(kinetic - kinetic.subs(p, -p)) == 0

    def _slots(self, name: str) -> dict[str, Slot]:
        n, every = self.neurons, np.arange(self.neurons)
        one, other = np.triu_indices(n, 1)
        to, source = np.indices((n, self.inputs)).reshape(2, -1)
        return {
            "kinetic": {"p": slot("p", every, n)},
            "neuron": {"q": slot("q", every, n)},
            "synapse": {"q_pre": slot("q", one, n), "q_post": slot("q", other, n)},
            "input": {
                "x_pre": slot("x", source, self.inputs),
                "q_post": slot("q", to, n),
            },
            "cost": {
                "q": slot("q", every[n - self.outputs :], n),
                "target": slot("target", np.arange(self.outputs), self.outputs),
            },
        }[name]

    def _shape(self, name: str) -> tuple[int, ...]:
        pairs = self.neurons * (self.neurons - 1) // 2
        per_part = {"synapse": (pairs,), "input": (self.neurons, self.inputs)}
        return per_part.get(name, (self.neurons,))

    # --- sums over parts; ``parts`` names them, ``variable`` is q, p or v -------------

    def value(self, parts: Iterable[str], theta, **arrays) -> np.ndarray:
        """Their sum (...)."""
        return sum(self.parts[name].at(theta, arrays).sum(-1) for name in parts)

    def slope(self, parts: Iterable[str], variable: str, theta, **arrays) -> np.ndarray:
        """Derivative by the variable (..., N)."""
        total = np.zeros(self.neurons)
        for part, by in self._terms(parts, variable):
            if not part.vanishes(by):
                total = total + part.at(theta, arrays, by) @ part.slots[by].selects
        return total

    def curvature(self, parts, variable: str, theta, **arrays) -> np.ndarray:
        """Second derivative by the variable (..., N, N)."""
        total = np.zeros((self.neurons, self.neurons))
        for part, one in self._terms(parts, variable):
            for other in part.slots_of(variable):
                if not part.vanishes(one, other):
                    values = part.at(theta, arrays, one, other)[..., None]
                    left, right = part.slots[one].selects, part.slots[other].selects
                    total = total + left.T @ (values * right)
        return total

    def readings(self, parts: Iterable[str], theta, **arrays) -> Parameters:
        """Derivative by parameter class (..., *shape)."""
        found: Parameters = {}
        for part in map(self.parts.__getitem__, parts):
            for name in part.parameters:
                values = part.at(theta, arrays, name)
                values = values.reshape(*values.shape[:-1], *part.shape)
                found[name] = found.get(name, 0) + values
        return found

    def mixed(self, parts: Iterable[str], variable: str, theta, **arrays) -> Parameters:
        """Derivative by the variable and by parameter class (..., N, *shape)."""
        found: Parameters = {}
        for part, by in self._terms(parts, variable):
            for name in part.parameters:
                values = part.at(theta, arrays, name, by)
                matrix = part.slots[by].selects.T * values[..., None, :]
                matrix = matrix.reshape(*matrix.shape[:-1], *part.shape)
                found[name] = found.get(name, 0) + matrix
        return found

    def _terms(self, parts: Iterable[str], variable: str):
        for part in map(self.parts.__getitem__, parts):
            for name in part.slots_of(variable):
                yield part, name

    # --- parameters as one vector ----------------------------------------------------

    def flat(self, values: Mapping, leading: int = 0) -> np.ndarray:
        """By class -> (..., parameters); classes left out are zero."""
        shape = next(iter(values.values())).shape[:leading]
        rows = [
            np.reshape(values[name], (*shape, -1))
            if name in values
            else np.zeros((*shape, int(np.prod(own))))
            for name, own in self.shapes.items()
        ]
        return np.concatenate(rows, axis=-1)

    def by_class(self, vector: np.ndarray) -> Parameters:
        """(parameters,) -> by class."""
        cuts = np.cumsum([int(np.prod(shape)) for shape in self.shapes.values()])[:-1]
        return {
            name: piece.reshape(shape)
            for (name, shape), piece in zip(
                self.shapes.items(), np.split(vector, cuts), strict=True
            )
        }


def _substituted(found: sympy.Expr, defined: Mapping[str, str]) -> sympy.Expr:
    """With r, r_pre and r_post replaced by what the energy defines them to be."""
    for name, text in defined.items():
        for end in ("", "_pre", "_post"):
            meaning = expression(text, {})
            ends = {s: symbol(s.name + end) for s in meaning.free_symbols}
            found = found.subs(
                symbol(name + end), meaning.subs(ends, simultaneous=True)
            )
    return found


def _parameters(name: str, found: sympy.Expr) -> tuple[str, ...]:
    """The names that are no variables, or an InputError for a variable out of place."""
    names = {item.name for item in found.free_symbols} - set(VARIABLES[name])
    foreign = {variable for of in VARIABLES.values() for variable in of} | {
        "v",
        "p_pre",
    }
    if wrong := names & foreign:
        raise InputError(
            f"the {name!r} energy reads {sorted(wrong)[0]!r}: it may depend on "
            f"{', '.join(VARIABLES[name])} and on parameters"
        )
    return tuple(sorted(names))


def _motion(kinetic: EnergyPart) -> EnergyPart:
    """K(v) = p v - T(p) where v = dT/dp."""
    p, v = symbol("p"), symbol("v")
    momenta = sympy.solve(sympy.diff(kinetic.expression, p) - v, p)
    if len(momenta) != 1:
        raise InputError(
            f"the kinetic energy {kinetic.expression} has no velocity for each momentum"
        )
    found = sympy.simplify((p * v - kinetic.expression).subs(p, momenta[0]))
    index = kinetic.slots["p"].index
    slots = {"v": slot("v", index, len(index))}
    return EnergyPart(found, slots, kinetic.parameters, kinetic.shape)
