"""The two things dense synapses do at a step: deliver sums, change their state.

Each is one code object. Equations are read here and handed to the templates as flat
data: which arrays and generated blocks are the factors of which matrix product.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.core.preferences import prefs
from brian2.core.variables import (
    ArrayVariable,
    AuxiliaryVariable,
    Subexpression,
    Variables,
)
from brian2.groups.group import CodeRunner
from brian2.parsing.sympytools import str_to_sympy

from neuro_ep.engine.dense.codeobjects import BLAS, dense_code_object_class
from neuro_ep.engine.dense.dependence import reads_any
from neuro_ep.engine.dense.held import kept_arrays
from neuro_ep.engine.dense.symbols import (
    POST,
    PRE,
    REPLICATED,
    SHARED,
    SYNAPSE,
    Term,
    separate,
)
from neuro_ep.engine.dense.ties import tied
from neuro_ep.errors import InputError

#: Indices of values that are not one a synapse: presynaptic, postsynaptic, replicated.
LOOP_INDICES = ("_pre_neuron", "_post_neuron", "_replicated")


class RowIndex(AuxiliaryVariable):
    """An index of the loops in templates: no value twice in what is done at once."""

    unique = True


class DenseOperation(CodeRunner):
    """One code object of a :class:`DenseSynapses`, with all it needs.

    ``template`` is the name of the template, ``sets`` has the neuron variables that it
    sets, ``kernels`` is the function that carries the headers it includes,
    ``code_object_class`` tells where the template is found, and ``checks_units``
    whether the blocks are what a user has written, not equations checked before.
    """

    template: str
    sets: Sequence[ArrayVariable] = ()
    kernels = BLAS
    checks_units = False
    rates: Sequence[str] = ()
    code_object_class = staticmethod(dense_code_object_class)

    def __init__(self, synapses, name, clock, when, order):
        super().__init__(
            synapses, self.template, name=name, clock=clock, when=when, order=order
        )
        self.blocks: dict[str, str] = {}
        self.arrays: dict[str, ArrayVariable] = {}

    def __setattr__(self, key, value):
        known = key.startswith("_") or hasattr(self, key)
        if not known and self._is_complete():
            raise InputError(_unknown(self, key))
        super().__setattr__(key, value)

    def _is_complete(self) -> bool:
        """Whether the synapses have it: it has all attributes that it will have."""
        parts = getattr(getattr(self, "group", None), "contained_objects", ())
        return any(part is self for part in parts)

    @property
    def name(self) -> str:
        return self._tied(self._name)

    def _tied(self, name: str) -> str:
        group = getattr(self, "group", None)
        if group is None:
            return name  # still being made
        return tied(group, name, self._name.removeprefix(f"{group.name}_"))

    def describe(self, run_namespace) -> dict[str, Any]:
        """Fill ``blocks`` and ``arrays``; return the keywords of the template."""
        raise NotImplementedError

    def create_code_objects(self, run_namespace):
        synapses = self.group
        self.blocks, self.arrays = {}, {}
        variables = Variables(None)
        variables.add_object("_blas", self.kernels)
        for index in LOOP_INDICES:  # the template loops over them
            variables.add_object(index, RowIndex(index, dtype=np.int32))
        keywords = self.describe(run_namespace)
        for name in keywords.get("outside", ()):  # scalars that the template provides
            variables.add_auxiliary_variable(name, dtype=synapses.dtype)
        self._declare_results(variables)
        for name in keywords.get("numbers", ()):  # and numbers of neurons
            variables.add_auxiliary_variable(name, dtype=np.int32)
        self.codeobj = create_runner_codeobj(
            synapses,
            self.blocks or {"nothing": ""},
            self.template,
            run_namespace,
            name=f"{self.name}_codeobject*",
            check_units=self.checks_units,
            needed_variables=["_blas", "dt", *sorted(self.arrays)],
            additional_variables=variables,
            template_kwds=dict(
                keywords,
                replicas=synapses.replicas,
                n_pre=synapses.N_pre,
                n_post=synapses.N_post,
                scalar=synapses.dtype,
            ),
            codeobj_class=self.code_object_class(),
        )
        self.code_objects[:] = [weakref.proxy(self.codeobj)]

    def _declare_results(self, variables: Variables):
        """What blocks compute has the type of the synapses, whatever Brian2's is."""
        if prefs["core.default_float_dtype"] != self.group.dtype:
            for name in ("_coefficient", "_factor", "_value", *self.rates):
                shared = name == "_coefficient"
                variables.add_auxiliary_variable(
                    name, dtype=self.group.dtype, scalar=shared
                )

    def use(self, name: str) -> ArrayVariable:
        """Note that the template touches the array of this variable."""
        self.arrays[name] = self.group.variables[name]
        return self.arrays[name]

    def kept(self) -> dict[str, ArrayVariable]:
        """The arrays of a held source, see :mod:`neuro_ep.engine.dense.held`."""
        source = self.group.held["source"]
        found = kept_arrays(self.group, source, self.group.announced)
        return {name: self.use(array) for name, array in found.items()}

    def factor(self, expression: str, side: str, label: str) -> dict[str, Any]:
        """A vector over replicas and neurons: an array as it is, or a block of code."""
        synapses = self.group
        variable = synapses.variables.get(expression)
        plain = (
            isinstance(variable, ArrayVariable)
            and not variable.scalar
            and variable.dtype == synapses.dtype
        )
        if plain:
            self.use(expression)
        else:
            self.blocks[label] = f"_factor = {expression}"
        return {
            "array": variable if plain else None,
            "block": None if plain else label,
            "side": side,
            "n": synapses.N_pre if side == PRE else synapses.N_post,
            "index": "_pre_neuron" if side == PRE else "_post_neuron",
        }

    def coefficient(self, expression: str, label: str) -> str:
        """A block that computes a number shared by all synapses."""
        self.blocks[label] = f"_coefficient = {expression}"
        return label


def _unknown(operation, key: str) -> str:
    """What to say of an attribute that an operation does not have."""
    if key == "delay":
        return (
            f"'{operation.name}' has no delay: events of DenseSynapses arrive in the "
            "step in which they happen; use Synapses, or let a variable of the neurons "
            "keep them"
        )
    return f"'{operation.name}' has no attribute '{key}' that could be set"


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
    synapses, expression: str, state: str | None = None
) -> tuple[Term, ...] | None:
    """The separable terms of an expression, or None.

    ``state`` is the variable whose rate of change it is, if any. Products are of
    matrices that have the type of the synapses, not of whole numbers.
    """
    names = {symbol.name for symbol in str_to_sympy(expression).free_symbols}
    terms = separate(
        expression,
        lambda name: places(synapses, name),
        known_values(synapses, names),
        state,
    )
    matrices = {term.matrix for term in terms or ()} - {None}
    fitting = all(synapses.variables[name].dtype == synapses.dtype for name in matrices)
    return terms if fitting else None


class SummedOperation(DenseOperation):
    """Deliver the summed variables, per replica, before their targets are updated."""

    template = "dense_sums"

    def __init__(self, synapses, equations: Sequence, name, clock, order):
        slot = getattr(synapses, "deliver", "groups")
        super().__init__(synapses, name, clock, slot, order)
        self.equations = list(equations)

    @property
    def sets(self):
        return [self.group.variables[equation.varname] for equation in self.equations]

    @property
    def name(self) -> str:
        """Ends in ``_held`` where the source is held, for ``scheduling_summary``."""
        group = getattr(self, "group", None)
        held = group is not None and group.held
        return self._tied(self._name + ("_held" if held else ""))

    def describe(self, run_namespace):
        held = self.group.held
        if held is not None:
            return {"sums": [], "held": self._held(held), "stacked": False}
        sums, outside = [], set()
        for number, equation in enumerate(self.equations):
            target = self.use(equation.varname)
            to, source = (
                (POST, PRE) if equation.varname.endswith("_post") else (PRE, POST)
            )
            expression = self.group.substituted[equation.varname]
            terms = terms_of(self.group, expression)
            described = {
                "target": target,
                "to": to,
                "n_to": self.group.N_post if to == POST else self.group.N_pre,
                "n_from": self.group.N_pre if to == POST else self.group.N_post,
                "index": "_post_neuron" if to == POST else "_pre_neuron",
                "terms": terms,
                "adds": equation.varname in self.group.adds,
            }
            if terms is None:
                self.blocks[f"sum_{number}"] = f"_value = {expression}"
                described.update(kind="loop", block=f"sum_{number}")
                described["reads_itself"] = self._reads([expression], [target])
            else:
                described.update(self._products(number, terms, source, to, outside))
            sums.append(described)
        return {
            "sums": sums,
            "outside": sorted(outside),
            "held": None,
            "stacked": self._stacked(sums),
        }

    def _reads(self, expressions: Sequence[str], written: Sequence) -> bool:
        return reads_any(expressions, self.group.variables, written)

    def _stacked(self, sums: Sequence[dict]) -> bool:
        """Whether two sums are plain products of two factors with one matrix.

        They are then computed together, so neither may read what the other delivers.
        """
        if len(sums) != 2 or not all(described.get("direct") for described in sums):
            return False
        one, other = sums
        same = one["products"][0]["matrix"] is other["products"][0]["matrix"]
        alone = same and one["to"] == other["to"] and not (one["adds"] or other["adds"])
        expressions = [self.group.substituted[eq.varname] for eq in self.equations]
        return alone and not self._reads(expressions, [sum["target"] for sum in sums])

    def _held(self, held):
        """The arrays of a held source, see :mod:`neuro_ep.engine.dense.held`."""
        (term,) = self.group.terms(held["current"])
        return {
            "source": self.use(held["source"]),
            "matrix": self.use(held["matrix"]),
            "target": self.use(held["current"]),
            "coefficient": self.coefficient(term.coefficient, "held"),
            "kept": self.kept(),
            "announced": self.group.announced,
        }

    def _products(self, number, terms, source, to, outside):
        """Matrix products, each once, and how they are combined into the target."""
        products: dict[tuple, int] = {}
        addends = []
        for term in terms:
            factors = {PRE: term.pre, POST: term.post}
            index = products.setdefault((term.matrix, factors[source]), len(products))
            addends.append(f"({term.coefficient})*({factors[to]})*_product_{index}")
        described = [
            {
                "matrix": self.use(matrix) if matrix else None,
                "factor": self.factor(expression, source, f"factor_{number}_{index}"),
            }
            for (matrix, expression), index in products.items()
        ]
        factors_to = [term.post if to == POST else term.pre for term in terms]
        direct = len(terms) == 1 and factors_to == ["1"] and terms[0].matrix
        direct = bool(direct) and self.equations[number].varname in self.arrays
        direct = direct and self._target_dtype(number) == self.group.dtype
        direct = direct and not self._reads(
            [terms[0].pre, terms[0].post], [self.sets[number]]
        )  # a product cannot be computed into one of its factors
        block = f"combine_{number}"
        if direct:
            block = self.coefficient(terms[0].coefficient, block)
        else:
            names = [f"_product_{index}" for index in range(len(products))]
            outside.update(names)
            self.blocks[block] = f"_value = {' + '.join(addends) or '0.0'}"
        return {
            "kind": "product",
            "products": described,
            "direct": direct,
            "block": block,
        }

    def _target_dtype(self, number):
        return self.group.variables[self.equations[number].varname].dtype


class PlasticityOperation(DenseOperation):
    """Integrate the differential equations of the synapses by one step."""

    template = "dense_plasticity"

    def __init__(self, synapses, equations, name, clock, when, order):
        super().__init__(synapses, name, clock, when, order)
        self.equations = list(equations)

    @property
    def rates(self):
        return [f"_rate_{equation.varname}" for equation in self.equations]

    def describe(self, run_namespace):
        names = [equation.varname for equation in self.equations]
        split = {
            name: terms_of(self.group, self.group.substituted[name], name)
            for name in names
        }
        separable = all(
            terms is not None
            and places(self.group, name) == SYNAPSE
            and all(_scales_rows_or_columns(term, name) for term in terms)
            for name, terms in split.items()
        )
        if not separable:
            return self._loop(names)
        states = [self._separable(name, split[name]) for name in names]
        held = self.group.held
        if held is not None:
            return {
                "states": states,
                "kind": "held",
                "kept": self.kept(),
                "source": self.use(held["source"]),
                "announced": self.group.announced,
            }
        return {"states": states, "kind": "product"}

    def _loop(self, names):
        lines = [f"_rate_{name} = {self.group.substituted[name]}" for name in names]
        self.blocks["rates"] = "\n".join(lines)
        states = [
            {
                "name": name,
                "array": self.use(name),
                "replicated": places(self.group, name) == REPLICATED,
            }
            for name in names
        ]
        return {"states": states, "kind": "loop"}

    def _separable(self, name, terms):
        outer, scaling = [], []
        for number, term in enumerate(terms):
            label = f"{name}_{number}"
            described = {
                "coefficient": self.coefficient(term.coefficient, f"c_{label}"),
                "pre": self.factor(term.pre, PRE, f"pre_{label}"),
                "post": self.factor(term.post, POST, f"post_{label}"),
            }
            if term.matrix is None:
                outer.append(described)
            else:
                side = PRE if term.pre != "1" else POST
                described["along"] = described[side] | {
                    "trivial": term.post == term.pre
                }
                scaling.append(described)
        return {"array": self.use(name), "outer": outer, "scaling": scaling}


def _scales_rows_or_columns(term: Term, state: str) -> bool:
    """Whether a term with a matrix is ``c*w``, ``c*w*f(pre)`` or ``c*w*g(post)``."""
    if term.matrix is None:
        return True
    return term.matrix == state and "1" in (term.pre, term.post)
