"""The program of a network, found again by what its recording says of it.

Training leaves it behind, and so does a network that was loaded: it answers without
Brian2 then, which takes seconds to import and to write a project.
"""

from __future__ import annotations

from dataclasses import fields

from neuro_ep.finding import source_folders
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.recorded import as_recorded
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.warm_start import WarmStart


def network_start(
    rule: Rule, settings: Settings, capacity: int, dtype: str
) -> WarmStart | None:
    """Where the program is kept that shows so many presentations.

    None where the network has values of one seed beside its weights.
    """
    if is_heterogeneous(rule.model(settings)):
        return None
    records = as_recorded(rule, settings)
    del records["rule"]  # its name, and what it may be asked
    words = {"network": records, "capacity": int(capacity), "dtype": str(dtype)}
    return WarmStart(words, source_folders())


def is_heterogeneous(model: NetworkModel) -> bool:
    """Whether something in a network differs from seed to seed beside its weights."""
    parts = [getattr(model, item.name) for item in fields(model)]
    neurons = [part for part in parts if isinstance(part, NeuronModel)]
    parts += [*model.local.values(), *(part.apical for part in neurons)]
    return any(getattr(part, "heterogeneous", None) for part in parts)
