"""Synaptic variables as matrices: ``S.w`` reads and writes ``(n_pre, n_post)``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import (
    ArrayVariable,
    AuxiliaryVariable,
    Constant,
    Variable,
    VariableView,
)
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.parsing.rendering import NumpyNodeRenderer
from brian2.units.fundamentalunits import (
    DIMENSIONLESS,
    Quantity,
    fail_for_dimension_mismatch,
)
from brian2.utils.stringtools import get_identifiers

from neuro_ep.engine.dense.names import refuse_unowned
from neuro_ep.engine.dense.seeds import generator
from neuro_ep.errors import InputError

#: What to do instead of reading a value that is not one a synapse.
NOT_A_SYNAPSE = (
    "only variables that are shared or one a synapse can be monitored and read here; "
    "for _pre and _post do so in the group of the neurons, and read (replicated) "
    "variables as an array"
)


class LoopIndex(AuxiliaryVariable):
    """An index that exists in the loops of dense operations only.

    Brian2 asks whether an index is scalar before it uses it elsewhere, in a monitor
    say; that is the moment to refuse.
    """

    @property
    def scalar(self):
        raise InputError(NOT_A_SYNAPSE)

    @scalar.setter
    def scalar(self, value):
        pass


class MatrixVariable(ArrayVariable):
    """A synaptic variable stored as one contiguous array, seen as a matrix.

    ``shape`` is ``(n_pre, n_post)``, or ``(replicas, n_pre, n_post)`` for variables
    that are kept per replica.
    """

    def __init__(self, *, shape, **keywords):
        super().__init__(size=int(np.prod(shape)), **keywords)
        self.shape = shape

    def get_addressable_value(self, name, group):
        return self._view(name, group, None)

    def get_addressable_value_with_unit(self, name, group):
        return self._view(name, group, self.dim)

    def _view(self, name, group, dimensions) -> MatrixView:
        if group.name != self.owner.name:
            raise InputError(
                f"'{group.name}.{name}' is linked to '{self.owner.name}.{self.name}', "
                "a synaptic variable, which cannot be read from another group: read "
                "it there"
            )
        return MatrixView(name, self, group, dimensions=dimensions)


class MatrixIndexing:
    """Flat indices for ``S[i, j]`` and for monitors; a single index is already flat."""

    def __init__(self, n_pre: int, n_post: int):
        self.shape = (n_pre, n_post)

    def __call__(self, item=slice(None), index_var=None):  # noqa: B008 (Brian2's form)
        if isinstance(index_var, LoopIndex):
            raise InputError(NOT_A_SYNAPSE)
        item = slice(None) if isinstance(item, str) and item == "True" else item
        if hasattr(item, "_indices"):
            return item._indices()
        if isinstance(item, str):
            raise InputError(_no_condition(item))
        flat = np.arange(self.shape[0] * self.shape[1], dtype=np.int32)
        if isinstance(item, tuple):
            flat = flat.reshape(self.shape)
        return np.ravel(flat[item])


class MatrixView(VariableView):
    """A matrix with units that is read and written in place."""

    def get_item(self, item, level=0, namespace=None):
        if isinstance(item, str):
            raise InputError(_no_condition(item, self.name))
        values = self.group.matrix_values(self.variable)[item]
        if self.dim is None or self.dim is DIMENSIONLESS:
            return values
        return Quantity(values, self.dim)

    def set_item(self, item, value, level=0, namespace=None):
        if self.variable.read_only:
            raise TypeError(f"Variable {self.name} is read-only.")
        item = slice(None) if isinstance(item, str) and item == "True" else item
        if isinstance(item, str):
            raise InputError(_no_condition(item, self.name))
        if isinstance(value, str):
            from brian2.core.namespace import get_local_namespace

            namespace = (
                get_local_namespace(level + 1) if namespace is None else namespace
            )
            value = evaluate(value, self.group, self.variable, namespace)[item]
        if self.dim is not None:
            fail_for_dimension_mismatch(
                self.dim, value, f"Incorrect unit for setting variable {self.name}"
            )
        if isinstance(item, slice) and item == slice(None):
            values = self._fitting(np.asarray(value), self.variable.shape)
            self.group.write_pending()
        else:
            values = np.array(self.group.matrix_values(self.variable))
            values[item] = self._fitting(np.asarray(value), values[item].shape)
        self.variable.device.fill_with_array(self.variable, values.ravel())

    def _fitting(self, value, shape):
        """The value in this shape, if it fits; a flat array is taken row by row."""
        _refuse_other_numbers(self.variable, value)
        if value.ndim == 1 and value.size == np.prod(shape):
            return value.reshape(shape)
        try:
            if value.ndim == 1 and len(shape) > 1 and value.size > 1:
                raise ValueError("a row or a column? A flat array must be complete")
            return np.broadcast_to(value, shape)
        except ValueError:
            raise InputError(
                f"'{self.name}' has shape {shape} there but the values given have "
                f"shape {value.shape}; give an array of shape {shape} or one number"
            ) from None

    def set_with_index_array(self, item, value, check_units):
        self.set_item(item, value)

    @property
    def shape(self):
        return self.variable.shape


def _no_condition(text: str, name: str = "") -> str:
    return (
        f"'{name}[{text!r}]': conditions as text are not available for dense synapses; "
        "index with numbers, slices or arrays"
    )


def _refuse_other_numbers(variable, values: np.ndarray):
    """Raises InputError for what the type of a variable would change in silence."""
    if values.dtype.kind not in "biuf":
        raise InputError(
            f"'{variable.name}' was given values of type {values.dtype}: give real "
            "numbers"
        )
    kind = np.dtype(variable.dtype)
    if kind.kind != "i" or not values.size:
        return
    limits = np.iinfo(kind)
    low, high = values.min(), values.max()
    if not (limits.min <= low and high <= limits.max):  # also where one is not finite
        raise InputError(
            f"'{variable.name}' keeps whole numbers from {limits.min} to {limits.max}, "
            f"and was given values from {low} to {high}"
        )


def _prepared(device, key, value):
    """A value of ``run_args``: Brian2 knows flat ones, matrices are taken here."""
    if isinstance(key, MatrixView):
        given = key._fitting(np.asarray(value), key.variable.shape)
        value = Quantity(given.ravel(), getattr(value, "dim", DIMENSIONLESS))
        key = SimpleNamespace(
            name=key.name,
            group_name=key.group_name,
            variable=key.variable,
            dim=key.dim,
            dtype=key.variable.dtype,
            shape=(key.variable.size,),
        )
    return _prepared_by_brian2(device, key, value)


_prepared_by_brian2 = CPPStandaloneDevice._prepare_variableview_run_arg
CPPStandaloneDevice._prepare_variableview_run_arg = _prepared


def evaluate(expression: str, group, variable: MatrixVariable, namespace) -> Quantity:
    """The values of a string initialiser such as ``"0.1*randn()*mV"``.

    Evaluated at once with numpy, so that one seed of numpy's generator gives the same
    weights on every target. ``i`` and ``j`` are the numbers of the presynaptic and the
    postsynaptic neuron; ``rand()`` and ``randn()`` draw one value a synapse.
    """
    shape = variable.shape
    names = get_identifiers(expression)
    random: Any = generator() if names & {"rand", "randn"} else None
    here: dict = {
        "i": np.arange(shape[-2]).reshape(-1, 1),
        "j": np.arange(shape[-1]).reshape(1, -1),
        "rand": lambda: random.random_sample(shape),
        "randn": lambda: random.standard_normal(shape),
    }
    names = names - set(here) - {"and", "or", "not", "True", "False"}
    refuse_unowned(group, f"'{expression}'", names)
    resolved = group.resolve_all(names, namespace, user_identifiers=names)
    _check_unit(expression, resolved, here, variable)
    for name, found in resolved.items():
        here[name] = _plain_value(name, found, group, len(shape))
    code = NumpyNodeRenderer().render_expr(expression)
    functions = {"logical_not": np.logical_not, "logical_and": np.logical_and}
    values = np.broadcast_to(eval(code, functions, here), shape)
    return Quantity(values, variable.dim)


def _check_unit(expression, resolved, here, variable):
    for name in ("i", "j"):
        resolved.setdefault(name, Variable(name, dtype=np.int32, array=True))
    for name in ("rand", "randn"):
        resolved.setdefault(name, DEFAULT_FUNCTIONS[name])
    dimension = parse_expression_dimensions(expression, resolved)
    fail_for_dimension_mismatch(
        variable.dim,
        Quantity(1, dimension),
        f"Incorrect unit for setting variable {variable.name} to '{expression}'",
    )
    for name in here:
        resolved.pop(name, None)


def _plain_value(name, found, group, axes):
    if isinstance(found, Function):
        if not found.stateless:
            raise InputError(
                f"{name}() is not available in an initial value as text, only rand() "
                "and randn() are; draw the matrix with numpy and assign it"
            )
        return found.implementations[NumpyCodeGenerator].get_code(group)
    if isinstance(found, MatrixVariable) and len(found.shape) <= axes:
        return group.matrix_values(found)
    if isinstance(found, Constant) or getattr(found, "scalar", False):
        return np.asarray(found.get_value()).item()
    raise InputError(
        f"'{name}' cannot be used in an initial value as text: it is neither shared "
        "nor a synaptic variable; compute the matrix with numpy and assign it"
    )
