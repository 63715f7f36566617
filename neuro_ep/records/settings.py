"""The numbers and names that a user may turn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from neuro_ep.errors import InputError
from neuro_ep.records.filters import Shape, map_shapes, read_filter
from neuro_ep.records.parameter import DECLARED, checked, suggestion

#: Bytes of weights and states beyond which a network is refused.
LARGEST = 2**40


@dataclass(frozen=True)
class Settings:
    """The numbers a user may turn, all dimensionless.

    layers
        Units per layer from input to output.
    connections
        Pairs of layers (from, to), numbered from the input, that synapses join: every
        layer to the next if not given. A layer may be joined to itself.
    filters, image
        A word a projection, see :mod:`neuro_ep.records.filters`, where weights
        are shared between positions, and the (channels, height, width) of the input.
    eta
        Learning rate of gradient descent on the cost, one per projection from input to
        output, or one per connection where they are given (a single number serves all),
        averaged over the batch.
    beta
        Strength of nudging, without its sign.
    free, nudged
        Length of the phases, in time constants of the neurons.
    step
        Euler step, in time constants.
    batch
        Replicas that share the weights and are presented together.
    plastic_every
        Steps from one opening of plasticity to the next; the changes add up to the
        same as long as the neurons do not see them.
    tolerance
        A phase ends early once every neuron moves by less than this per time constant;
        0 keeps phases at their full length.
    alpha
        Weight of the first state of a dyad in its mean, from 0 to 1.
    decay
        Share of a weight that is lost in every presentation.
    weight_angle
        Degrees between forward and backward weights at the start, for rules that have
        both.
    nudging, activation, dynamics, plasticity
        Names, see the model file of the rule.
    judged
        Share of a run, at its end, in which the cost counts; 0: its final instant. For
        rules whose cost is over time.
    read
        Units of the last layer, the last ones, that are the output; 0: all.
    friction
        Rate at which momenta are lost, one for all neurons, per time constant, for
        rules whose neurons have some.
    optimiser
        Name, see the model file of the rule.
    cost
        "squared-error", one half of it summed over outputs, or "cross-entropy" of a
        softmax.
    """

    layers: tuple[int, ...]
    eta: tuple[float, ...]
    beta: float
    free: float
    nudged: float
    step: float
    batch: int = 20
    epochs: int = 50
    nudging: str = "random-sign"
    activation: str = "sigmoid"
    dynamics: str = "continuous"
    plasticity: str = "difference"
    plastic_every: int = 1
    tolerance: float = 0.0
    alpha: float = 0.5
    decay: float = 0.0
    weight_angle: float = 0.0
    connections: tuple[tuple[int, int], ...] = ()
    filters: tuple[str, ...] = ()
    image: tuple[int, ...] = ()
    judged: float = 1.0
    read: int = 0
    friction: float = 0.0
    optimiser: str = "gradient-descent"
    cost: str = "squared-error"

    def __post_init__(self):
        for name, parameter in DECLARED.items():
            value = getattr(self, name)
            if parameter.kind != "name":  # a rule says which names it knows
                value = checked(parameter, value)
            object.__setattr__(self, name, value)
        enough = len(self.layers) >= 2
        _check(enough, "layers", self.layers, "name at least two, such as 64,10")
        read = self.read <= self.layers[-1]
        _check(read, "read", self.read, "units of the last layer, or 0 for all")
        self._check_connections()
        self._check_filters()
        _check_size(self)
        projections = len(self.edges)
        if len(self.eta) == 1:
            object.__setattr__(self, "eta", self.eta * projections)
        remedy = f"one learning rate, or {projections}: one per projection"
        _check(len(self.eta) == projections, "eta", self.eta, remedy)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of layers (from, to) that synapses join."""
        chain = range(len(self.layers) - 1)
        return self.connections or tuple((k, k + 1) for k in chain)

    @property
    def dense_edges(self) -> tuple[tuple[int, int], ...]:
        """Those whose weights join all units to all."""
        if not self.filters:
            return self.edges
        words = zip(self.edges, self.filters, strict=True)
        return tuple(edge for edge, word in words if read_filter(word) is None)

    @property
    def shapes(self) -> dict[int, Shape]:
        """Layer -> (channels, height, width), for those that filters join."""
        return map_shapes(self.image, self.edges, self.filters) if self.filters else {}

    def _check_filters(self):
        if not self.filters:
            lonely = f"image = {self.image}: it is read with filters; give both or none"
            if self.image:
                raise InputError(lonely)
            return
        remedy = "channels, height and width, such as 1,8,8"
        _check(len(self.image) == 3, "image", self.image, remedy)
        remedy = f"a word for each of the {len(self.edges)} projections"
        _check(len(self.filters) == len(self.edges), "filters", self.filters, remedy)
        for layer, shape in self.shapes.items():
            units, remedy = math.prod(shape), f"layer {layer} has maps of {shape}: "
            fits = self.layers[layer] == units
            _check(fits, "layers", self.layers, remedy + f"give it {units} units")

    def _check_connections(self):
        if not self.connections:
            return
        last, pairs = len(self.layers) - 1, self.connections
        once = len(set(pairs)) == len(pairs)
        known = all(end <= last for pair in pairs for end in pair)
        remedy = f"pairs such as 0-1 of layers from 0 to {last}, none twice"
        _check(once and known, "connections", pairs, remedy)
        joined = {post for _, post in pairs} == set(range(1, last + 1))
        _check(joined, "connections", pairs, "synapses onto every layer but the input")
        idle = sorted(set(range(last)) - _reaching(pairs, last))
        remedy = f"layer {idle[:1]} reaches no output; join it to a layer above"
        _check(not idle, "connections", pairs, remedy)


def _reaching(pairs, last: int) -> set[int]:
    """Layers from which a path leads to the last one, itself included."""
    found = {last}
    while more := {pre for pre, post in pairs if post in found} - found:
        found |= more
    return found


def memory_needed(
    layers: Sequence[int], batch: int, edges: Iterable[tuple[int, int]] | None = None
) -> int:
    """The bytes that weights and states take at least; every layer is joined to the
    next where no pairs of layers are given.
    """
    if edges is None:
        edges = zip(range(len(layers)), range(1, len(layers)), strict=False)
    weights = sum(layers[pre] * layers[post] for pre, post in edges)
    return 8 * (weights + batch * sum(layers))


def _check_size(settings: Settings):
    """Refuses networks that no memory holds, before anything is built."""
    layers, batch = settings.layers, settings.batch
    size = memory_needed(layers, batch, settings.dense_edges)
    if size > LARGEST:
        raise InputError(
            f"layers {','.join(map(str, layers))} with batch = {batch} would take "
            f"{min(size, 2**100) / 2**30:.3g} GiB or more; choose fewer units"
        )


def _check(condition: bool, name: str, value, remedy: str):
    if not condition:
        raise InputError(f"{name} = {value}: {remedy}")


def changed(settings: Settings, **choices) -> Settings:
    """Settings with some values replaced; None leaves a value as it is."""
    known = {item.name for item in fields(Settings)}
    for name in choices:
        if name not in known:
            raise InputError(f"no setting is called {name!r}{suggestion(name, known)}")
    chosen = {name: value for name, value in choices.items() if value is not None}
    if len(set(settings.eta)) == 1:  # one rate serves any number of projections
        chosen.setdefault("eta", settings.eta[:1])
    return replace(settings, **chosen)
