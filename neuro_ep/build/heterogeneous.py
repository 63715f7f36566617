"""Parameters of which every neuron or every synapse has a value of its own."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from brian2 import Equations, Quantity
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS
from brian2.core.variables import Constant, Variable
from brian2.equations.equations import PARAMETER
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.parsing.rendering import NumpyNodeRenderer
from brian2.units.fundamentalunits import DimensionMismatchError
from brian2.utils.stringtools import get_identifiers

from neuro_ep.errors import InputError
from neuro_ep.records.model import NeuronModel, SynapseModel

#: Numbers of the neurons that a value belongs to.
NUMBERS = ("i", "j")

RANDOM = ("rand", "randn")


def heterogeneous_values(
    name: str, kind: NeuronModel | SynapseModel, shape: tuple[int, ...], seed: int
) -> dict[str, np.ndarray]:
    """``"group.variable"`` -> its values in SI units, (neurons,) or (n_pre, n_post).

    seed
        Of the run; every variable draws numbers of its own with it.

    Raises InputError for a variable that is no parameter of the neurons or synapses,
    and for values of another unit or shape, or that are not finite.
    """
    equations, found = Equations(kind.equations), {}
    for variable, given in kind.heterogeneous.items():
        place = f"{name}.{variable}"
        _refuse_other(place, variable, equations)
        dimension = equations[variable].dim
        draw = np.random.RandomState([seed % 2**32, zlib.crc32(place.encode())])
        if isinstance(given, str):
            values = _evaluated(place, given, shape, dimension, draw)
        else:
            values = _as_numbers(place, given, dimension)
        found[place] = _fitting(place, values, shape)
    return found


def _refuse_other(place: str, variable: str, equations: Equations):
    known = [
        name
        for name, equation in equations.items()
        if equation.type == PARAMETER and not {"shared", "linked"} & set(equation.flags)
    ]
    if variable not in known:
        raise InputError(
            f"'{place}' is given values of its own, and is no parameter that could "
            f"have them; there are {', '.join(known) or 'none'}"
        )


def _evaluated(place: str, text: str, shape, dimension, draw) -> np.ndarray:
    """The values of text such as ``"exp(0.3*randn())*ms"``."""
    numbers = dict(zip(NUMBERS, np.indices(shape), strict=False))
    names = get_identifiers(text) - {"and", "or", "not", "True", "False"}
    known = {**DEFAULT_UNITS, **DEFAULT_CONSTANTS, **DEFAULT_FUNCTIONS}
    resolved: dict[str, Any] = {}
    here: dict[str, Any] = dict(numbers)
    for name in names - set(numbers):
        found = known.get(name)
        random = isinstance(found, Function) and not found.stateless
        if found is None or (random and name not in RANDOM):
            raise InputError(
                f"'{place}' = {text!r}: '{name}' is not known there; write it with "
                f"{', '.join(numbers)}, rand(), randn(), functions, units and numbers"
            )
        resolved[name] = (
            found if isinstance(found, Function) else _constant(name, found)
        )
        here[name] = _plain(name, found)
    for name in numbers:
        resolved[name] = Variable(name, dtype=np.int32, array=True)
    here["rand"] = lambda: draw.random_sample(shape)
    here["randn"] = lambda: draw.standard_normal(shape)
    try:
        computed = parse_expression_dimensions(text, resolved)
        code = NumpyNodeRenderer().render_expr(text)
        with np.errstate(all="ignore"):  # what is not finite is refused by its value
            values = eval(code, {"logical_not": np.logical_not}, here)
    except (SyntaxError, ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"'{place}' = {text!r}: {error}") from error
    return _as_numbers(place, Quantity(values, computed), dimension)


def _constant(name: str, value) -> Constant:
    return Constant(name, float(value), dimensions=getattr(value, "dim", None))


def _plain(name: str, found):
    if isinstance(found, Function):
        if name in RANDOM:
            return None
        return found.implementations[NumpyCodeGenerator].get_code(None)
    return float(getattr(found, "get_value", lambda: found)())


def _as_numbers(place: str, given, dimension) -> np.ndarray:
    """Values in SI units."""
    try:
        values = Quantity(given)
        if values.dim is not dimension and not np.all(np.asarray(values) == 0):
            raise DimensionMismatchError("", values.dim, dimension)
        return np.asarray(values, dtype=float)
    except (DimensionMismatchError, TypeError, ValueError) as error:
        raise InputError(
            f"'{place}' has values of another unit than its equation says: {error}"
        ) from error


def _fitting(place: str, values: np.ndarray, shape) -> np.ndarray:
    if values.shape not in ((), tuple(shape)):
        raise InputError(
            f"'{place}' is given values of shape {values.shape}; give {tuple(shape)}, "
            "one number, or text"
        )
    if not np.isfinite(values).all():
        raise InputError(f"'{place}' is given values that are not finite")
    return np.broadcast_to(values, shape)
