"""Which layers are joined by which synapses, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from neuro_ep.errors import InputError
from neuro_ep.records.filters import ALL, Filter, Shape, read_filter
from neuro_ep.records.model import NetworkModel, SynapseModel
from neuro_ep.records.settings import Settings

#: The group of one unit a replica that biases come from.
ONE = "one"


def layer_names(layers: Iterable[int]) -> list[str]:
    """``input, hidden, output``; ``hidden_1, hidden_2`` where there are more."""
    depth = len(list(layers)) - 2
    hidden = ["hidden"] if depth == 1 else [f"hidden_{k + 1}" for k in range(depth)]
    return ["input", *hidden, "output"]


@dataclass(frozen=True)
class Edge:
    """Synapses between two layers, given by their numbers from the input.

    pre
        None for a bias.
    rate
        The number of the projection whose learning rate they have.
    shape
        Of the weights: rows, columns.
    filter, maps
        How weights are shared between positions, None where they are not; and the
        (channels, height, width) of the layer that they come from.
    """

    name: str
    kind: SynapseModel
    pre: int | None
    post: int
    rate: int
    shape: tuple[int, int]
    filter: Filter | None = None
    maps: Shape | None = None


def wiring(model: NetworkModel, settings: Settings) -> list[Edge]:
    """All synapses between layers, from input to output: forward, bias, backward.

    Raises
    ------
    InputError
        For filters that this physics has no synapses for.
    """
    edges: list[Edge] = []
    begun: set[int] = set()
    for rate, (_, post) in enumerate(settings.edges):
        forward = _forward(model, settings, rate)
        edges.append(forward)
        if post not in begun and forward.kind.weight is not None:
            edges += _from_one(model, settings, post, rate)
        begun.add(post)
    if model.backward is None:
        return edges
    if settings.filters:
        raise InputError(
            "filters: backward weights of their own have none; choose a rule with one "
            "weight for both directions"
        )
    return edges + _backward(model.backward, settings)


def _forward(model: NetworkModel, settings: Settings, rate: int) -> Edge:
    (pre, post), names = settings.edges[rate], layer_names(settings.layers)
    name, size = f"{names[pre]}_to_{names[post]}", settings.layers
    found = read_filter(settings.filters[rate] if settings.filters else ALL)
    if found is None:
        kind = model.synapse if pre != post else model.lateral or model.synapse
        return Edge(name, kind, pre, post, rate, (size[pre], size[post]))
    maps = settings.shapes[pre]
    shared = model.pool if found.is_average else model.synapse
    if shared is None:
        raise InputError(
            f"filters: {settings.filters[rate]!r} needs neurons that average, which "
            "this rule has not; use a convolution with a stride"
        )
    shape = (maps[0] * found.kernel**2, found.channels)
    return Edge(name, shared, pre, post, rate, shape, found, maps)


def _from_one(model: NetworkModel, settings: Settings, post: int, rate: int):
    """Biases and what else comes from the one unit; one a channel where there are."""
    name, maps = layer_names(settings.layers)[post], settings.shapes.get(post)
    shape = (1, maps[0] if maps else settings.layers[post])
    return [
        Edge(f"{key}_{name}", kind, None, post, rate, shape, maps=maps)
        for key, kind in {"bias": model.bias, **model.local}.items()
    ]


def _backward(kind: SynapseModel, settings: Settings) -> list[Edge]:
    names, size = layer_names(settings.layers), settings.layers
    return [
        Edge(
            f"{names[post]}_to_{names[pre]}",
            *(kind, post, pre, rate),
            shape=(size[post], size[pre]),
        )
        for rate, (pre, post) in enumerate(settings.edges)
        if pre > 0
    ]
