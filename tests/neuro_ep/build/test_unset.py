"""A parameter that nothing sets is refused, and nothing else is."""

from dataclasses import replace

import pytest

from neuro_ep import InputError, build_network, find_rule, on_target
from neuro_ep.models import RULES


def with_line(rule, line, of="hidden", **more):
    """The rule with one more line in the equations of one kind."""

    def model(settings):
        found = rule.model(settings)
        kind = getattr(found, of)
        kind = replace(kind, equations=f"{kind.equations}\n{line}", **more)
        return replace(found, **{of: kind})

    return replace(rule, model=model)


def build(rule):
    task = next(iter(rule.defaults))
    with on_target("numpy"):
        return build_network(rule, rule.settings(task, batch=1))


@pytest.mark.parametrize("name", RULES)
def test_rules_set_all_that_they_declare(name):
    build(find_rule(name))


@pytest.mark.parametrize("of", ["input", "hidden", "output", "synapse", "bias"])
def test_what_nothing_sets_is_refused(of):
    with pytest.raises(InputError, match="'h' of .* is declared, and nothing sets it"):
        build(with_line(find_rule("ep"), "h : 1", of))


def test_what_code_sets_is_taken():
    rule = find_rule("ep")
    build(with_line(rule, "h : 1", regularly={"finish": "h = 2*v/v_unit"}))
    build(with_line(rule, "h : 1", "synapse", update="h = 3"))
    with pytest.raises(InputError, match="'h'"):
        build(with_line(rule, "h : 1\nk : 1", regularly={"finish": "k = h"}))
