"""A rule as it is simulated: the order of a step, the text of every group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import indent

from neuro_ep.build.wiring import layer_names, wiring
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.moment import MEANINGS
from neuro_ep.records.parameter import DECLARED
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings


def print_order(options) -> int:
    """The command ``order``."""
    rows = order(*_variant(options))
    print(json.dumps(rows, indent=2) if options.json else order_table(rows))
    return 0


def print_equations(options) -> int:
    """The command ``equations``."""
    page = equations(*_variant(options))
    print(json.dumps(page, indent=2) if options.json else as_text(page))
    return 0


def _variant(options) -> tuple[Rule, Settings]:
    """The rule that is named, and the settings of one form of it."""
    rule, task = find_rule(options.rule), options.task
    if task is None:
        named = rule.presets.get(options.preset)
        tasks = [named.task] if named else list(rule.defaults)
        if not tasks:
            raise InputError(f"{rule.name} has settings for no task: name some")
        task = tasks[0]
    choices = {name: getattr(options, name) for name in DECLARED}
    return rule, rule.settings(task, options.preset, **choices)


def order(rule: Rule, settings: Settings) -> list[dict]:
    """What a step does, in its order; nothing is compiled or run."""
    from brian2 import BrianLogger

    from neuro_ep.build.network import build_network
    from neuro_ep.build.order import order_rows
    from neuro_ep.run.target import on_target

    BrianLogger.suppress_name("unused_brian_object")  # they are only looked at
    with on_target("numpy"):
        return order_rows(build_network(rule, settings, set_values=False))


def order_table(rows: list[dict]) -> str:
    """The order as lines of text, under the meaning of each moment."""
    lines: list[str] = []
    last = None
    for row in rows:
        if row["moment"] != last:
            meaning = MEANINGS.get(row["moment"], "at no moment of a step")
            lines += ["", f"{row['moment']}: {meaning}"]
            last = row["moment"]
        place = f"{row['slot']} {row['order']:g}"
        lines.append(f"    {place:20} {row['what']}")
    return "\n".join(lines[1:])


def equations(rule: Rule, settings: Settings) -> dict:
    """Group -> its kind, and every text and parameter that its record has."""
    model = rule.model(settings)
    groups = _neurons(model, settings)
    for edge in wiring(model, settings):
        groups[edge.name] = _synapses(edge.kind)
    if model.normaliser is not None:
        groups["normaliser"] = _synapses(model.normaliser)
    layers = "-".join(map(str, settings.layers))
    return {"rule": rule.name, "layers": layers, "source": rule.source} | {
        "groups": groups
    }


def _neurons(model: NetworkModel, settings: Settings) -> dict[str, dict]:
    """The layers and their apical compartments."""
    from neuro_ep.build.neurons import kinds_of_layers

    found = {}
    kinds = kinds_of_layers(model, settings)
    for name, kind in zip(layer_names(settings.layers), kinds, strict=True):
        found[name] = _neuron(kind)
        if kind.apical is not None:
            found[f"{name}_apical"] = _neuron(kind.apical)
    return found


def _neuron(kind: NeuronModel) -> dict:
    events = {
        f"event {name}": f"if {condition}\n{_text(code)}"
        for name, (condition, code) in kind.events.items()
    }
    texts = {"equations": kind.equations, **_regular(kind), **events}
    return _group(texts, kind.parameters, {"onset": _written(kind.onset)})


def _synapses(kind: SynapseModel) -> dict:
    texts = {"equations": kind.equations, **_regular(kind, kind.gate)}
    on = f"on {kind.on_event} of the"
    texts |= {f"{on} source": kind.on_pre, f"{on} target": kind.on_post}
    texts["update where plastic"] = kind.update
    when = {"sums are delivered": kind.deliver, "weights change": kind.when}
    return _group(texts, kind.parameters, {"moments": when})


def _regular(kind: NeuronModel | SynapseModel, gate: str = "") -> dict[str, str]:
    where = f" where {gate}" if gate else ""
    return {f"at {when}{where}": code for when, code in kind.regularly.items()}


def _group(texts: Mapping[str, str], parameters: Mapping, more: Mapping) -> dict:
    return {
        "text": {name: _text(code) for name, code in texts.items() if code.strip()},
        "parameters": _written(parameters),
        **more,
    }


def _text(code: str) -> str:
    """Code or equations as lines that begin at the left."""
    return "\n".join(line.strip() for line in code.strip().splitlines())


def _written(values: Mapping) -> dict[str, str]:
    """Values with their units."""
    return {name: _with_unit(value) for name, value in values.items()}


def _with_unit(value) -> str:
    if not hasattr(value, "get_best_unit"):
        return value if isinstance(value, str) else f"{float(value):.12g}"
    unit = value.get_best_unit()
    return f"{float(value / unit):.12g} {unit}"


def as_text(page: Mapping) -> str:
    """The page as lines: a heading for each group, its texts, its values."""
    lines = [f"{page['rule']}, {page['layers']}", page["source"]]
    for name, group in page["groups"].items():
        lines += ["", name, "-" * len(name)]
        for heading, text in group["text"].items():
            lines += [f"  {heading}", indent(text, "    ")]
        for heading in ("parameters", "onset", "moments"):
            values = group.get(heading)
            if values:
                shown = [f"{key} = {value}" for key, value in values.items()]
                lines += [f"  {heading}", indent("\n".join(shown), "    ")]
    return "\n".join(lines)
