"""Settings of a rule for data that it was not tuned on, by the law of its updates.

The updates of a projection from the input grow with the mean square of a sample, and
those above it do not; so the learning rates from the input are those measured on the
handwritten digits, times the square of a digit over that of these data. Layers between
the ends, phases, step and batch are kept. Targets of a regression move weights less
than classes do, those from the input least, so that a rule may have factors for them,
:attr:`neuro_ep.Rule.regression_rates`. There are as many updates as on the digits, in
at most :data:`MOST` epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.parameter import DECLARED, checked
from neuro_ep.records.settings import Settings, changed

if TYPE_CHECKING:
    from neuro_ep.records.rule import Rule

#: Of the handwritten digits: samples to train on, and the mean square of a sample.
DIGITS, SQUARE = 1437, 15.02

#: The task whose settings are taken: of samples that are seen at once, or in frames.
MODELS = {False: "digits", True: "digits-rows"}
FRAMES = 8

#: Epochs, and by how much a learning rate is changed, at most.
LEAST, MOST, LARGEST = 5, 300, 20.0

#: What says itself which layers are joined, and how.
JOINED = ("connections", "filters")


def general_settings(rule: Rule, dataset: Dataset) -> Settings:
    """Raises InputError where the rule has no settings for data of this kind."""
    series = dataset.frames > 1
    if MODELS[series] not in rule.defaults:
        kind = "series" if series else "samples that are seen at once"
        raise InputError(
            f"{rule.name} has no settings for {kind}; choose another rule, or give "
            "settings"
        )
    base = rule.defaults[MODELS[series]]
    batch = min(base.batch, len(dataset.train))
    wanted = base.epochs * (DIGITS // base.batch) / (len(dataset.train) // batch)
    return changed(
        base,
        layers=_layers(base, dataset),
        read=dataset.outputs if base.read else base.read,
        eta=_rates(rule, base, dataset),
        batch=batch,
        epochs=int(np.clip(wanted, LEAST, MOST)),
    )


def _layers(base: Settings, dataset: Dataset) -> tuple[int, ...]:
    """Its own ends; where some units of one layer are read, that layer stays."""
    last = base.layers[-1] if base.read else dataset.outputs
    return (dataset.features, *base.layers[1:-1], last)


def _rates(rule: Rule, base: Settings, dataset: Dataset) -> tuple[float, ...]:
    square = np.square(dataset.inputs[dataset.train], dtype=float).sum(axis=1).mean()
    share = SQUARE / FRAMES if dataset.frames > 1 else SQUARE
    factor = share / (square / dataset.frames) if square else 1.0
    factor = float(np.clip(factor, 1 / LARGEST, LARGEST))
    pairs = zip(base.edges, base.eta, strict=True)
    first, above = (1.0, 1.0) if dataset.targets is None else rule.regression_rates
    return tuple(
        eta * factor * first if pre == 0 else eta * above for (pre, _), eta in pairs
    )


def completed(
    base: Settings, choices: Mapping[str, Any], hidden: bool
) -> dict[str, Any]:
    """Choices of layers with their ends, and a learning rate for each projection.

    One layer alone is in between; and where ``hidden`` is said, several of which
    neither end fits. Where there are more or fewer projections than the settings have
    rates for, the first rate stays with the input, and the last one serves all others.
    """
    layers = checked(DECLARED["layers"], choices["layers"])
    ends = base.layers[:1], () if base.read else base.layers[-1:]
    apart = layers[:1] != ends[0] and layers[-1:] != base.layers[-1:]
    if len(layers) == 1 or (hidden and apart):
        layers = (*ends[0], *layers, *ends[1])
    found = {**choices, "layers": layers}
    chain = not any(choices.get(name) or getattr(base, name) for name in JOINED)
    count = max(len(layers) - 1, 1)
    if chain and choices.get("eta") is None and count != len(base.eta):
        found["eta"] = (base.eta[0], *[base.eta[-1]] * (count - 1))
    return found
