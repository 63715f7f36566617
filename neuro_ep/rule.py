"""A learning rule = model x protocol x read-out x claims, with settings that work."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

from neuro_ep.errors import InputError
from neuro_ep.model import NetworkModel
from neuro_ep.protocol import Protocol


@dataclass(frozen=True)
class Settings:
    """The numbers a user may turn, all dimensionless.

    layers
        Units per layer from input to output.
    eta
        Learning rate of gradient descent on the cost, one per projection from input to
        output (a single number serves all). The cost is one half of the squared error,
        summed over outputs and averaged over the batch.
    beta
        Strength of nudging, without its sign.
    free, nudged
        Length of the phases, in time constants of the neurons.
    step
        Euler step, in time constants.
    batch
        Replicas that share the weights and are presented together.
    nudging, activation, plasticity
        Names, see the model file of the rule.
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
    plasticity: str = "difference"

    def __post_init__(self):
        _check(len(self.layers) >= 2, "layers", self.layers, "name at least two")
        _check(all(n >= 1 for n in self.layers), "layers", self.layers, "all from 1")
        _check(self.beta != 0, "beta", self.beta, "nudging needs a beta other than 0")
        _check(math.isfinite(self.beta), "beta", self.beta, "a finite number")
        for name in ("free", "nudged", "step"):
            value = getattr(self, name)
            _check(value > 0, name, value, "a duration above 0, in time constants")
        _check(self.step <= 1, "step", self.step, "at most 1 time constant")
        _check(self.batch >= 1, "batch", self.batch, "a whole number from 1")
        _check(self.epochs >= 1, "epochs", self.epochs, "a whole number from 1")
        projections = len(self.layers) - 1
        if len(self.eta) == 1:
            object.__setattr__(self, "eta", self.eta * projections)
        _check(
            len(self.eta) == projections,
            "eta",
            self.eta,
            f"one learning rate, or {projections}: one per projection",
        )
        _check(all(rate >= 0 for rate in self.eta), "eta", self.eta, "from 0")


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
    return replace(settings, **chosen)


def suggestion(name: str, known) -> str:
    """The sentence that helps after a wrong name."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} Choose from: {', '.join(sorted(known))}"


@dataclass(frozen=True)
class Rule:
    """A learning rule as users name it.

    model
        Settings -> the network's equations.
    protocol
        Settings -> the phases of a presentation.
    defaults
        Task -> settings that were measured to work on it.
    gain
        Whether the gain law of C-EP applies: weights that move while the neurons settle
        feed back on them with gain g, see :mod:`neuro_ep.gain`.
    claims
        What is promised: name -> value that tests measure.
    """

    name: str
    summary: str
    source: str
    model: Callable[[Settings], NetworkModel]
    protocol: Callable[[Settings], Protocol]
    defaults: Mapping[str, Settings]
    gain: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)
