"""Which variables of dense synapses ``get_states`` and ``set_states`` have."""

from __future__ import annotations

from collections.abc import Iterable

from brian2.core.variables import ArrayVariable, Constant, Subexpression

from neuro_ep.engine.dense.operations import LOOP_INDICES
from neuro_ep.errors import InputError


def own_states(synapses, keywords) -> list[str]:
    """What ``get_states`` gives if nothing is named: variables of their own."""
    return [
        name
        for name, variable in synapses.variables.items()
        if not name.startswith("_")
        and isinstance(variable, (ArrayVariable, Constant))
        and getattr(variable, "owner", None) in (synapses, None, synapses._clock)
        and (keywords.get("read_only_variables", True) or not variable.read_only)
        and not _is_of_neurons(synapses, name)
    ]


def check_states(synapses, names: Iterable[str]):
    """Raises InputError for what is not stored in these synapses."""
    for name in names:
        variable = synapses.variables.get(name)
        if variable is None:
            raise InputError(f"'{synapses.name}' has no variable '{name}'")
        if _is_of_neurons(synapses, name):
            raise InputError(
                f"'{name}' belongs to the neurons that '{synapses.name}' joins: read "
                "and set it there"
            )
        if isinstance(variable, Subexpression):
            raise InputError(
                f"'{name}' is a subexpression of '{synapses.name}', which is not "
                "stored: compute it from the variables it is made of"
            )


def _is_of_neurons(synapses, name: str) -> bool:
    indices = set(LOOP_INDICES) - {"_replicated"}
    return synapses.variables.indices[name] in indices
