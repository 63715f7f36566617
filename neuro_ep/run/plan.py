"""What running a built network takes: names, sizes and numbers, without Brian2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neuro_ep.build.wiring import wiring
from neuro_ep.errors import InputError
from neuro_ep.records.probe import Track
from neuro_ep.records.settings import Settings

if TYPE_CHECKING:
    from neuro_ep.build.network import LayeredNetwork

#: A run in C++ ends by itself after its last presentation; this many steps never come.
ENDLESS_STEPS = 10**9


@dataclass(frozen=True)
class Start:
    """How a learned variable begins where nothing else is said: its shape, its value
    in units of the weights.
    """

    shape: tuple[int, int]
    value: float


@dataclass(frozen=True)
class Plan:
    """What running a network takes.

    layers
        Their names, from input to output.
    activity
        The variable of a layer that is its activity, None where none is stored.
    weights
        Projection -> ``"group.variable"`` that is learned.
    starts
        Projection -> how it begins.
    unit
        Of the weights, in SI units.
    presentations, capacity, random_sign
        The name of the group that shows samples, how many batches one run can show,
        and whether each draws the sign of beta.
    values
        ``"group.variable"`` -> value in SI units, for all that does not change.
    held
        Projections whose clamped source is paid for once a presentation.
    symmetric
        Learned variables that must equal their transpose.
    carried
        ``"group.variable"`` that is not learned, but goes on from epoch to epoch.
    dtype
        The type of inputs, states and weights.
    order
        All that a step does, in its order; columns as in
        :data:`neuro_ep.records.moment.COLUMNS`.
    tracks
        What it can write to files while it runs.
    """

    settings: Settings
    layers: tuple[str, ...]
    activity: str | None
    weights: Mapping[str, str]
    starts: Mapping[str, Start]
    unit: float
    presentations: str
    capacity: int
    random_sign: bool
    values: Mapping[str, np.ndarray | float]
    held: tuple[str, ...]
    symmetric: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    dtype: str = "float64"
    order: tuple[tuple[str, str, float, str, str], ...] = ()
    tracks: tuple[Track, ...] = ()


#: Between a weight and the one of the other direction, beside the largest: rounding.
SYMMETRIC = 1e-4


def refuse_directed(plan: Plan, values: Mapping):
    """Raises InputError for values that differ from their transpose and must not."""
    for name in plan.symmetric:
        if name not in values:
            continue
        flat = np.asarray(values[name])
        matrix = flat.reshape(math.isqrt(flat.size), -1)
        gap = np.abs(matrix - matrix.T)
        if gap.max() > SYMMETRIC * np.abs(matrix).max():
            i, j = np.unravel_index(gap.argmax(), gap.shape)
            raise InputError(
                f"{name}[{i}, {j}] = {matrix[i, j]:g} and {name}[{j}, {i}] = "
                f"{matrix[j, i]:g}: a pair of neurons has one weight, give a symmetric "
                "matrix, such as (w + w.T)/2"
            )


def plan_of(network: LayeredNetwork) -> Plan:
    """What running a built network takes."""
    from neuro_ep.build.order import order_of

    model, settings = network.model, network.settings
    group = network.presentations
    edges = {edge.name: edge for edge in wiring(model, settings)}
    return Plan(
        settings=settings,
        layers=tuple(layer.name for layer in network.layers),
        activity=model.activity,
        weights=network.weights,
        starts={
            name: Start(edges[name].shape, edges[name].kind.initial)
            for name in network.weights
        },
        unit=float(model.synapse.parameters["v_unit"]),
        presentations=group.name,
        capacity=group.shape["capacity"],
        random_sign=network.protocol.random_sign,
        values=network.values,
        held=tuple(
            name
            for name, synapses in network.projections.items()
            if getattr(synapses, "held", None)
        ),
        symmetric=tuple(
            network.weights[name]
            for name in network.weights
            if edges[name].kind.symmetric
        ),
        carried=network.carried,
        dtype=network.dtype.name,
        order=order_of(network),
        tracks=network.tracks,
    )
