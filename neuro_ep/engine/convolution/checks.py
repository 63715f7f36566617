"""What these synapses refuse, each with what to do instead."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

from neuro_ep.engine.convolution.geometry import Convolution
from neuro_ep.engine.convolution.operations import plastic_terms
from neuro_ep.engine.dense.checks import checked_replicas
from neuro_ep.errors import InputError


def checked_number(name: str, value, least: int) -> int:
    if not isinstance(value, numbers.Integral) or value < least:
        raise InputError(f"{name}={value!r}: give a whole number from {least}")
    return int(value)


def checked_pair(name: str, value) -> tuple[int, int]:
    """Two sizes; one number stands for both."""
    pair = (value, value) if isinstance(value, numbers.Integral) else value
    if not isinstance(pair, Sequence) or len(pair) != 2:
        raise InputError(f"{name}={value!r}: give one whole number, or two in a tuple")
    return checked_number(name, pair[0], 1), checked_number(name, pair[1], 1)


def checked_shape(shape) -> tuple[int, int, int]:
    if not isinstance(shape, Sequence) or len(shape) != 3:
        raise InputError(f"shape={shape!r}: give (channels, height, width)")
    channels, height, width = (checked_number("shape", size, 1) for size in shape)
    return channels, height, width


def check_window(geometry: Convolution):
    """There is a position for the kernel."""
    if geometry.rows < 1 or geometry.columns < 1:
        raise InputError(
            f"kernel={geometry.kernel_height, geometry.kernel_width} is larger than "
            f"the maps of {geometry.height} x {geometry.width} with "
            f"padding={geometry.padding}: choose a smaller kernel or more padding"
        )


def check_size(group, needed: int, replicas, what: str):
    """A replica of the group has as many neurons as the geometry says."""
    found = len(group) // checked_replicas(replicas, group, group)
    if found != needed:
        raise InputError(
            f"'{group.name}' has {found} neurons a replica, but {what} {needed}: give "
            f"it {needed} times replicas={replicas} neurons"
        )


def refuse_inseparable(synapses):
    """Every right-hand side must be a sum of products, one factor for each end."""
    terms = {eq.varname: synapses.terms(eq.varname) for eq in synapses.summed_equations}
    for name in synapses.equations.diff_eq_names:
        terms[name] = plastic_terms(synapses, synapses.substituted[name])
    for name, found in sorted(terms.items()):
        if found is None:
            raise InputError(
                f"'{name}': {type(synapses).__name__} needs a sum of products of "
                "presynaptic factors, postsynaptic factors and at most one synaptic "
                "variable, such as eta*x_pre - eta*y_post, not eta*(x_pre - y_post); "
                "put functions of one neuron into the neuron model and limits on "
                "weights into run_regularly"
            )
