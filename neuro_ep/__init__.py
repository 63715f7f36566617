"""Networks that learn by their own physics, on Brian2.

The public names are loaded at first use, so that reading a recording does not cost
the import of Brian2.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> (module, name in that module; None is the module itself)
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "BiasSynapses": ("neuro_ep.engine.convolution", "BiasSynapses"),
    "BoundaryCondition": ("neuro_ep.records.condition", "BoundaryCondition"),
    "ConvSynapses": ("neuro_ep.engine.convolution", "ConvSynapses"),
    "Dataset": ("neuro_ep.records.dataset", "Dataset"),
    "DenseSynapses": ("neuro_ep.engine.dense", "DenseSynapses"),
    "InputError": ("neuro_ep.errors", "InputError"),
    "NetworkModel": ("neuro_ep.records.model", "NetworkModel"),
    "NeuronModel": ("neuro_ep.records.model", "NeuronModel"),
    "PARAMETERS": ("neuro_ep.records.parameter", "DECLARED"),
    "Parameter": ("neuro_ep.records.parameter", "Parameter"),
    "Phase": ("neuro_ep.records.protocol", "Phase"),
    "Plan": ("neuro_ep.run.plan", "Plan"),
    "PoolSynapses": ("neuro_ep.engine.convolution", "PoolSynapses"),
    "Probe": ("neuro_ep.records.probe", "Probe"),
    "Protocol": ("neuro_ep.records.protocol", "Protocol"),
    "Rule": ("neuro_ep.records.rule", "Rule"),
    "RunError": ("neuro_ep.errors", "RunError"),
    "Schedule": ("neuro_ep.records.schedule", "Schedule"),
    "Settings": ("neuro_ep.records.settings", "Settings"),
    "Simulation": ("neuro_ep.run.simulation", "Simulation"),
    "Spikes": ("neuro_ep.records.probe", "Spikes"),
    "SynapseModel": ("neuro_ep.records.model", "SynapseModel"),
    "Task": ("neuro_ep.records.task", "Task"),
    "among": ("neuro_ep.records.parameter", "among"),
    "build_network": ("neuro_ep.build.network", "build_network"),
    "changed": ("neuro_ep.records.settings", "changed"),
    "check": ("neuro_ep.checking", "check"),
    "epoch_draw": ("neuro_ep.training.epochs", "epoch_draw"),
    "estimator": ("neuro_ep.trajectories", "estimator"),
    "find_rule": ("neuro_ep.finding", "find_rule"),
    "free_then_nudged": ("neuro_ep.records.protocol", "free_then_nudged"),
    "initial_weights": ("neuro_ep.training.initial_weights", "initial_weights"),
    "layer_names": ("neuro_ep.build.wiring", "layer_names"),
    "load_dataset": ("neuro_ep.tasks", "load"),
    "load_network": ("neuro_ep.training.trained", "load_network"),
    "make_simulation": ("neuro_ep.run.build", "simulation"),
    "moment": ("neuro_ep.records.moment", None),
    "on_target": ("neuro_ep.run.target", "on_target"),
    "open_recording": ("neuro_ep.recording", "open_recording"),
    "rerun": ("neuro_ep.training.rerunning", "rerun"),
    "rebuild": ("neuro_ep.training.rebuild", "rebuild"),
    "train": ("neuro_ep.training.train", "train"),
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _PUBLIC[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = import_module(module)
    if attribute is not None:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
