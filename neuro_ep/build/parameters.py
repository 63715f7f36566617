"""The constants of a model: which it declares, and what values make sense."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from brian2 import Equations, Quantity
from brian2.units.fundamentalunits import get_or_create_dimension, is_dimensionless

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
        _check_value(name, parameter, value)
        checked[f"{name}.{parameter}"] = float(value)
    return checked


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
