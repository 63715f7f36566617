"""Where generated code of convolutions runs: the dense engine's code objects, which
look for their templates here first.
"""

from __future__ import annotations

from pathlib import Path

from brian2.codegen.codeobject import CodeObject

from neuro_ep.dense.codeobjects import KERNELS as DENSE_KERNELS
from neuro_ep.dense.codeobjects import (
    DenseCompiledCodeObject,
    DenseNumpyCodeObject,
    DenseStandaloneCodeObject,
    dense_code_object_class,
    kernel_function,
)

KERNELS = Path(__file__).parent / "kernels"

#: Where the compiler finds ``convolution.hpp`` and what it includes.
INCLUDES = [KERNELS, DENSE_KERNELS]

#: As ``BLAS`` of the dense engine, with the kernels of convolutions.
CONVOLUTION = kernel_function(["convolution.hpp"], INCLUDES)


class ConvolutionNumpyCodeObject(DenseNumpyCodeObject):
    """Convolutions on the numpy target."""

    class_name = "neuro_ep_convolution_numpy"
    templater = DenseNumpyCodeObject.templater.derive(
        "neuro_ep.convolution", templates_dir="templates_numpy"
    )


class ConvolutionStandaloneCodeObject(DenseStandaloneCodeObject):
    """Convolutions inside a C++ standalone project."""

    class_name = "neuro_ep_convolution_standalone"
    templater = DenseStandaloneCodeObject.templater.derive(
        "neuro_ep.convolution", templates_dir="templates_cpp"
    )


class ConvolutionCompiledCodeObject(DenseCompiledCodeObject):
    """Convolutions as shared libraries, beside Brian2's Cython target."""

    class_name = "neuro_ep_convolution_compiled"
    templater = DenseCompiledCodeObject.templater.derive(
        "neuro_ep.convolution", templates_dir="templates_cpp"
    )


OF_DENSE = {
    DenseNumpyCodeObject: ConvolutionNumpyCodeObject,
    DenseStandaloneCodeObject: ConvolutionStandaloneCodeObject,
    DenseCompiledCodeObject: ConvolutionCompiledCodeObject,
}


def convolution_code_object_class() -> type[CodeObject]:
    """The class that runs convolutions on the device and target chosen now."""
    return OF_DENSE[dense_code_object_class()]
