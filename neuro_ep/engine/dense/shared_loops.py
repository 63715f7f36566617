"""Loops over many neurons, shared by OpenMP threads in C++ standalone.

Brian2 shares every loop or none. Here only those of large groups are, in whole vectors,
so that results do not depend on the number of threads (``dense/kernels/threads.hpp``).
"""

from __future__ import annotations

from brian2.core.functions import Function
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device

#: Loops over so many neurons are shared: threads take about a microsecond to meet.
LARGE = 4096


def is_shared(variables) -> bool:
    """Whether threads share the loop over neurons of code with these variables.

    Not with functions that remember, such as ``rand``: threads would call one at once.
    """
    alone = any(
        isinstance(variable, Function) and not variable.stateless
        for variable in variables.values()
    )
    return not alone and getattr(variables["N"], "value", 0) >= LARGE


class SharedLoopsCodeObject(CPPStandaloneCodeObject):
    """State updates and regular code of neurons."""

    class_name = "neuro_ep_shared_loops"
    templater = CPPStandaloneCodeObject.templater.derive(
        "neuro_ep.engine.dense",
        env_globals={"is_shared": is_shared},
        templates_dir="templates_standalone",
    )


def neuron_code_object_class() -> type | None:
    """For NeuronGroup's ``codeobj_class``: None leaves the choice to Brian2."""
    if isinstance(get_device(), CPPStandaloneDevice):
        return SharedLoopsCodeObject
    return None
