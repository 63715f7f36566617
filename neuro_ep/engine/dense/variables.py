"""The variables of dense synapses: their own, and those of the neurons they join."""

from __future__ import annotations

import numpy as np
from brian2.core.variables import ArrayVariable, Constant, Variables
from brian2.devices.device import get_device
from brian2.equations.equations import SUBEXPRESSION
from brian2.groups.group import get_dtype

from neuro_ep.engine.dense.checks import check_summed, check_written_once
from neuro_ep.engine.dense.matrix import LoopIndex, MatrixVariable
from neuro_ep.engine.dense.names import NUMBERS, refuse_declared, refuse_unowned
from neuro_ep.engine.dense.operations import LOOP_INDICES

#: Of a group of neurons, not read with a suffix.
HIDDEN = ("N", "i", "t", "dt", "t_in_timesteps")


def create_variables(synapses, model, summed):
    """Give synapses the variables of their equations, and refuse names of others."""
    used = set().union(*(equation.identifiers for equation in model.values()))
    refuse_declared(synapses, _own_names(model), {*used, *model})
    synapses.variables = variables = Variables(synapses)
    for name, value in synapses.sizes.items():
        variables.add_constant(name, value)
    variables.create_clock_variables(synapses._clock)
    for index in LOOP_INDICES:
        variables.add_object(index, LoopIndex(index, dtype=np.int32))
    for equation in synapses.equations.values():
        _create_variable(synapses, equation)
    _refer_to_neurons(synapses)
    for equation in summed:
        check_summed(synapses, equation)
    check_written_once(synapses, summed)
    if synapses.numbered:
        _create_numbers(synapses, used)
    refuse_unowned(synapses, "the equations", used)


def _own_names(model) -> list[str]:
    """What equations declare, without sums, which are variables of the neurons."""
    return [name for name in model if "summed" not in model[name].flags]


def is_whole(variable) -> bool:
    """Whether it holds whole numbers."""
    stored = isinstance(variable, (ArrayVariable, Constant))
    return stored and np.issubdtype(variable.dtype, np.integer)


def _refer_to_neurons(synapses):
    variables = synapses.variables
    for suffix, group in (("_pre", synapses.source), ("_post", synapses.target)):
        for name in _public_names(group):
            index = "0" if _is_shared(group, name) else f"{suffix}_neuron"
            variables.add_reference(name + suffix, group, name, index)
    for name in _public_names(synapses.target):
        if name not in variables and name not in NUMBERS:
            index = "0" if _is_shared(synapses.target, name) else "_post_neuron"
            variables.add_reference(name, synapses.target, name, index)


def _is_shared(group, name: str) -> bool:
    """Whether all neurons have one value: of their own, or linked from one neuron."""
    return group.variables[name].scalar or group.variables.indices[name] == "0"


def _public_names(group) -> list[str]:
    """What synapses read with a suffix: one value a neuron, or one for all."""
    indices = ("0", group.variables.default_index)
    return [
        name
        for name in group.variables
        if not name.startswith("_")
        and name not in HIDDEN
        and group.variables.indices[name] in indices
    ]


def _create_numbers(synapses, used):
    """The numbers of neurons within a replica, where equations name them."""
    sides = (synapses.N_pre, "_pre_neuron"), (synapses.N_post, "_post_neuron")
    names = zip(NUMBERS, ("i_pre", "i_post"), sides, strict=True)
    for name, other, (size, index) in names:
        for found in sorted({name, other} & used):
            synapses.variables.add_array(
                found,
                size=size * synapses.replicas,
                values=np.tile(np.arange(size), synapses.replicas),
                dtype=np.int32,
                constant=True,
                read_only=True,
                index=index,
            )


def _create_variable(synapses, equation):
    name, flags = equation.varname, equation.flags
    shared, dtype = "shared" in flags, get_dtype(equation, synapses.dtype)
    if equation.type == SUBEXPRESSION:
        synapses.variables.add_subexpression(
            name,
            expr=equation.expr.code,
            dimensions=equation.dim,
            dtype=dtype,
            scalar=shared,
            index="0" if shared else None,
        )
    elif shared:
        synapses.variables.add_array(
            name,
            size=1,
            dimensions=equation.dim,
            dtype=dtype,
            constant="constant" in flags,
            scalar=True,
            index="0",
        )
    else:
        synapses._create_matrix(equation)


def create_matrix(synapses, equation):
    """A variable that has one value a synapse, or one a replica and synapse."""
    name, replicated = equation.varname, "replicated" in equation.flags
    shape = synapses.weight_shape
    variable = MatrixVariable(
        shape=(synapses.replicas, *shape) if replicated else shape,
        name=name,
        dimensions=equation.dim,
        owner=synapses,
        device=get_device(),
        dtype=get_dtype(equation, synapses.dtype),
        constant="constant" in equation.flags,
    )
    synapses.variables._add_variable(
        name, variable, "_replicated" if replicated else None
    )
    variable.device.init_with_zeros(variable, variable.dtype)
