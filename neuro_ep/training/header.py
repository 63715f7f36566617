"""What a recording says of its run before the run begins."""

from __future__ import annotations

from dataclasses import asdict

from neuro_ep import recording
from neuro_ep.build.wiring import ONE, layer_names, wiring
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.model import Shown
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings


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
    chosen = {key: value for key, value in asdict(settings).items() if key != "epochs"}
    parameters = {
        key: {"value": list(value) if isinstance(value, tuple) else value, "unit": "1"}
        for key, value in chosen.items()
    }
    parameters["dtype"] = {"value": dtype, "unit": ""}
    for kind, owner in ((model.output, "neurons"), (model.synapse, "synapses")):
        for key, value in kind.parameters.items():
            parameters[f"{owner}.{key}"] = _with_unit(value)
    return {
        "rule": rule.name,
        "task": dataset.name,
        "layers": list(settings.layers),
        "seed": seed,
        "epochs": settings.epochs,
        "target": target,
        "parameters": parameters,
        "equations": _equations(model, names, edges),
        "schedule": {
            "protocol": protocol.name,
            "random_sign": protocol.random_sign,
            "phases": [asdict(phase) for phase in protocol.phases],
        },
        "provenance": recording.provenance() | {"source": rule.source},
        "units": _units(learned),
        "projections": _projections(names, learned),
        "dataset": {
            "name": dataset.name,
            "source": dataset.source,
            "shape": list(dataset.shape),
            "classes": dataset.classes,
            "train": len(dataset.train),
            "test": len(dataset.test),
        },
    }


def _with_unit(value) -> dict:
    if isinstance(value, Shown):
        return {"value": value.value, "unit": value.unit}
    if not hasattr(value, "get_best_unit"):
        return {"value": float(value), "unit": "1"}
    unit = value.get_best_unit()
    return {"value": float(value / unit), "unit": str(unit)}


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
