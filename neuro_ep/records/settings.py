"""The numbers and names that a user may turn."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, fields, replace
from numbers import Real

from neuro_ep.errors import InputError
from neuro_ep.records.filters import Shape, map_shapes


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
        _check(
            len(self.layers) >= 2,
            "layers",
            self.layers,
            "name at least two, such as 64,10",
        )
        whole = all(_is_count(units) for units in self.layers)
        _check(whole, "layers", self.layers, "1 unit or more each, whole numbers")
        remedy = "a finite number above 0; its sign comes from the nudging"
        _check(0 < self.beta < math.inf, "beta", self.beta, remedy)
        for name in ("nudged", "step"):
            value, remedy = getattr(self, name), "a duration above 0, in time constants"
            _check(0 < value < math.inf, name, value, remedy)
        remedy = "a duration from 0, in time constants"
        _check(0 <= self.free < math.inf, "free", self.free, remedy)
        _check(self.step <= 1, "step", self.step, "at most 1 time constant")
        finite = 0 <= self.tolerance < math.inf
        _check(finite, "tolerance", self.tolerance, "a finite number from 0")
        _check(0 <= self.alpha <= 1, "alpha", self.alpha, "a number from 0 to 1")
        _check(0 <= self.decay < 1, "decay", self.decay, "a number from 0, below 1")
        judged = 0 <= self.judged <= 1
        _check(judged, "judged", self.judged, "a share from 0 to 1")
        fits = self.read >= 0 and self.read % 1 == 0 and self.read <= self.layers[-1]
        _check(fits, "read", self.read, "units of the last layer, or 0 for all")
        possible = isinstance(self.friction, Real) and 0 <= self.friction < math.inf
        remedy = "one finite rate from 0, the same for all neurons"
        _check(possible, "friction", self.friction, remedy)
        turned = 0 <= self.weight_angle <= 180
        _check(turned, "weight_angle", self.weight_angle, "degrees from 0 to 180")
        for name in ("batch", "epochs", "plastic_every"):
            value = getattr(self, name)
            _check(_is_count(value), name, value, "a whole number from 1")
        self._check_connections()
        self._check_filters()
        projections = len(self.edges)
        if len(self.eta) == 1:
            object.__setattr__(self, "eta", self.eta * projections)
        _check(
            len(self.eta) == projections,
            "eta",
            self.eta,
            f"one learning rate, or {projections}: one per projection",
        )
        possible = all(0 <= rate < math.inf for rate in self.eta)
        _check(possible, "eta", self.eta, "learning rates are numbers from 0")

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of layers (from, to) that synapses join."""
        chain = range(len(self.layers) - 1)
        return self.connections or tuple((k, k + 1) for k in chain)

    @property
    def shapes(self) -> dict[int, Shape]:
        """Layer -> (channels, height, width), for those that filters join."""
        return map_shapes(self.image, self.edges, self.filters) if self.filters else {}

    def _check_filters(self):
        if not self.filters:
            return
        maps = len(self.image) == 3 and all(_is_count(size) for size in self.image)
        _check(maps, "image", self.image, "channels, height and width, such as 1,8,8")
        remedy = f"a word for each of the {len(self.edges)} projections"
        _check(len(self.filters) == len(self.edges), "filters", self.filters, remedy)
        for layer, shape in self.shapes.items():
            units, remedy = math.prod(shape), f"layer {layer} has maps of {shape}: "
            fits = self.layers[layer] == units
            _check(fits, "layers", self.layers, remedy + f"give it {units} units")

    def _check_connections(self):
        last = len(self.layers) - 1
        remedy = f"pairs such as 0-1 of layers from 0 to {last}, none twice"
        once = len(set(self.connections)) == len(self.connections)
        known = all(0 <= end <= last for pair in self.connections for end in pair)
        _check(once and known, "connections", self.connections, remedy)
        if self.connections:
            reached = {post for _, post in self.connections}
            all_reached = reached == set(range(1, last + 1))
            remedy = "synapses onto every layer but the input"
            _check(all_reached, "connections", self.connections, remedy)


def _is_count(value) -> bool:
    return value >= 1 and value % 1 == 0


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


def suggestion(name: str, known) -> str:
    """The sentence that helps after a wrong name."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} Choose from: {', '.join(sorted(known))}"
