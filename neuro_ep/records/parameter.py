"""Parameters that a user may turn: declared once each, and rules name what they read.

From a declaration follow the check of a value, the option of the command line with its
help, the refusal of what a rule does not read, and what a recording keeps.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from neuro_ep.errors import InputError


@dataclass(frozen=True)
class Parameter:
    """One number, name or list that settings hold.

    kind
        "number", "count" (a whole number), "name" (one of the choices), or a list:
        "numbers", "counts", "words", "pairs" (of layers).
    default
        What holds where nothing is said; None where every set of settings says it.
    low, high, above
        The range of numbers; ``above`` leaves out the lowest one.
    choices
        What a name may be; all that are known if a rule names none.
    group
        The heading in the help of the command line.
    """

    name: str
    kind: str
    help: str
    default: Any = None
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    choices: tuple[str, ...] = ()
    group: str = "network"

    @property
    def is_fixed(self) -> bool:
        """Whether a rule leaves no choice."""
        return self.kind == "name" and len(self.choices) == 1


def among(parameter: Parameter, *choices: str) -> Parameter:
    """The same parameter, of which a rule knows these choices."""
    return replace(parameter, choices=choices)


#: Counts that no machine holds are refused before anything is multiplied by them.
MOST = 1e15

LAYERS = Parameter("layers", "counts", "units, such as 64,128,10", low=1, high=MOST)
CONNECTIONS = Parameter(
    "connections",
    "pairs",
    "layers to join, such as 0-1,1-1,1-2,0-2 (0 is the input)",
    default=(),
    low=0,
)
FILTERS = Parameter(
    "filters",
    "words",
    "one a projection, such as 16c3p1,a2,all: 16 channels with a kernel of 3 and "
    "padding 1, the average over 2 x 2, all to all",
    default=(),
)
IMAGE = Parameter(
    *("image", "counts", "channels, height, width of the input, such as 1,8,8"),
    default=(),
    low=1,
)
ACTIVATION = Parameter(
    "activation",
    "name",
    "what a neuron makes of its potential",
    default="sigmoid",
    choices=("sigmoid", "hard-sigmoid", "tanh", "relu", "linear"),
)
DYNAMICS = Parameter(
    "dynamics",
    "name",
    "how time passes, or how spikes are made: continuous, discrete (a step of one time "
    "constant), a stream in which neurons go on from sample to sample, ...",
    default="continuous",
    choices=("continuous", "discrete", "stream", "damped"),
)
COST = Parameter(
    "cost",
    "name",
    "what the nudge descends",
    default="squared-error",
    choices=("squared-error", "cross-entropy", "proximal"),
)
ALPHA = Parameter(
    "alpha",
    "number",
    "weight of the first state of a dyad in its mean",
    default=0.5,
    low=0,
    high=1,
)
FRICTION = Parameter(
    "friction", "number", "rate at which momenta are lost", default=0.0, low=0
)
READ = Parameter(
    *("read", "count", "units of the last layer that are the output (0: all)"),
    default=0,
    low=0,
)
WEIGHT_ANGLE = Parameter(
    "weight_angle",
    "number",
    "degrees between forward and backward weights at the start",
    default=0.0,
    low=0,
    high=180,
)

BETA = Parameter(
    "beta",
    "number",
    "strength of nudging; its sign comes from the nudging",
    low=0,
    above=True,
    group="protocol",
)
NUDGING = Parameter(
    "nudging",
    "name",
    "which signs of beta are shown",
    default="random-sign",
    choices=("random-sign", "symmetric", "one-sided"),
    group="protocol",
)
FREE = Parameter(
    "free",
    "number",
    "length of the first phase, in time constants",
    low=0,
    group="protocol",
)
NUDGED = Parameter(
    "nudged",
    "number",
    "length of the nudged phase, in time constants",
    low=0,
    above=True,
    group="protocol",
)
STEP = Parameter(
    "step",
    "number",
    "Euler step, in time constants",
    low=0,
    high=1,
    above=True,
    group="protocol",
)
TOLERANCE = Parameter(
    "tolerance",
    "number",
    "end phases once no neuron moves faster, per time constant",
    default=0.0,
    low=0,
    group="protocol",
)
JUDGED = Parameter(
    "judged",
    "number",
    "share of a run, at its end, in which the cost counts (0: its end)",
    default=1.0,
    low=0,
    high=1,
    group="protocol",
)

ETA = Parameter(
    *("eta", "numbers", "learning rates from input to output, or one for all"),
    low=0,
    group="plasticity",
)
PLASTICITY = Parameter(
    "plasticity",
    "name",
    "the form of the equation of the weights",
    default="difference",
    choices=("difference", "product-rule"),
    group="plasticity",
)
PLASTIC_EVERY = Parameter(
    "plastic_every",
    "count",
    "steps from one opening of plasticity to the next",
    default=1,
    low=1,
    high=1e9,
    group="plasticity",
)
DECAY = Parameter(
    "decay",
    "number",
    "share of a weight lost in every presentation, below 1",
    default=0.0,
    low=0,
    high=math.nextafter(1, 0),
    group="plasticity",
)
OPTIMISER = Parameter(
    "optimiser",
    "name",
    "what turns gradients into changes",
    default="gradient-descent",
    choices=("gradient-descent", "adam"),
    group="plasticity",
)

BATCH = Parameter(
    *("batch", "count", "samples presented together"),
    default=20,
    low=1,
    high=MOST,
    group="run",
)
EPOCHS = Parameter(
    *("epochs", "count", "passes over the training samples"),
    default=50,
    low=1,
    group="run",
)

#: What every rule reads.
COMMON = (LAYERS, CONNECTIONS, ETA, BETA, FREE, STEP, BATCH, EPOCHS)

#: Every parameter there is, by name.
DECLARED = {
    parameter.name: parameter
    for parameter in (
        *COMMON,
        *(FILTERS, IMAGE, ACTIVATION, DYNAMICS, COST, ALPHA, FRICTION, READ),
        *(WEIGHT_ANGLE, NUDGING, NUDGED, TOLERANCE, JUDGED),
        *(PLASTICITY, PLASTIC_EVERY, DECAY, OPTIMISER),
    )
}


def suggestion(name: str, known: Iterable[str]) -> str:
    """The sentence that helps after a wrong name."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} Choose from: {', '.join(sorted(known))}"


def checked(parameter: Parameter, value: Any) -> Any:
    """The value as settings hold it.

    Raises
    ------
    InputError
        For a value of another kind or out of range; it says what is possible.
    """
    if parameter.kind == "name":
        return _name(parameter, value)
    if parameter.kind in ("number", "count"):
        return _number(parameter, value)
    single = isinstance(value, (Real, str)) and not isinstance(value, bool)
    parts = (value,) if single else value
    try:
        parts = tuple(parts)
    except TypeError:
        raise _wrong(parameter, value) from None
    if parameter.kind == "words":
        if not all(isinstance(part, str) for part in parts):
            raise _wrong(parameter, value)
        return parts
    if parameter.kind == "pairs":
        return tuple(_pair(parameter, value, part) for part in parts)
    return tuple(_number(parameter, part, value) for part in parts)


def _name(parameter: Parameter, value) -> str:
    if value not in parameter.choices:
        raise InputError(
            f"{parameter.name} = {_short(value)}"
            f"{suggestion(str(value), parameter.choices)}"
        )
    return str(value)


def _number(parameter: Parameter, value, shown=None) -> float | int:
    shown = value if shown is None else shown
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _wrong(parameter, shown)
    value = int(value) if isinstance(value, Integral) else float(value)
    whole = parameter.kind in ("count", "counts", "pairs")
    inside = parameter.low <= value <= parameter.high and abs(value) < math.inf
    if not inside or (parameter.above and value == parameter.low):
        raise _wrong(parameter, shown)
    if whole and value % 1:
        raise _wrong(parameter, shown)
    return int(value) if whole else float(value)


def _pair(parameter: Parameter, value, part) -> tuple[int, int]:
    try:
        pre, post = part
    except (TypeError, ValueError):
        raise _wrong(parameter, value) from None
    return _number(parameter, pre, value), _number(parameter, post, value)  # type: ignore


def _wrong(parameter: Parameter, value) -> InputError:
    return InputError(f"{parameter.name} = {_short(value)}: give {possible(parameter)}")


def _short(value) -> str:
    """A value in a message, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def possible(parameter: Parameter) -> str:
    """What values a parameter takes, in words."""
    if parameter.kind == "name":
        return f"one of {', '.join(parameter.choices)}"
    what = {
        "number": "a number",
        "count": "a whole number",
        "numbers": "numbers, one or one a projection,",
        "counts": "whole numbers",
        "words": "words",
        "pairs": "pairs of layers, such as 0-1,1-2, counted",
    }[parameter.kind]
    if parameter.low > -math.inf:
        what += f" {'above' if parameter.above else 'from'} {parameter.low:g}"
    if parameter.high < math.inf:
        what += f" to {parameter.high:g}"
    return what
