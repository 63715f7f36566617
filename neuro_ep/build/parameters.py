"""The constants of a model: which it declares, and what values make sense."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from brian2 import (
    Equations,
    NeuronGroup,
    Quantity,
    get_dimensions,
    have_same_dimensions,
)
from brian2.units.fundamentalunits import (
    Dimension,
    get_or_create_dimension,
    get_unit,
    is_dimensionless,
)

from neuro_ep.errors import InputError
from neuro_ep.records.model import (
    NetworkModel,
    NeuronModel,
    Shown,
    ShownArray,
    SynapseModel,
)
from neuro_ep.records.recorded import with_numbers

Model = TypeVar("Model", NetworkModel, NeuronModel, SynapseModel)

#: The parameter of synapses that takes the learning rate of their projection.
RATE = "eta"


def parameters_of(name: str, kind: NeuronModel | SynapseModel) -> dict[str, float]:
    """Values in SI units, checked."""
    checked = {}
    equations = Equations(kind.equations)
    declared = equations.parameter_names
    for parameter in sorted(declared - {RATE, *kind.parameters}):
        if {"shared", "constant"} <= set(equations[parameter].flags):
            raise InputError(
                f"'{parameter}' of '{name}' has no value: add it to the parameters of "
                "the model"
            )
    for parameter, value in kind.parameters.items():
        if parameter not in declared:
            raise InputError(
                f"'{parameter}' is given a value but the equations of '{name}' do not "
                f"declare it; they declare {', '.join(sorted(declared))}"
            )
        _check_unit(name, parameter, value, equations[parameter].dim)
        _check_value(name, parameter, value)
        checked[f"{name}.{parameter}"] = float(value)
    return checked


def onset_of(group: NeuronGroup, name: str, value) -> float | str:
    """Where a variable begins, in SI units, or the name of the one that holds it."""
    if isinstance(value, str):
        return value
    if name in group.variables and not (np.ndim(value) == 0 and value == 0):
        _check_unit(group.name, name, value, group.variables[name].dim)
    return float(value)


def _check_unit(name: str, parameter: str, value, dimension: Dimension):
    """A number without its unit would be taken in SI units, without a word."""
    try:
        float(value)
        same = have_same_dimensions(value, dimension)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{parameter} = {value!r:.60} of '{name}': give one number, with its unit"
        ) from error
    if not same:
        plain = is_dimensionless(value)
        given = "without a unit" if plain else f"in {get_unit(get_dimensions(value))!r}"
        raise InputError(
            f"{parameter} = {value} of '{name}' is {given}, and its equation says "
            f"{get_unit(dimension)!r}: give it with its unit, such as 3*mV or 10*ms"
        )


def _check_value(name: str, parameter: str, value):
    """Constants with a unit are above zero, but for reversal potentials, which are
    called E_...; plain numbers may be zero."""
    plain = is_dimensionless(value)
    number = abs(float(value)) if parameter.startswith("E_") else float(value)
    if not (0 < number < np.inf or (plain and number == 0)):
        raise InputError(
            f"{parameter} = {value} of '{name}': give a finite value "
            + ("from zero" if plain else "above zero")
        )


def with_quantities(model: Model) -> Model:
    """A record of a model that was read from a file, with Brian2's quantities again."""
    known = Shown, ShownArray
    return with_numbers(model, lambda value: isinstance(value, known), _quantity)


def _quantity(number: Shown | ShownArray) -> Quantity:
    powers = [int(p) if p == int(p) else p for p in number.dimensions]
    value = number.numbers if isinstance(number, ShownArray) else float(number)
    return Quantity(value, dim=get_or_create_dimension(powers))
