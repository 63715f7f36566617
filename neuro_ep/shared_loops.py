"""Loops over many neurons, shared by OpenMP threads in C++ standalone.

Brian2 shares every loop or none. Here only those of large groups are: threads take
about a microsecond to meet, as long as a thousand neurons take.
"""

from __future__ import annotations

from brian2.core.functions import Function
from brian2.devices.cpp_standalone.codeobject import (
    CPPStandaloneCodeObject,
    openmp_pragma,
)
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from jinja2 import pass_context

#: Loops over so many neurons are shared.
LARGE = 4096


@pass_context
def shared_where_large(context, kind: str) -> str:
    """Brian2's pragma; for the loop over many neurons that of a shared loop.

    Not with functions that remember, such as ``rand``: threads would call one at once.
    """
    if kind != "parallel-static":
        return openmp_pragma(kind)
    variables = context.get("variables", {})
    size = getattr(variables.get("N"), "value", 0)
    alone = any(
        isinstance(variable, Function) and not variable.stateless
        for variable in variables.values()
    )
    shared = size >= LARGE and not alone
    return "#pragma omp parallel for simd schedule(static)" if shared else ""


class SharedLoopsCodeObject(CPPStandaloneCodeObject):
    """State updates and regular code of neurons."""

    class_name = "neuro_ep_shared_loops"
    templater = CPPStandaloneCodeObject.templater.derive(
        "neuro_ep.dense",
        env_globals={"openmp_pragma": shared_where_large},
        templates_dir="templates_standalone",
    )


def neuron_code_object_class() -> type | None:
    """For NeuronGroup's ``codeobj_class``: None leaves the choice to Brian2."""
    if isinstance(get_device(), CPPStandaloneDevice):
        return SharedLoopsCodeObject
    return None
