"""A rule with the settings of one run, as plain data: enough to build it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from neuro_ep.errors import InputError
from neuro_ep.records.model import NetworkModel
from neuro_ep.records.parameter import DECLARED, Parameter, among
from neuro_ep.records.protocol import Protocol
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.records.text import as_plain, read_fields, read_record

#: What a rule is besides its equations and its protocol.
IDENTITY = ("name", "summary", "source", "gain", "family", "claims", "bounds")

PARTS = ("rule", "model", "protocol", "settings")


@dataclass(frozen=True)
class Always:
    """A function of the settings that gives what it gave for those of one run."""

    value: Any

    def __call__(self, settings: Settings):
        return self.value


def as_recorded(rule: Rule, settings: Settings) -> dict[str, Any]:
    """The whole records of a run; without ``epochs``, which a run may change."""
    chosen = as_plain(settings)
    del chosen["epochs"]
    return {
        "rule": as_plain(_identity(rule)),
        "model": as_plain(rule.model(settings)),
        "protocol": as_plain(rule.protocol(settings)),
        "settings": chosen,
    }


def read_recorded(plain: Any, epochs: int) -> tuple[Rule, Settings]:
    """The rule, for these settings only, and the settings.

    Quantities are numbers in SI units. Raises InputError for anything else than what
    :func:`as_recorded` writes.
    """
    if not isinstance(plain, dict) or set(plain) != set(PARTS):
        raise InputError(f"the records are not {', '.join(PARTS)}")
    chosen = plain["settings"]
    chosen = {**chosen, "epochs": epochs} if isinstance(chosen, dict) else chosen
    settings = read_record(Settings, chosen, "settings")
    model = read_record(NetworkModel, plain["model"], "model")
    protocol = read_record(Protocol, plain["protocol"], "protocol")
    told = dict(plain["rule"]) if isinstance(plain["rule"], dict) else {}
    parameters = _parameters(told.pop("parameters", {}))
    identity = read_fields(Rule, IDENTITY, told, "rule")
    if lacking := sorted({"name", "summary", "source"} - set(identity)):
        raise InputError(f"rule lacks {', '.join(lacking)}")
    rule = Rule(
        model=Always(model),
        protocol=Always(protocol),
        defaults={},
        parameters=parameters,
        **identity,
    )
    return rule, settings


def _identity(rule: Rule) -> dict[str, Any]:
    """Who the rule is, and the parameters that it reads with the choices it knows."""
    choices = {parameter.name: parameter.choices for parameter in rule.parameters}
    return {name: getattr(rule, name) for name in IDENTITY} | {"parameters": choices}


def _parameters(plain: Any) -> tuple[Parameter, ...]:
    """The declared parameters of these names."""
    if not isinstance(plain, dict) or not set(plain) <= set(DECLARED):
        raise InputError("rule.parameters are none that this version declares")
    for name, choices in plain.items():
        if not isinstance(choices, list) or not all(
            isinstance(c, str) for c in choices
        ):
            raise InputError(f"rule.parameters.{name}: a list of names was expected")
    return tuple(among(DECLARED[name], *plain[name]) for name in plain)


def with_numbers(value, is_number, other):
    """A record with other numbers in place of those that are asked for."""
    if is_number(value):
        return other(value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: getattr(value, item.name) for item in fields(value)}
        return replace(value, **with_numbers(parts, is_number, other))
    if isinstance(value, Mapping):
        return {key: with_numbers(v, is_number, other) for key, v in value.items()}
    return value
