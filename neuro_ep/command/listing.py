"""What there is: tasks, rules, boundary conditions; as text and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from neuro_ep.records.condition import BoundaryCondition
from neuro_ep.records.parameter import possible
from neuro_ep.records.rule import Preset, Rule

Tasks = Mapping[str, str]
Rules = Mapping[str, Rule]
Conditions = Mapping[str, BoundaryCondition]

#: Width of the column of names.
NAMES = 14


def as_json(tasks: Tasks, rules: Rules, conditions: Conditions) -> dict:
    """Everything, by name."""
    return {
        "tasks": dict(tasks),
        "rules": {name: _rule(rule) for name, rule in rules.items()},
        "boundary_conditions": {
            name: {
                "summary": condition.summary,
                "source": condition.source,
                "claims": dict(condition.claims),
            }
            for name, condition in conditions.items()
        },
    }


def _rule(rule: Rule) -> dict:
    return {
        "summary": rule.summary,
        "source": rule.source,
        "claims": dict(rule.claims),
        "tasks": list(rule.defaults),
        "parameters": {
            name: {"help": parameter.help, "values": possible(parameter)}
            for name, parameter in rule.reads.items()
        },
        "presets": {name: _preset(preset) for name, preset in rule.presets.items()},
    }


def _preset(preset: Preset) -> dict:
    return {
        "task": preset.task,
        "source": preset.source,
        "published": preset.published,
        "settings": asdict(preset.settings),
    }


def as_text(tasks: Tasks, rules: Rules, conditions: Conditions) -> str:
    """Everything, in lines."""
    lines = ["tasks", *(_line(name, text) for name, text in tasks.items())]
    lines += ["", "rules"]
    for name, rule in rules.items():
        lines += _described(name, rule)
        lines.append(_line("", f"reads: {', '.join(rule.reads)}"))
        for preset, chosen in rule.presets.items():
            lines.append(_line("", f"--preset {preset}: {_numbers(chosen)}"))
    lines += ["", "boundary conditions (neuro-ep check NAME)"]
    for name, condition in conditions.items():
        lines += _described(name, condition)
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return f"  {name:{NAMES}} {text}"


def _described(name: str, what: Rule | BoundaryCondition) -> list[str]:
    claims = [_line("", f"{key}: {text}") for key, text in what.claims.items()]
    return [_line(name, what.summary), _line("", what.source), *claims]


def _numbers(preset: Preset) -> str:
    """The numbers of a preset, and what was published or measured for them."""
    chosen = preset.settings
    layers, rates = "-".join(map(str, chosen.layers)), ", ".join(map(str, chosen.eta))
    return (
        f"{layers}, free {chosen.free:g}, nudged {chosen.nudged:g}, {chosen.nudging}, "
        f"beta {chosen.beta:g}, eta {rates}, {chosen.epochs} epochs; {preset.published}"
    )
