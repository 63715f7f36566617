"""What is checked: a rule, random weights and samples, and the oracle's answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from neuro_ep.errors import RunError
from neuro_ep.oracle import assembly, gradient
from neuro_ep.oracle.field import (
    Clamp,
    Field,
    Parameters,
    evaluate,
)
from neuro_ep.oracle.gain import gain
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

LAYERS, BATCH, SEED = (5, 12, 3), 3, 1


#: Of beta; the first is the one at which errors are reported.
BETAS = (1e-3, 3e-3, 1e-2)


#: Euler step, length of what is compared step by step, both in time constants.
STEP, STEPWISE = 0.2, 6.4


#: Weights are uniform in +-scale/sqrt(n_pre); the first scale is taken with which the
#: network settles at this rate at least, in 1/tau. A phase is as long as it takes.
SCALES, RATE, DIGITS = (1.5, 1.0, 0.7, 0.5, 0.3), 0.2, 1e12


#: From so many neurons on only one-sided totals are checked, with one sample and this
#: step.
LARGE, LARGE_STEP = 200, 0.4


@dataclass(frozen=True)
class Subject:
    """A rule in one network at given weights, with its free fixed point.

    theta is in units of the oracle, by parameter class; free (batch, N); truth is
    dL/dtheta; scale that of the weights.
    """

    rule: Rule
    settings: Settings
    field: Field
    theta: Parameters
    clamp: Clamp
    labels: np.ndarray
    free: np.ndarray
    truth: Parameters
    scale: float

    @property
    def is_large(self) -> bool:
        return sum(self.settings.layers[1:]) >= LARGE

    @property
    def has_energy(self) -> bool:
        return bool(self.field.energies)

    def ratio(self, gain: float) -> float:
        """eta/beta of that gain, see :func:`largest_gain`."""
        return gain / largest_gain(self)


def make_subject(
    rule: Rule, settings: Settings | None, layers, batch: int | None, seed: int
) -> Subject:
    """Random weights, inputs in [0, 1] and labels; phases as long as settling takes."""
    settings = check_settings(rule, settings, layers, batch)
    field = assembly.assemble(rule.model(settings), settings.layers)
    draw = np.random.default_rng(seed)
    inputs = draw.random((settings.batch, layers[0]))
    labels = draw.integers(0, layers[-1], settings.batch)
    clamp = Clamp(inputs, np.eye(layers[-1])[labels])
    drawn = {edge.name: draw.uniform(-1, 1, edge.shape) for edge in field.learned}
    for scale in SCALES:
        theta = weights(field, drawn, scale)
        with suppress(RunError):
            free = gradient.fixed_point(field, theta, clamp)
            rate = gradient.slowest_rate(field, theta, free, clamp)
            if rate > RATE:
                break
    else:
        raise RunError("the network does not settle to a stable fixed point")
    length = float(math.ceil(math.log(DIGITS) / rate))
    settings = changed(settings, free=length, nudged=length)
    truth = gradient.implicit_gradient(field, theta, free, clamp)
    return Subject(
        rule, settings, field, theta, clamp, labels, free, truth, scale=scale
    )


def weights(field: Field, drawn: Parameters, scale: float) -> Parameters:
    """Within +-scale/sqrt(n_pre), biases within +-0.2; backward as their forward."""
    theta = {}
    for edge in field.learned:
        width = 0.2 if edge.pre is None else scale / math.sqrt(edge.shape[0])
        theta[edge.name] = width * drawn[edge.name]
    names = {(edge.pre, edge.post): edge.name for edge in field.learned}
    for edge in field.learned:
        if edge.pre is not None and edge.pre > edge.post:
            theta[edge.name] = theta[names[edge.post, edge.pre]].T.copy()
    return theta


def settings_of(choices: Mapping) -> Settings | None:
    """Settings with these names chosen, tanh in continuous time for the rest."""
    base = Settings((2, 2), (0.0,), 1.0, 1, 1, STEP, activation="tanh")
    return changed(base, **choices) if choices else None


def check_settings(rule: Rule, settings, layers, batch) -> Settings:
    """Settings of the check: small eta, long phases, names as they were given."""
    large = sum(layers[1:]) >= LARGE
    base = settings or Settings(
        layers=(2, 2), eta=(0.0,), beta=1.0, free=1, nudged=1, step=STEP
    )
    step = 1.0 if base.dynamics == "discrete" else LARGE_STEP if large else STEP
    names = {} if settings else {"activation": "tanh"}
    return changed(
        base,
        layers=tuple(layers),
        eta=(0.0,),
        beta=BETAS[0],
        step=step,
        batch=(1 if large else BATCH) if batch is None else batch,
        **names,
    )


def largest_gain(subject: Subject) -> float:
    """g/(eta/beta) of the layer where it is largest, for slopes of 1."""
    by_layer, gains = subject.field.split(subject.free), []
    for edge in subject.field.learned:
        if edge.pre is not None and edge.pre < edge.post:
            read = edge.sums[0].pre.value
            activity = evaluate(subject.field, subject.clamp, by_layer, edge.pre, read)
            gains.append(gain(1.0, 1.0, activity))
    return max(gains)
