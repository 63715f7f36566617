"""Where generated code of convolutions runs: the dense engine's code objects, which
look for their templates here first.
"""

from __future__ import annotations

from pathlib import Path

from brian2.codegen.codeobject import CodeObject

from neuro_ep.engine.dense.codeobjects import KERNELS as DENSE_KERNELS
from neuro_ep.engine.dense.codeobjects import (
    dense_code_object_class,
    derived_code_objects,
    kernel_function,
)

KERNELS = Path(__file__).parent / "kernels"

#: Where the compiler finds ``convolution.hpp`` and what it includes.
INCLUDES = [KERNELS, DENSE_KERNELS]

#: As ``BLAS`` of the dense engine, with the kernels of convolutions.
CONVOLUTION = kernel_function(["convolution.hpp"], INCLUDES)


_DERIVED = derived_code_objects("neuro_ep.engine.convolution", "convolution")


def convolution_code_object_class() -> type[CodeObject]:
    """The class that runs convolutions on the device and target chosen now."""
    return _DERIVED[dense_code_object_class()]
