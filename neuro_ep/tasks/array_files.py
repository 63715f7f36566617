"""The files that pictures come in: the four IDX files of MNIST, or one .npz file.

What a file says of its sizes is compared with what it holds before memory is asked for.
"""

import gzip
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from neuro_ep.errors import InputError

#: Array -> the name of its IDX file; mirrors differ in the separator.
STEMS = {
    "x_train": "train-images{}idx3-ubyte",
    "y_train": "train-labels{}idx1-ubyte",
    "x_test": "t10k-images{}idx3-ubyte",
    "y_test": "t10k-labels{}idx1-ubyte",
}
REMEDY = (
    "--data takes a folder with the four IDX files of MNIST (plain or .gz) "
    "or an .npz file with x_train, y_train, x_test, y_test"
)

#: Bytes of an array beyond which a file is refused.
LARGEST = 2**34

#: What reading a damaged archive may raise, beside :class:`InputError`.
DAMAGE = (
    *(OSError, EOFError, ValueError, SyntaxError, TypeError, KeyError, IndexError),
    *(MemoryError, RecursionError, OverflowError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error, UnicodeError),
)


def idx_file(folder: Path, stem: str) -> Path:
    """The file of that name, with either separator, packed or not."""
    names = [stem.format(sep) + end for sep in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder / names[0]}: no such file, nor .gz; {REMEDY}")


def read_idx(file: Path) -> NDArray[np.uint8]:
    """An IDX file of bytes: 0, 0, 8, number of dimensions, big-endian sizes, data."""
    again = "download the file again"
    dimensions = 3 if "idx3" in file.name else 1
    header = 4 + 4 * dimensions
    head = _bytes(file, header)
    magic = bytes([0, 0, 8, dimensions])
    if head[:4] != magic:
        raise InputError(
            f"{file}: not an IDX file of bytes in {dimensions} dimensions: it begins "
            f"with {head[:4].hex() or 'nothing'}, not {magic.hex()}; {again}"
        )
    if len(head) < header:
        raise InputError(f"{file}: truncated in its header; {again}")
    sizes = struct.unpack(f">{dimensions}I", head[4:])
    promised = math.prod(sizes)
    raw = _bytes(file, header + min(promised, LARGEST) + 1)
    if len(raw) - header != promised:
        more = "or more " if len(raw) - header > promised else ""
        raise InputError(
            f"{file}: {len(raw) - header} {more}bytes of data where its header "
            f"promises {promised}; {again}"
        )
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(sizes)


def _bytes(file: Path, count: int) -> bytes:
    """The first bytes of a file, unpacked where it is packed."""
    try:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rb") as stream:
            return stream.read(count)
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        raise InputError(
            f"{file}: not readable ({reason(error)}); download the file again"
        ) from error


def read_npz(
    file: Path, choices: Sequence[Collection[str]] = (tuple(STEMS),), remedy=REMEDY
) -> dict[str, NDArray]:
    """The arrays of an .npz file, of the first choice of names that it has all of.

    Nothing that is pickled is loaded; ``remedy`` says what a file should have.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(6) == npy.MAGIC_PREFIX:
                raise InputError(f"{file}: a single array, not an .npz file; {remedy}")
            with zipfile.ZipFile(stream) as archive:
                return _arrays(file, archive, choices, remedy)
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{file}: not a readable .npz file ({reason(error)}); {remedy}"
        ) from error


def _arrays(file: Path, archive: zipfile.ZipFile, choices, remedy) -> dict:
    names = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    missing = [[key for key in keys if key not in names] for keys in choices]
    if all(missing):
        raise InputError(f"{file}: no {', '.join(missing[0])} in it; {remedy}")
    keys = choices[missing.index([])]
    total = sum(names[key].file_size for key in keys)
    if total > LARGEST:
        raise ValueError(f"it says that it holds {total / 2**30:.3g} GiB")
    return {key: _member(archive.read(names[key])) for key in keys}


def _member(data: bytes) -> NDArray:
    """The array in the bytes of an .npy file that are all there."""
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    promised, held = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if not dtype.hasobject and promised != held:
        raise ValueError(f"an array has {held} bytes where {promised} are promised")
    return npy.read_array(io.BytesIO(data), allow_pickle=False)


def reason(error: BaseException) -> str:
    """The first line of an error's message, for an error of one line."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
