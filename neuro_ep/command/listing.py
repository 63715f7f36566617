"""What there is: tasks, rules, what else is checked; as text and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from neuro_ep.records.condition import BoundaryCondition, SecondRun
from neuro_ep.records.parameter import possible
from neuro_ep.records.rule import Preset, Rule

Tasks = Mapping[str, str]
Rules = Mapping[str, Rule]

#: Heading, with underscores -> name -> what is checked and not trained with.
Checked = Mapping[str, Mapping[str, BoundaryCondition | SecondRun]]

#: Width of the column of names.
NAMES = 14


def as_json(tasks: Tasks, rules: Rules, others: Checked) -> dict:
    """Everything, by name."""
    return {
        "tasks": dict(tasks),
        "rules": {name: _rule(rule) for name, rule in rules.items()},
    } | {
        heading: {name: _claimed(one) for name, one in checked.items()}
        for heading, checked in others.items()
    }


def _claimed(what: Rule | BoundaryCondition | SecondRun) -> dict:
    return {
        "summary": what.summary,
        "source": what.source,
        "claims": dict(what.claims),
    }


def _rule(rule: Rule) -> dict:
    return {
        **_claimed(rule),
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


def as_text(tasks: Tasks, rules: Rules, others: Checked) -> str:
    """Everything, in lines."""
    lines = ["tasks", *(_line(name, text) for name, text in tasks.items())]
    lines += ["", "rules"]
    for name, rule in rules.items():
        lines += _described(name, rule)
        lines.append(_line("", f"reads: {', '.join(rule.reads)}"))
        for preset, chosen in rule.presets.items():
            lines.append(_line("", f"--preset {preset}: {_numbers(chosen)}"))
    for heading, checked in others.items():
        if not checked:
            continue
        lines += ["", f"{heading.replace('_', ' ')} (neuro-ep check NAME)"]
        for name, one in checked.items():
            lines += _described(name, one)
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return f"  {name:{NAMES}} {text}"


def _described(name: str, what: Rule | BoundaryCondition | SecondRun) -> list[str]:
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
