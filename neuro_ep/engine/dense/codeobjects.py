"""Where generated code of the dense engine runs: numpy, compiled kernels, standalone.

One set of C++ templates serves both compiled targets. In C++ standalone they become
code objects of the project; under Brian2's Cython target each becomes a small shared
library, compiled once, cached by its hash and called through ctypes (about one second
to compile where a Cython extension takes six, and the same arithmetic as standalone).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import brian2
import numpy as np
import scipy_openblas32
from brian2.codegen.codeobject import CodeObject
from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.codegen.generators.cpp_generator import (
    CPPCodeGenerator,
    CPPNodeRenderer,
    c_data_type,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, Constant
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.utils.stringtools import word_substitute

from neuro_ep.cache import cache_folder
from neuro_ep.errors import RunError

HERE = Path(__file__).parent
KERNELS = HERE / "kernels"
WALL_CLOCK = KERNELS / "wall_clock.cpp"
BRIAN2 = Path(brian2.__file__).parent
BLAS_LIBRARY = scipy_openblas32.get_library()
BLAS_FOLDER = scipy_openblas32.get_lib_dir()


def _placeholder() -> None:
    """Never called: it carries include folders and libraries into the build."""


def kernel_function(headers: list[str], folders: list[Path]) -> Function:
    """A function that, where a code object lists it, brings headers and BLAS along."""
    function = Function(_placeholder, arg_units=[], return_unit=1)
    function.implementations.add_implementation(
        CPPCodeGenerator,
        code=None,
        compiler_kwds={
            "headers": [f'"{header}"' for header in headers],
            "include_dirs": [str(folder) for folder in folders],
            "libraries": [BLAS_LIBRARY],
            "library_dirs": [BLAS_FOLDER],
            "runtime_library_dirs": [BLAS_FOLDER],
        },
    )
    function.implementations.add_numpy_implementation(_placeholder)
    return function


#: A code object that lists this function is compiled and linked with the kernels.
BLAS = kernel_function(["dense.hpp"], [KERNELS])


class ExactRenderer(CPPNodeRenderer):
    """Divides whole numbers in double precision; Brian2 writes ``1.0f*a/b``."""

    def render_BinOp(self, node):
        if node.op.__class__.__name__ != "Div":
            return super().render_BinOp(node)
        parts = self.render_node(node.left), self.render_node(node.right)
        return f"neuro_ep::quotient({', '.join(parts)})"


class ExactGenerator(CPPCodeGenerator):
    """C++ code of dense operations."""

    def translate_expression(self, expr):
        expr = word_substitute(expr, self.func_name_replacements)
        renderer = ExactRenderer(auto_vectorise=self.auto_vectorise)
        return renderer.render_expr(expr).strip()


class DenseNumpyCodeObject(NumpyCodeObject):
    """Dense operations on the numpy target."""

    class_name = "neuro_ep_numpy"
    templater = NumpyCodeObject.templater.derive(
        "neuro_ep.engine.dense", templates_dir="templates_numpy"
    )


class DenseStandaloneCodeObject(CPPStandaloneCodeObject):
    """Dense operations inside a C++ standalone project."""

    class_name = "neuro_ep_standalone"
    generator_class = ExactGenerator
    templater = CPPStandaloneCodeObject.templater.derive(
        ("neuro_ep.engine.dense", "neuro_ep.engine.dense"),
        templates_dir=("templates_cpp", "templates_standalone"),
    )


class DenseCompiledCodeObject(CodeObject):
    """Dense operations as shared libraries, beside Brian2's Cython target."""

    class_name = "neuro_ep_compiled"
    generator_class = ExactGenerator
    templater = CPPStandaloneCodeObject.templater.derive(
        ("neuro_ep.engine.dense", "neuro_ep.engine.dense"),
        templates_dir=("templates_cpp", "templates_compiled"),
    )

    def __init__(
        self,
        owner,
        code,
        variables,
        variable_indices,
        template_name,
        template_source,
        compiler_kwds,
        name="dense_code_object*",
    ):
        super().__init__(
            owner,
            code,
            variables,
            variable_indices,
            template_name,
            template_source,
            compiler_kwds,
            name=name,
        )
        self.namespace: dict = {}

    @classmethod
    def is_available(cls) -> bool:
        return True

    def compile_block(self, block):
        if block != "run":
            return None
        memory = self._memory()
        source = self.code.run.replace("%CONSTANTS%", self._declarations(memory))
        headers = self.compiler_kwds["headers"]
        source = "".join(f"#include {header}\n" for header in headers) + source
        folders = [Path(folder) for folder in self.compiler_kwds["include_dirs"]]
        function = ctypes.CDLL(str(shared_library(source, folders))).neuro_ep_run
        function.restype = None
        pointers = (ctypes.c_void_p * max(len(memory), 1))(
            *(values.ctypes.data for values in memory.values())
        )
        self.namespace.update(memory)  # keeps tables of functions alive
        return lambda: function(pointers)

    def run_block(self, block):
        if self.compiled_code[block] is not None:
            self.compiled_code[block]()

    def _memory(self) -> dict[str, np.ndarray]:
        """What the kernel reads and writes: arrays, and the tables of functions."""
        memory: dict[str, np.ndarray] = {}
        for variable in self.variables.values():
            if isinstance(variable, ArrayVariable):
                name = get_device().get_array_name(variable)
                memory.setdefault(name, variable.get_value())
            elif isinstance(variable, Function):
                implementation = variable.implementations[type(self)]
                memory.update(implementation.get_namespace(self.owner) or {})
        return memory

    def _declarations(self, memory) -> str:
        """Array pointers, their lengths and the constants, as C++ declarations."""
        render = CPPNodeRenderer().render_expr
        lines = []
        for number, (name, values) in enumerate(memory.items()):
            kind = c_data_type(values.dtype)
            lines.append(f"{kind}* const {name} = ({kind}*) _arrays[{number}];")
        for name, variable in self.variables.items():
            if isinstance(variable, ArrayVariable):
                lines.append(f"const size_t _num{name} = {variable.size};")
            elif isinstance(variable, Constant):
                kind, value = c_data_type(variable.dtype), render(repr(variable.value))
                lines.append(f"const {kind} {name} = {value};")
        return "\n".join(lines)


def shared_library(source: str, folders: Sequence[Path] = (KERNELS,)) -> Path:
    """Compile one operation with headers of these folders, or find it in the cache."""
    _, flags = get_compiler_and_args()
    command = [
        *[os.environ.get("CXX", "g++"), *flags, "-shared", "-fPIC"],
        *[f"-I{folder}" for folder in folders],
        f"-I{BRIAN2 / 'synapses'}",
        f"-I{BRIAN2 / 'devices' / 'cpp_standalone' / 'brianlib'}",
    ]
    link = [f"-L{BLAS_FOLDER}", f"-Wl,-rpath,{BLAS_FOLDER}", f"-l{BLAS_LIBRARY}"]
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    kernels = "".join(path.read_text() for path in files)
    key = hashlib.sha256("\0".join([*command, *link, kernels, source]).encode())
    library = cache_folder() / f"dense_{key.hexdigest()[:24]}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            text, built = Path(folder, "dense.cpp"), Path(folder, "dense.so")
            text.write_text(source)
            run = subprocess.run(
                [*command, str(text), "-o", str(built), *link],
                capture_output=True,
                text=True,
            )
            if run.returncode:
                raise RunError(f"the C++ compiler refused a kernel:\n{run.stderr}")
            built.replace(library)
    return library


def dense_code_object_class() -> type[CodeObject]:
    """The class that runs dense operations on the device and target chosen now."""
    device = get_device()
    if isinstance(device, CPPStandaloneDevice):
        return DenseStandaloneCodeObject
    chosen = device.code_object_class(None)
    return (
        DenseNumpyCodeObject if chosen is NumpyCodeObject else DenseCompiledCodeObject
    )


def derived_code_objects(package: str, name: str) -> dict[type, type]:
    """Code objects of the dense engine -> the same ones for another package.

    They look for their templates in the folders of that package first, which are called
    as those of the engine are (``templates_numpy``, ``templates_cpp``, and what differs
    between compiled targets in ``templates_standalone`` and ``templates_compiled``).
    """
    own: dict[type[Any], tuple[str, ...]] = {
        DenseNumpyCodeObject: ("templates_numpy",),
        DenseStandaloneCodeObject: ("templates_cpp", "templates_standalone"),
        DenseCompiledCodeObject: ("templates_cpp", "templates_compiled"),
    }
    root = Path(str(import_module(package).__file__)).parent
    derived: dict[type, type] = {}
    for base, folders in own.items():
        found = tuple(folder for folder in folders if (root / folder).is_dir())
        templater = base.templater.derive((package,) * len(found), templates_dir=found)
        kind = base.__name__.removeprefix("Dense")
        derived[base] = type(
            f"{name.capitalize()}{kind}",
            (base,),
            {
                "__doc__": f"The engine's {kind} with the templates of {package}.",
                "__module__": __name__,
                "class_name": f"neuro_ep_{name}_{kind}",
                "templater": templater,
            },
        )
    return derived


def python_headers_available() -> bool:
    """Whether Brian2's Cython target can compile here at all (it needs Python.h)."""
    import sysconfig

    header = Path(sysconfig.get_path("include"), "Python.h")
    return header.exists() and importlib.util.find_spec("Cython") is not None
