"""Where the clock of presentations runs: in the dense engine's code objects, which look
for its templates first.
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

#: A code object that lists this function is compiled with what reads samples.
SAMPLES_KERNEL = kernel_function(["dense.hpp", "samples.hpp"], [DENSE_KERNELS, KERNELS])

_DERIVED = derived_code_objects("neuro_ep.presentation", "presentation")


def presentation_code_object_class() -> type[CodeObject]:
    """The class that runs presentations on the device and target chosen now."""
    return _DERIVED[dense_code_object_class()]
