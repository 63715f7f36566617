"""What a recording may hold: read within bounds, for its words are a stranger's.

Only what stands in this very file is followed, no deeper and no more of it than a run
of ours writes; an array is refused before it is read where the file cannot hold it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.messages import one_line

#: What reading a damaged file may raise.
DAMAGE = (
    *(OSError, KeyError, ValueError, TypeError, AttributeError),
    *(RuntimeError, IndexError, MemoryError, OverflowError, NotImplementedError),
)

#: Groups within groups, and members of all of them, at most.
DEEPEST, MOST = 8, 50_000

#: The most that gzip packs into a byte, and bytes of an array at most.
PACKED, LARGEST = 1100, 2**36

#: Values of an attribute, and characters of a text, at most.
VALUES, CHARACTERS = 100_000, 4_000_000


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Whatever reading raises, as an InputError of one line that names the file."""
    try:
        yield
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{path} is damaged ({reason(error)}); take a copy of it or make the run"
            " again"
        ) from error


def reason(error: BaseException) -> str:
    """An error's message in one short line."""
    return one_line(str(error))[:300] or type(error).__name__


def refuse_unbounded(group: h5py.Group, size: int) -> None:
    """ValueError for anything below a group that is out of bounds.

    ``size`` is that of the file, in bytes.
    """
    waiting, seen = [(group, 0)], 0
    while waiting:
        here, depth = waiting.pop()
        seen += len(here) + len(here.attrs)
        if depth > DEEPEST or seen > MOST:
            raise ValueError(
                f"more than {DEEPEST} groups within another, or {MOST} members"
            )
        for name in here:
            item = _member(here, name)
            if isinstance(item, h5py.Group):
                waiting.append((item, depth + 1))
            else:
                _refuse_large(item, size)


def _member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """A group or dataset that stands in this very file."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{_path(group, name)} leads elsewhere")
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise ValueError(f"{_path(group, name)} is a {type(item).__name__}")
    return item


def _path(group: h5py.Group, name: str) -> str:
    return f"{group.name}/{name}"


def _refuse_large(item: h5py.Dataset, size: int) -> None:
    name = str(item.name)
    if item.shape is None or item.is_virtual or item.external:
        raise ValueError(f"{name} has no values in this file")
    is_text = h5py.check_string_dtype(item.dtype) is not None
    is_number = item.dtype.kind in "fiub" and item.dtype.itemsize <= 8
    if not (is_text or is_number):
        raise ValueError(f"{name} holds neither numbers nor text")
    held = item.id.get_storage_size()
    if held > size:
        raise ValueError(f"{name} is larger than the file")
    most = PACKED * held if item.chunks else held
    if item.nbytes > min(most, LARGEST):
        raise ValueError(f"{name} says that it has {item.nbytes} bytes")


def array(group: h5py.Group, name: str, kinds: str = "fiub") -> np.ndarray:
    """The values of a dataset of numbers; ``kinds`` are NumPy's."""
    item = _member(group, name)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in kinds:
        raise ValueError(f"{_path(group, name)} is no array of numbers")
    return np.asarray(item[()])


def text(group: h5py.Group, name: str) -> str:
    """The text in a dataset of one."""
    item = _member(group, name)
    is_text = isinstance(item, h5py.Dataset) and item.shape == ()
    if not is_text or h5py.check_string_dtype(item.dtype) is None:
        raise ValueError(f"{_path(group, name)} is no text")
    return _short_text(item.asstr()[()], _path(group, name))


def attribute(item: h5py.HLObject, name: str) -> Any:
    """A number, a text or a list of numbers, as Python has it."""
    where = f"{item.name}@{name}"
    kept = item.attrs.get_id(name)
    if kept.shape is None or int(np.prod(kept.shape, dtype=object)) > VALUES:
        raise ValueError(f"{where} has no value, or too many")
    value = item.attrs[name]
    if isinstance(value, bytes | str):
        value = value.decode() if isinstance(value, bytes) else value
        return _short_text(value, where)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        if value.dtype.itemsize <= 8:
            return value.tolist()
    raise ValueError(f"{where} is neither a number nor a text")


def attributes(item: h5py.HLObject) -> dict[str, Any]:
    """All attributes by name."""
    return {str(name): attribute(item, name) for name in item.attrs}


def _short_text(value: str, where: str) -> str:
    if len(value) > CHARACTERS:
        raise ValueError(f"{where} has more than {CHARACTERS} characters")
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise ValueError(f"{where} is not UTF-8")
    return value


def expect(value: Any, kind: Any, what: str) -> Any:
    """The value, if it is of a kind; a truth value is no number."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{what} is a {type(value).__name__}")
    return value
