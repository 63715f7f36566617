"""Where recorders run: in the dense engine's code objects, with templates of their own.

On numpy the file is written by a :class:`Stream`, in compiled code by its twin in
``kernels/stream.hpp``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from brian2.codegen.codeobject import CodeObject

from neuro_ep.engine.dense.codeobjects import KERNELS as DENSE_KERNELS
from neuro_ep.engine.dense.codeobjects import (
    dense_code_object_class,
    derived_code_objects,
    kernel_function,
)

KERNELS = Path(__file__).parent / "kernels"

#: A code object that lists this function is compiled with what writes to files.
STREAM_KERNEL = kernel_function(["dense.hpp", "stream.hpp"], [DENSE_KERNELS, KERNELS])

_DERIVED = derived_code_objects("neuro_ep.traces", "traces")


def traces_code_object_class() -> type[CodeObject]:
    """The class that runs recorders on the device and target chosen now."""
    return _DERIVED[dense_code_object_class()]


class Stream:
    """A file that rows of numbers are appended to while a network runs."""

    def __init__(self) -> None:
        self.file: BinaryIO | None = None

    def append(self, path: np.ndarray, row, dtype) -> None:
        """Append numbers; ``path`` is the file's name as bytes that end with a zero."""
        if self.file is None:
            name = path.astype(np.uint8).tobytes().split(b"\0")[0]
            self.file = open(os.fsdecode(name), "wb")  # noqa: SIM115 (closed at the end)
        self.file.write(np.asarray(row, dtype=dtype).tobytes())

    def close(self) -> None:
        """Write what is left; the next run names another file."""
        if self.file is not None:
            self.file.close()
        self.file = None
