"""What a recording says of its run before the run begins."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike

from neuro_ep import recording
from neuro_ep.build.wiring import ONE, layer_names, wiring
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.protocol import Protocol
from neuro_ep.records.recorded import as_recorded
from neuro_ep.records.rule import Rule
from neuro_ep.records.scaling import Scaling
from neuro_ep.records.settings import Settings
from neuro_ep.records.text import as_plain


def run_header(
    rule: Rule,
    dataset: Dataset,
    settings: Settings,
    seed: int,
    target: str,
    dtype: str,
) -> dict:
    """The header of :mod:`neuro_ep.recording` for a training run."""
    model, protocol = rule.model(settings), rule.protocol(settings)
    names, edges = layer_names(settings.layers), wiring(model, settings)
    learned = [edge for edge in edges if edge.kind.weight is not None]
    return {
        "rule": rule.name,
        "task": dataset.name,
        "layers": list(settings.layers),
        "seed": seed,
        "epochs": settings.epochs,
        "target": target,
        "parameters": _parameters(rule, model, settings, dtype),
        "equations": _equations(model, names, edges),
        "schedule": _schedule(protocol),
        "provenance": recording.provenance() | {"source": rule.source},
        "units": _units(learned),
        "projections": _projections(names, learned),
        "dataset": facts(dataset),
        "records": {**as_recorded(rule, settings), "data": as_learned(dataset)},
    }


def facts(dataset: Dataset) -> dict:
    """What is told of the data, and hashes of all that training takes from them."""
    split = np.concatenate([dataset.train, [-1], dataset.test])
    targets = dataset.targets
    return {
        "name": dataset.name,
        "source": dataset.source,
        "shape": list(dataset.shape),
        "frames": dataset.frames,
        "classes": dataset.classes,
        "train": len(dataset.train),
        "test": len(dataset.test),
        "inputs_sha256": _sha256(dataset.inputs, "<f4"),
        "labels_sha256": _sha256(dataset.labels, "<i8"),
        "split_sha256": _sha256(split, "<i8"),
        **({} if targets is None else _taught(dataset, targets)),
    }


def _taught(dataset: Dataset, targets: np.ndarray) -> dict:
    """How many targets there are, and hashes of them and of how they were scaled."""
    scaling = dataset.target_scaling or Scaling((), ())
    return {
        "targets": dataset.outputs,
        "targets_sha256": _sha256(targets, "<f4"),
        "target_scaling_sha256": _sha256([scaling.factor, scaling.shift], "<f8"),
    }


#: Samples of which a recording says one by one whether they train or test.
LISTED = 500_000


def as_learned(dataset: Dataset) -> dict:
    """What is needed to show the network other data, and which samples were which.

    The split of more than :data:`LISTED` samples is not listed; its hash is among the
    facts.
    """
    listed = len(dataset.inputs) <= LISTED
    scaled = dataset.target_scaling
    targets = {
        "target_names": list(dataset.target_names),
        "target_scaling": None if scaled is None else asdict(scaled),
    }
    return {
        **({} if dataset.targets is None else targets),
        "class_names": list(dataset.class_names),
        "feature_names": list(dataset.feature_names),
        "scaling": None if dataset.scaling is None else asdict(dataset.scaling),
        "train": dataset.train.tolist() if listed else None,
        "test": dataset.test.tolist() if listed else None,
    }


def _sha256(values: ArrayLike, dtype: str) -> str:
    """The hash of an array's values and shape, the same on every machine."""
    array = np.ascontiguousarray(values, dtype)
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(array.data)
    return digest.hexdigest()


def _parameters(rule, model, settings: Settings, dtype: str) -> dict[str, dict]:
    """Settings that the rule reads, the type of numbers, parameters of the model."""
    read = set(rule.reads) - {"epochs"}
    chosen = {key: value for key, value in asdict(settings).items() if key in read}
    found = {
        key: {"value": list(value) if isinstance(value, tuple) else value, "unit": "1"}
        for key, value in chosen.items()
    }
    found["dtype"] = {"value": dtype, "unit": ""}
    for kind, owner in ((model.output, "neurons"), (model.synapse, "synapses")):
        for key, value in kind.parameters.items():
            found[f"{owner}.{key}"] = _with_unit(value)
    return found


def _with_unit(value) -> dict:
    written = as_plain(value)
    if isinstance(written, dict) and "unit" in written:
        return {"value": written["value"], "unit": written["unit"]}
    return {"value": float(value), "unit": "1"}


def _schedule(protocol: Protocol) -> dict:
    return {
        "protocol": protocol.name,
        "random_sign": protocol.random_sign,
        "phases": [asdict(phase) for phase in protocol.phases],
    }


def _equations(model, names, edges) -> dict[str, str]:
    """Group -> its equations as text."""
    kinds = [model.input, *[model.hidden] * (len(names) - 2), model.output]
    texts = {}
    for name, kind in zip(names, kinds, strict=True):
        texts[name] = kind.equations
        if kind.apical is not None:
            texts[f"{name}_apical"] = kind.apical.equations
    texts |= {edge.name: edge.kind.equations for edge in edges}
    if model.normaliser is not None:
        texts["normaliser"] = model.normaliser.equations
    return {name: text.strip() for name, text in texts.items()}


def _units(edges) -> dict[str, dict]:
    volts = {"unit": "mV", "si_factor": 1e-3}
    return {f"{edge.name}.{edge.kind.weight}": dict(volts) for edge in edges}


def _projections(names, edges) -> dict[str, dict]:
    return {
        edge.name: {
            "source_pop": ONE if edge.pre is None else names[edge.pre],
            "target_pop": names[edge.post],
            "units": "mV",
            "shape": list(edge.shape),
        }
        for edge in edges
    }
