"""What dense synapses do at a step: each operation is one code object.

Operations read equations and hand them to the templates as flat data: which arrays and
generated blocks are the factors of which matrix product.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.core.preferences import prefs
from brian2.core.variables import (
    ArrayVariable,
    AuxiliaryVariable,
    Variables,
)
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner

from neuro_ep.engine.dense.codeobjects import BLAS, dense_code_object_class
from neuro_ep.engine.dense.functions import refuse_functions
from neuro_ep.engine.dense.held import kept_arrays
from neuro_ep.engine.dense.narrowing import Narrowed
from neuro_ep.engine.dense.symbols import PRE
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
        self.made_of: tuple | None = None
        self.seen: Narrowed | None = None  # the owner of the code, alive as long as it

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
        synapses = self.synapses
        if synapses is None:
            return name
        return tied(synapses, name, self._name.removeprefix(f"{synapses.name}_"))

    @property
    def synapses(self):
        """The synapses, None while they are made and once they are gone."""
        group = getattr(self, "group", None)
        try:
            return group if group is not None and group.name else None
        except ReferenceError:
            return None

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
        made_of = self._told(keywords, run_namespace)
        if made_of is not None and made_of == self.made_of:
            return
        self.made_of = None
        for name in keywords.get("outside", ()):  # scalars that the template provides
            variables.add_auxiliary_variable(name, dtype=synapses.dtype)
        self._declare_results(variables)
        kind = self.code_object_class()
        refuse_functions(self, kind, run_namespace)
        for name in keywords.get("numbers", ()):  # and numbers of neurons
            variables.add_auxiliary_variable(name, dtype=np.int32)
        needed = ["_blas", "dt", *sorted(self.arrays)]
        self.seen = Narrowed(synapses, [*needed, *self.blocks.values()])
        self.codeobj = create_runner_codeobj(
            self.seen,
            self.blocks or {"nothing": ""},
            self.template,
            run_namespace,
            name=f"{self.name}_codeobject*",
            check_units=self.checks_units,
            needed_variables=needed,
            additional_variables=variables,
            template_kwds=dict(
                keywords,
                replicas=synapses.replicas,
                _n_pre=synapses.N_pre,
                _n_post=synapses.N_post,
                scalar=synapses.dtype,
            ),
            codeobj_class=kind,
        )
        self.code_objects[:] = [weakref.proxy(self.codeobj)]
        self.made_of = made_of  # not before: what failed is made again

    def _told(self, keywords, run_namespace) -> tuple | None:
        """All that code depends on which names nothing from outside, None for other.

        Where it is what it was in the last run, the code of that run is kept.
        """
        standalone = isinstance(get_device(), CPPStandaloneDevice)
        if run_namespace or self.group.namespace or standalone:
            return None
        float_type = prefs["core.default_float_dtype"]
        described = self.blocks, self.arrays, keywords
        return self.code_object_class(), float_type, *described

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
