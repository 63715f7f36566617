"""What a recording says of its run before the run begins."""

from __future__ import annotations

from dataclasses import asdict

from neuro_ep import recording
from neuro_ep.datasets import Dataset
from neuro_ep.network import layer_names
from neuro_ep.rule import Rule, Settings


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
    names = layer_names(settings.layers)
    chosen = {key: value for key, value in asdict(settings).items() if key != "epochs"}
    parameters = {
        key: {"value": list(value) if isinstance(value, tuple) else value, "unit": "1"}
        for key, value in chosen.items()
    }
    parameters["dtype"] = {"value": dtype, "unit": ""}
    for kind, owner in ((model.output, "neurons"), (model.synapse, "synapses")):
        for key, value in kind.parameters.items():
            unit = value.get_best_unit()
            parameters[f"{owner}.{key}"] = {
                "value": float(value / unit),
                "unit": str(unit),
            }
    return {
        "rule": rule.name,
        "task": dataset.name,
        "layers": list(settings.layers),
        "seed": seed,
        "epochs": settings.epochs,
        "target": target,
        "parameters": parameters,
        "equations": _equations(model, names),
        "schedule": {
            "protocol": protocol.name,
            "random_sign": protocol.random_sign,
            "phases": [asdict(phase) for phase in protocol.phases],
        },
        "provenance": recording.provenance() | {"source": rule.source},
        "units": _units(model, names),
        "projections": _projections(settings, names),
        "dataset": {
            "name": dataset.name,
            "source": dataset.source,
            "shape": list(dataset.shape),
            "classes": dataset.classes,
            "train": len(dataset.train),
            "test": len(dataset.test),
        },
    }


def _equations(model, names) -> dict[str, str]:
    """Group -> its equations as text."""
    texts = {names[0]: model.input.equations, names[-1]: model.output.equations}
    for name in names[1:-1]:
        texts[name] = model.hidden.equations
    for pre, post in zip(names, names[1:], strict=False):
        texts[f"{pre}_to_{post}"] = model.synapse.equations
        texts[f"bias_{post}"] = model.bias.equations
    return {name: text.strip() for name, text in texts.items()}


def _units(model, names) -> dict[str, dict]:
    units = {}
    for pre, post in zip(names, names[1:], strict=False):
        units[f"{pre}_to_{post}.{model.synapse.weight}"] = {
            "unit": "mV",
            "si_factor": 1e-3,
        }
        units[f"bias_{post}.{model.bias.weight}"] = {"unit": "mV", "si_factor": 1e-3}
    return units


def _projections(settings, names) -> dict[str, dict]:
    described = {}
    for number, (pre, post) in enumerate(zip(names, names[1:], strict=False)):
        shape = list(settings.layers[number : number + 2])
        for name, source, size in (
            (f"{pre}_to_{post}", pre, shape),
            (f"bias_{post}", "one", [1, shape[1]]),
        ):
            described[name] = {
                "source_pop": source,
                "target_pop": post,
                "units": "mV",
                "shape": size,
            }
    return described
