"""What stands in front of a file: its length and a checksum of all that follows.

HDF5 leaves the first 512 bytes of a file to its user if they are asked for, and h5py
reads such a file as any other. They begin with a line of text:

    neuro_ep-seal sha256 <64 hexadecimal digits> <bytes that follow>

It is written when a file is finished, and verified before HDF5 opens it: a damaged file
can crash the library. It tells damage, not malice: whoever changes a file can seal it.
Files of before have none and begin with HDF5's own signature.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

#: The user block: a power of two from 512, as HDF5 asks for.
BLOCK = 512

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SEAL = re.compile(rb"neuro_ep-seal sha256 ([0-9a-f]{64}) ([0-9]{1,20})\n\0*")

#: Bytes that are read at once.
PIECE = 2**20


def sealed(data: bytes) -> bytes:
    """The image of an HDF5 file with its seal in front."""
    digest = hashlib.sha256(data).hexdigest()
    return _line(digest, len(data)) + data


def reseal(path: str | Path) -> None:
    """Seal a file anew that was changed on purpose, such as by adding groups to it."""
    content = Path(path).read_bytes()
    start = 0 if content.startswith(SIGNATURE) else BLOCK
    Path(path).write_bytes(sealed(content[start:]))


def seal_in_place(path: str | Path) -> None:
    """Seal a file that has room for it in front, piece by piece."""
    digest, length = hashlib.sha256(), 0
    with open(path, "r+b") as file:
        file.seek(BLOCK)
        while piece := file.read(PIECE):
            digest.update(piece)
            length += len(piece)
        file.seek(0)
        file.write(_line(digest.hexdigest(), length))


def _line(digest: str, length: int) -> bytes:
    return f"neuro_ep-seal sha256 {digest} {length}\n".encode().ljust(BLOCK, b"\0")


def is_sealed(path: str | Path) -> bool:
    """Whether a file begins with a seal, whatever it says."""
    with open(path, "rb") as file:
        return SEAL.fullmatch(file.read(BLOCK)) is not None


def broken_seal(path: str | Path) -> str:
    """What is wrong with a file by its seal, "" where nothing is or it has none."""
    with open(path, "rb") as file:
        block = file.read(BLOCK)
        if block.startswith(SIGNATURE):
            return ""
        seal = SEAL.fullmatch(block)
        if seal is None:
            has_hdf5 = file.read(len(SIGNATURE)) == SIGNATURE
            return "its first 512 bytes are no seal" if has_hdf5 else ""
        promised, digest, length = int(seal[2]), hashlib.sha256(), 0
        while piece := file.read(PIECE):
            digest.update(piece)
            length += len(piece)
    if length < promised:
        return f"of {promised} bytes it has {length}, it is truncated"
    if digest.hexdigest() != seal[1].decode():
        return "its checksum is another: it was changed after it was finished"
    return ""
