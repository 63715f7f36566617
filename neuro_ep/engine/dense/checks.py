"""What dense synapses refuse, each with what to do instead."""

from __future__ import annotations

import numbers
from collections.abc import Mapping

from brian2.core.functions import Function
from brian2.core.network import Network
from brian2.equations.equations import (
    DIFFERENTIAL_EQUATION,
    PARAMETER,
    SUBEXPRESSION,
    Equations,
)
from brian2.groups.subgroup import Subgroup
from brian2.synapses.synapses import SummedVariableUpdater
from brian2.units.fundamentalunits import fail_for_dimension_mismatch

from neuro_ep.engine.dense.sums import SummedOperation
from neuro_ep.errors import InputError

ALLOWED_FLAGS = {
    DIFFERENTIAL_EQUATION: ["clock-driven", "replicated"],
    SUBEXPRESSION: ["summed", "shared"],
    PARAMETER: ["constant", "shared", "replicated"],
}

#: What a flag of ``Synapses`` that has no meaning here should become.
INSTEAD = {
    "event-driven": (
        "all synapses of a neuron share a trace of its spikes, so put it into the "
        "neurons, where it decays by -x/tau and reset adds x += 1, and read x_pre or "
        "x_post; or use (clock-driven)"
    ),
    "linked": "read the variable with the suffix _pre or _post",
    "constant over dt": "put it into the neuron model and read it with _pre or _post",
    "unless refractory": "multiply the right-hand side by a neuron variable",
}

#: Flags that contradict each other, in pairs.
EXCLUSIVE = ({"summed", "shared"}, {"shared", "replicated"})


def refuse_unsupported(source, target, method, delay):
    if delay is not None:
        raise InputError(
            f"delay={delay}: events of DenseSynapses arrive in the step in which they "
            "happen; use Synapses, or let a variable of the neurons keep them"
        )
    if method != "euler":
        raise InputError(
            f"method={method!r}: DenseSynapses integrates with 'euler'; use a smaller "
            "dt for the synapses, or Synapses for other methods"
        )
    for group in (source, target):
        if isinstance(group, Subgroup):
            raise InputError(
                f"'{group.name}' is a subgroup: DenseSynapses connects whole groups; "
                "make it a NeuronGroup of its own"
            )


def checked_replicas(replicas, source, target) -> int:
    if not isinstance(replicas, numbers.Integral) or replicas < 1:
        raise InputError(f"replicas={replicas!r}: give a whole number from 1")
    for group in (source, target):
        if len(group) % replicas:
            raise InputError(
                f"'{group.name}' has {len(group)} neurons, which is not a multiple of "
                f"replicas={replicas}: give it replicas * n neurons"
            )
    return int(replicas)


def check_flags(model: Equations):
    for equation in model.values():
        for flag in equation.flags:
            if flag not in ALLOWED_FLAGS[equation.type]:
                remedy = INSTEAD.get(flag, "leave it out")
                raise InputError(
                    f"'{equation.varname}': flag ({flag}) is not available in "
                    f"DenseSynapses; {remedy}"
                )
        for pair in EXCLUSIVE:
            if pair <= set(equation.flags):
                first, second = sorted(pair)
                raise InputError(
                    f"'{equation.varname}': ({first}) and ({second}) exclude each "
                    "other; leave one of them out"
                )


def refuse_noise(equations: Mapping, functions: Mapping):
    """No random numbers: a right-hand side may be evaluated in any order, or once."""
    for name, equation in equations.items():
        identifiers = set() if equation.expr is None else equation.expr.identifiers
        for found in sorted(identifiers):
            function = functions.get(found)
            random = isinstance(function, Function) and not function.stateless
            if random or found == "xi" or found.startswith("xi_"):
                raise InputError(
                    f"'{name}': {found} is random, which DenseSynapses does not "
                    "evaluate; draw it in the neuron model, as a subexpression "
                    "(constant over dt), and read it with _pre or _post"
                )


def check_summed(synapses, equation):
    """The target must exist as a parameter of its group, and have the same unit."""
    name = equation.varname
    stem, _, side = name.rpartition("_")
    if side not in ("pre", "post"):
        raise InputError(
            f"the summed variable '{name}' does not end in '_pre' or '_post'"
        )
    group = synapses.target if side == "post" else synapses.source
    found = getattr(group, "equations", {}).get(stem)
    if found is None or found.type != PARAMETER:
        raise InputError(
            f"the summed variable '{name}' needs a parameter '{stem}' in the equations "
            f"of '{group.name}'"
        )
    fail_for_dimension_mismatch(
        equation.dim,
        found.dim,
        "Summed variables need to have the same units in DenseSynapses and the target "
        "group",
    )


def check_named(adds, sum_order, summed):
    """``adds`` and ``sum_order`` name summed variables."""
    known = [equation.varname for equation in summed]
    for name in sorted({*adds, *sum_order} - set(known)):
        raise InputError(
            f"'{name}' is not a summed variable of these synapses, which have "
            f"{', '.join(known) or 'none'}"
        )


def check_written_once(synapses, summed):
    """With one group on both sides, I_pre and I_post are the same variable."""
    names: dict = {}
    for equation in summed:
        other = names.setdefault(synapses.variables[equation.varname], equation.varname)
        if other != equation.varname:
            raise InputError(
                f"the summed variables '{other}' and '{equation.varname}' set the same "
                f"variable of '{synapses.target.name}'; give it one for each and add "
                "them there"
            )


def refuse_second_writer(synapses):
    """No other object of the network may set a summed variable that this one sets."""
    mine = {
        synapses.variables[eq.varname]: eq
        for eq in synapses.summed_equations
        if eq.varname not in synapses.adds
    }
    for network in [reference() for reference in Network.__instances__()]:
        objects = [] if network is None else network.sorted_objects
        if not any(item is synapses for item in objects):
            continue
        for item in objects:
            for target in _summed_targets(item):
                if target in mine and item not in synapses.contained_objects:
                    raise InputError(
                        f"'{item.name}' and '{synapses.name}' both set "
                        f"'{target.name}' of '{target.owner.name}'; give each a "
                        "variable of its own and add them in the neuron equations, or "
                        "let the later one add (adds=)"
                    )


def _summed_targets(item) -> list:
    if isinstance(item, SummedVariableUpdater):
        return [item.target_var]
    if isinstance(item, SummedOperation):
        return [
            item.group.variables[eq.varname]
            for eq in item.equations
            if eq.varname not in item.group.adds
        ]
    return []
