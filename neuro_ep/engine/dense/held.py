"""Held sources: pay for what changes, not for synapses, and approximate nothing.

Where the presynaptic activity ``x`` (replicas x n_pre) stays as it is for many steps,

- the current ``x w`` is computed when ``x`` changes, not at every step;
- a change ``dw = x^T d(t)`` is kept as ``pending = sum d(t)`` (replicas x n_post) and
  written once, ``w += x^T pending``, when ``x`` changes, the run ends, or ``w`` is
  read; meanwhile the current is ``x w + (x x^T) pending``.

That a source is held is found out, not declared: it has no differential equations, and
its values are compared with a copy at every step. In a compiled network where nothing
but the clock of presentations can change them, the clock announces a change before it
makes one, and neither copy nor comparison is needed. A rule qualifies if every term of
its right-hand side is ``c * x_pre * g(post)``; a decay term, feedback onto the source,
or another object that reads ``w`` while the network runs, and the plain path is taken.
"""

from __future__ import annotations

import numpy as np
from brian2.core.network import Network
from brian2.core.variables import ArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.groups.neurongroup import (
    NeuronGroup,
    StateUpdater,
    SubexpressionUpdater,
    Thresholder,
)
from brian2.monitors import PopulationRateMonitor, SpikeMonitor, StateMonitor

from neuro_ep.engine.dense.codeobjects import (
    DenseNumpyCodeObject,
    dense_code_object_class,
)

ARRAYS = ("_held_source", "_held_current", "_held_pending", "_held_gram", "_held_flags")

#: Objects that change no parameter of neurons.
HARMLESS = (
    NeuronGroup,
    StateUpdater,
    SubexpressionUpdater,
    Thresholder,
    StateMonitor,
    SpikeMonitor,
    PopulationRateMonitor,
)


def held_source(synapses) -> dict[str, str] | None:
    """Names of the source, the weight and the current that are held, or None."""
    if len(synapses.summed_equations) != 1 or synapses.pathways:
        return None
    if dense_code_object_class() is DenseNumpyCodeObject:
        return None
    current = synapses.summed_equations[0].varname
    if current in synapses.adds:
        return None
    terms = synapses.terms(current)
    if not current.endswith("_post") or terms is None or len(terms) != 1:
        return None
    found = {"source": terms[0].pre, "matrix": terms[0].matrix, "current": current}
    if terms[0].matrix is None or terms[0].post != "1":
        return None
    if not _is_constant(synapses, found["source"]) or not _is_float(synapses, current):
        return None
    if not _plasticity_fits(synapses, found) or _is_watched(synapses, found["matrix"]):
        return None
    return found


def kept_arrays(synapses, source: str, announced: bool) -> dict[str, str]:
    """What the held path keeps from step to step -> the name of the array it is in.

    Flags are (valid, pending). An announced source is its own copy.
    """
    replicas, n_pre, n_post = synapses.replicas, synapses.N_pre, synapses.N_post
    sizes = (replicas * n_pre, *[replicas * n_post] * 2, replicas**2, 2)
    names = dict(zip(ARRAYS, ARRAYS, strict=True))
    if announced:
        names[ARRAYS[0]] = source
    for name, size in zip(ARRAYS, sizes, strict=True):
        if names[name] == name and name not in synapses.variables:
            dtype = np.int32 if name == ARRAYS[-1] else synapses.dtype
            synapses.variables.add_array(name, size=size, dtype=dtype)
    return names


def is_announced(synapses, source: str) -> bool:
    """Whether every change of a held source is announced before it happens."""
    networks = _networks_of(synapses)
    if not networks or not isinstance(get_device(), CPPStandaloneDevice):
        return False
    variable = synapses.variables[source]
    return not any(
        _can_change(item, variable)
        for network in networks
        for item in _with_parts(network.objects)
    )


def _can_change(item, variable: ArrayVariable) -> bool:
    """Whether an object may set a variable of neurons, and does not announce it."""
    if isinstance(item, HARMLESS) or getattr(item, "announces", False):
        return False
    owner = getattr(item, "group", item)
    sets = getattr(item, "sets", getattr(owner, "sets", None))  # dense synapses say
    if sets is not None:
        return any(other is variable for other in sets)
    return _knows(item, variable)


def settle(synapses, forget: bool = False):
    """Write pending changes into the weights; ``forget`` also drops the current.

    For code that reads weights from Python; compiled programs do it themselves.
    """
    if ARRAYS[0] not in synapses.variables:
        return
    source, _, pending, _, flags = (
        synapses.variables[name].get_value() for name in ARRAYS
    )
    if flags[1]:
        shape = (synapses.replicas, synapses.N_pre)
        name = synapses.equations.diff_eq_names
        weights = synapses.variables[next(iter(name))].get_value()
        change = source.reshape(shape).T @ pending.reshape(synapses.replicas, -1)
        weights += change.ravel()
        pending[:] = 0
        flags[1] = 0
    if forget:
        flags[0] = 0


def _is_constant(synapses, name: str) -> bool:
    """A parameter of neurons that no differential equation changes."""
    variable = synapses.variables.get(name)
    equations = getattr(synapses.source, "equations", None)
    return (
        isinstance(variable, ArrayVariable)
        and not variable.scalar
        and variable.dtype == synapses.dtype
        and equations is not None
        and not equations.diff_eq_names
        and synapses.source is not synapses.target
    )


def _is_float(synapses, name: str) -> bool:
    return synapses.variables[name].dtype == synapses.dtype


def _plasticity_fits(synapses, found) -> bool:
    """No plasticity, or one of terms ``c * source * g(post)`` alone."""
    states = synapses.equations.diff_eq_names
    if not states:
        return True
    terms = synapses.terms(found["matrix"]) if states == {found["matrix"]} else None
    return terms is not None and all(
        term.matrix is None and term.pre == found["source"] for term in terms
    )


def _with_parts(objects) -> list:
    """Objects and all that they contain, in no particular order."""
    parts = [_with_parts(item.contained_objects) for item in objects]
    return [*objects, *(item for found in parts for item in found)]


def _is_watched(synapses, matrix: str) -> bool:
    """Whether another object of the network reads or writes the weights."""
    variable = synapses.variables[matrix]
    own = [synapses, *synapses.operations]
    return any(
        _knows(item, variable)
        for network in _networks_of(synapses)
        for item in _with_parts(network.objects)
        if not any(item is mine for mine in own)
    )


def _networks_of(synapses) -> list[Network]:
    networks = [reference() for reference in Network.__instances__()]
    return [
        network
        for network in networks
        if network is not None
        and any(item is synapses for item in _with_parts(network.objects))
    ]


def _knows(item, variable: ArrayVariable) -> bool:
    """Whether an object, or the group it belongs to, has a variable."""
    owner = getattr(item, "group", item)
    known = [*getattr(owner, "variables", {}).values()]
    known += getattr(item, "variables", {}).values()
    return any(other is variable for other in known)
