"""Records as plain data, which JSON holds, and back: exact, strict and bounded.

A quantity is written as its number in SI units, which is exact to the last bit, beside
the number and the unit that people read and the exponents of its dimensions. What is
read may come from a stranger: every field must be known and of the type that the record
declares, and nothing is evaluated. Arrays are kept beside the data, by name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.records.model import Shown, ShownArray

#: The most numbers of an array that is written among plain data.
MOST_NUMBERS = 100_000

#: The longest text that is read, in characters, and the deepest records within records.
LONGEST, DEEPEST = 4_000_000, 12

#: The units whose exponents are the dimensions of a quantity, in Brian2's order.
DIMENSIONS = ("metre", "kilogram", "second", "ampere", "kelvin", "mole", "candle")

Record = TypeVar("Record")
Arrays = dict[str, np.ndarray]


def shown(quantity) -> Shown:
    """A quantity of Brian2 as a number that knows how it is written."""
    unit = quantity.get_best_unit()
    written = float(quantity / unit), str(unit)
    return Shown(float(quantity), *written, _powers(quantity))


def _powers(quantity) -> tuple[float, ...]:
    """The exponents of its dimensions."""
    return tuple(float(quantity.dim.get_dimension(name)) for name in DIMENSIONS)


def as_plain(value: Any, arrays: Arrays | None = None) -> Any:
    """Plain data of a record or of any part of one.

    ``arrays`` takes up the arrays; where it is not given, small ones are written among
    the data. Raises TypeError for what cannot be written down, such as a function.
    """
    if isinstance(value, Shown):
        written = {"si": float(value), "value": value.value, "unit": value.unit}
        return {**written, "dimensions": list(value.dimensions)}
    if isinstance(value, ShownArray):
        return _plain_array(value.numbers, value.dimensions)
    if hasattr(value, "get_best_unit"):
        if np.ndim(value):
            return _plain_array(np.asarray(value), _powers(value))
        return as_plain(shown(value))
    if is_dataclass(value) and not isinstance(value, type):
        named = {item.name: getattr(value, item.name) for item in fields(value)}
        return as_plain(named, arrays)
    if isinstance(value, Mapping):
        return {str(key): as_plain(part, arrays) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [as_plain(part, arrays) for part in value]
    return _plain_leaf(value, arrays)


def _plain_leaf(value: Any, arrays: Arrays | None) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        value = float(value)
        return value if math.isfinite(value) else {"number": repr(value)}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        if arrays is None:
            return _plain_array(value, (0.0,) * len(DIMENSIONS))
        name = f"array_{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    raise TypeError(f"{value!r} cannot be written down: it is no plain data")


def _plain_array(numbers: np.ndarray, dimensions) -> dict:
    if numbers.size > MOST_NUMBERS or not np.isfinite(numbers).all():
        raise InputError(
            f"an array of shape {numbers.shape} cannot be recorded: give at most "
            f"{MOST_NUMBERS} finite numbers, or text that says how they are drawn"
        )
    flat = np.asarray(numbers, float).ravel().tolist()
    shape = list(numbers.shape)
    return {"numbers": flat, "shape": shape, "dimensions": list(dimensions)}


def parse(text: str | bytes, what: str) -> Any:
    """The plain data in a text of JSON. Raises InputError where there is none."""
    if len(text) > LONGEST:
        raise InputError(f"{what} has {len(text)} characters: at most {LONGEST}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is no JSON that can be read: {error}") from error


def read_record(
    kind: type[Record], plain: Any, what: str, arrays: Arrays | None = None
) -> Record:
    """The record of a kind from its plain data; ``what`` is its name in messages.

    Fields that are left out take their default. Raises InputError for unknown fields,
    values of another type, and what the record itself refuses.
    """
    return _Reader(arrays or {}).record(kind, plain, what, 0)


def read_fields(kind: type, names, plain: Any, what: str) -> dict[str, Any]:
    """Some fields of a record, read as strictly, where the others are not data."""
    hints = {name: _hints(kind)[name] for name in names}
    return _Reader({}).fields(hints, plain, what, 0)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


class _Reader:
    """Reads plain data by the types that records declare."""

    def __init__(self, arrays: Arrays):
        self.arrays = arrays

    def record(self, kind: type, plain: Any, where: str, depth: int) -> Any:
        found = self.fields(_hints(kind), plain, where, depth)
        needed = {
            item.name
            for item in fields(kind)
            if item.default is MISSING and item.default_factory is MISSING
        }
        if lacking := sorted(needed - set(found)):
            raise InputError(f"{where} lacks {', '.join(lacking)}")
        try:
            return kind(**found)
        except InputError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise InputError(f"{where} is refused: {error}") from error

    def fields(self, hints: Mapping, plain: Any, where: str, depth: int) -> dict:
        if not isinstance(plain, dict) or depth > DEEPEST:
            raise _wrong(where, plain, f"a record, at most {DEEPEST} deep")
        if unknown := [name for name in plain if name not in hints]:
            raise InputError(f"{where} has an unknown field {_short(unknown[0])}")
        return {
            name: self.value(hints[name], part, f"{where}.{name}", depth + 1)
            for name, part in plain.items()
        }

    def value(self, hint: Any, plain: Any, where: str, depth: int) -> Any:
        """A value of the type that is declared."""
        if hint is Any:
            return _anything(plain, where)
        if is_dataclass(hint):
            return self.record(hint, plain, where, depth)  # type: ignore[arg-type]
        if get_origin(hint) in (Union, UnionType):
            return self._one_of(get_args(hint), plain, where, depth)
        kind = get_origin(hint) or hint
        if kind is tuple:
            return self._tuple(get_args(hint), plain, where, depth)
        if kind is np.ndarray:
            return self._array(plain, where)
        if kind in (bool, int, float, str, NoneType):
            return _leaf(kind, plain, where)
        return self._mapping(get_args(hint), plain, where, depth)

    def _one_of(self, hints, plain, where, depth) -> Any:
        errors = []
        for hint in hints:
            try:
                return self.value(hint, plain, where, depth)
            except InputError as error:
                errors.append(error)
        raise errors[0]

    def _tuple(self, hints, plain, where, depth) -> tuple:
        if not isinstance(plain, list):
            raise _wrong(where, plain, "a list")
        if len(hints) == 2 and hints[1] is Ellipsis:
            hints = hints[:1] * len(plain)
        if len(plain) != len(hints):
            raise _wrong(where, plain, f"a list of {len(hints)}")
        pairs = zip(hints, plain, strict=True)
        return tuple(self.value(hint, part, where, depth + 1) for hint, part in pairs)

    def _mapping(self, hints, plain, where, depth) -> dict:
        if not isinstance(plain, dict) or len(hints) != 2:
            raise _wrong(where, plain, "names with values")
        return {
            name: self.value(hints[1], part, f"{where}.{name}", depth + 1)
            for name, part in plain.items()
        }

    def _array(self, plain, where) -> np.ndarray:
        name = plain.get("array") if isinstance(plain, dict) else None
        if not isinstance(name, str) or name not in self.arrays:
            raise _wrong(where, plain, "the name of an array")
        return self.arrays[name]


def _anything(plain: Any, where: str) -> Any:
    """A number, a text, a quantity or an array: what parameters and initial states may
    be.
    """
    if isinstance(plain, dict) and "numbers" in plain:
        return _numbers(plain, where)
    if isinstance(plain, dict) and "number" not in plain:
        return _quantity(plain, where)
    if isinstance(plain, bool | str):
        return plain
    return _leaf(float, plain, where)


def _quantity(plain: dict, where: str) -> Shown:
    if set(plain) != {"si", "value", "unit", "dimensions"}:
        raise _wrong(where, plain, "a quantity: si, value, unit, dimensions")
    powers = plain["dimensions"]
    if not isinstance(powers, list) or len(powers) != len(DIMENSIONS):
        raise _wrong(f"{where}.dimensions", powers, f"{len(DIMENSIONS)} exponents")
    si, value = (_leaf(float, plain[name], where) for name in ("si", "value"))
    unit = _leaf(str, plain["unit"], where)
    return Shown(si, value, unit, _floats(powers, where))


def _numbers(plain: dict, where: str) -> ShownArray:
    wanted = f"at most {MOST_NUMBERS} numbers, their shape, dimensions"
    if set(plain) != {"numbers", "shape", "dimensions"}:
        raise _wrong(where, plain, wanted)
    numbers, shape, powers = (plain[k] for k in ("numbers", "shape", "dimensions"))
    lists = all(isinstance(part, list) for part in (numbers, shape, powers))
    if not lists or len(numbers) > MOST_NUMBERS or len(powers) != len(DIMENSIONS):
        raise _wrong(where, plain, wanted)
    sizes = [_leaf(int, size, where) for size in shape]
    if any(size < 0 for size in sizes) or math.prod(sizes) != len(numbers):
        raise _wrong(where, plain, wanted)
    values = np.array(_floats(numbers, where)).reshape(sizes)
    return ShownArray(values, _floats(powers, where))


def _floats(plain: list, where: str) -> tuple[float, ...]:
    return tuple(float(_leaf(float, number, where)) for number in plain)


def _leaf(kind: type, plain: Any, where: str) -> Any:
    if kind is float and isinstance(plain, dict) and set(plain) == {"number"}:
        if plain["number"] in ("inf", "-inf", "nan"):
            return float(plain["number"])
    fits = isinstance(plain, (int, float) if kind is float else kind)
    if not fits or (isinstance(plain, bool) and kind is not bool):
        raise _wrong(where, plain, f"a value of type {kind.__name__}")
    if isinstance(plain, int) and abs(plain) >= 2**63:
        raise _wrong(where, plain, "a whole number below 2**63")
    return plain


def _wrong(where: str, plain: Any, wanted: str) -> InputError:
    return InputError(f"{where} = {_short(plain)}: {wanted} was expected")


def _short(value: Any) -> str:
    text = ascii(str(value)[:60])
    return text if len(text) < 50 else f"{text[:50]}..."
