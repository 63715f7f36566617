"""Code that runs on all synapses, but only at the steps that a shared variable opens.

Updates at the end of a presentation: what they cost is not paid at every step.
"""

from __future__ import annotations

import re

import numpy as np
from brian2.core.variables import ArrayVariable
from brian2.parsing.statements import parse_statement
from brian2.utils.stringtools import get_identifiers

from neuro_ep.engine.dense.names import NUMBERS, refuse_unowned
from neuro_ep.engine.dense.operations import LOOP_INDICES, DenseOperation
from neuro_ep.errors import InputError

#: Ends the name of a variable of the synapse between the same neurons, the other way.
TRANSPOSED = "_transposed"


class GatedOperation(DenseOperation):
    """Brian2 code, run on every synapse where the gate is not zero."""

    template = "dense_gated"

    def __init__(self, synapses, code: str, gate: str, when: str, order: float, name):
        refuse_neurons(synapses, code, NUMBERS)
        if not getattr(synapses.variables.get(gate), "scalar", False):
            raise InputError(
                f"'{gate}' is not a shared variable of '{synapses.name}': declare it "
                "(shared), and it opens this code where it is not zero"
            )
        name = name or f"{synapses.name}_where_{gate}*"
        super().__init__(synapses, name, synapses.clock, when, order)
        self.code, self.gate = code, gate
        self.turned = sorted(
            identifier.removesuffix(TRANSPOSED)
            for identifier in get_identifiers(code)
            if identifier.endswith(TRANSPOSED)
        )
        for variable in self.turned:
            _check_turned(synapses, variable)

    def describe(self, run_namespace):
        self.blocks["update"] = self.code
        return {
            "gate": self.use(self.gate),
            "turned": [(name + TRANSPOSED, self.use(name)) for name in self.turned],
            "outside": [name + TRANSPOSED for name in self.turned],
            "numbers": NUMBERS,
        }


def refuse_neurons(synapses, code: str, known=()):
    """Raises InputError where code names what is not one a synapse, or shared.

    ``known`` are names that have a value there.
    """
    refuse_unowned(synapses, "code that runs on DenseSynapses", _read(code), known)
    for name in sorted(get_identifiers(code) - set(known)):
        index = synapses.variables.indices.get(name)
        if name in synapses.variables and index in LOOP_INDICES:
            raise InputError(
                f"code that runs on DenseSynapses cannot use '{name}', which is not "
                "one a synapse; write it into the equations, or run_regularly on the "
                "neurons"
            )


def _read(code: str) -> set[str]:
    """The names in code, without those that it assigns for itself."""
    lines = [line.strip() for line in re.split(r"[;\n]", code)]
    assigned = {parse_statement(line)[0] for line in lines if line}
    return get_identifiers(code) - assigned


def _check_turned(synapses, name: str):
    variable = synapses.variables.get(name)
    known = isinstance(variable, ArrayVariable) and not variable.scalar
    if not known or synapses.source is not synapses.target:
        raise InputError(
            f"'{name}{TRANSPOSED}' needs a variable '{name}' of synapses from a group "
            f"onto itself, which '{synapses.name}' does not have"
        )
    assert np.dtype(variable.dtype) == synapses.dtype
