"""Every rule that there is keeps the contracts, and rules that break one are found."""

from dataclasses import replace

import pytest

from neuro_ep import PARAMETERS, find_rule
from neuro_ep.models import CONTINUAL_EP, RULES
from neuro_ep.testing import check_rule


@pytest.mark.parametrize("name", RULES)
def test_contracts(name):
    check_rule(find_rule(name))


def with_synapse(**parts):
    """Continual EP with synapses that differ in some parts."""

    def model(settings):
        physics = CONTINUAL_EP.model(settings)
        changed = {name: change(physics.synapse) for name, change in parts.items()}
        return replace(physics, synapse=replace(physics.synapse, **changed))

    return replace(CONTINUAL_EP, name="broken", model=model)


def test_wrong_units_are_found():
    def without_volts(synapse):
        return synapse.equations.replace("plastic*v_unit*", "plastic*", 1)

    wrong = with_synapse(equations=without_volts)
    with pytest.raises(AssertionError, match="broken does not take a step"):
        check_rule(wrong)


def test_what_is_not_local_is_found():
    def reads_the_mean(synapse):
        return synapse.equations.replace("plastic*v_unit", "mean_rho*plastic*v_unit", 1)

    wrong = with_synapse(equations=reads_the_mean)
    with pytest.raises(AssertionError, match="mean_rho"):
        check_rule(wrong)


def test_a_default_that_is_not_declared_is_found():
    foreign = replace(CONTINUAL_EP.defaults["digits"], alpha=0.1)
    wrong = replace(CONTINUAL_EP, defaults={"digits": foreign})
    with pytest.raises(Exception, match="does not read alpha"):
        check_rule(wrong)


def test_what_no_file_holds_is_found():
    wrong = replace(CONTINUAL_EP, claims={"gradient": lambda: None})
    with pytest.raises((AssertionError, TypeError)):
        check_rule(wrong)


def test_a_wrong_gradient_is_found():
    """Plasticity that is twice as fast as the energy says."""

    def twice(synapse):
        return synapse.equations.replace("plastic*v_unit", "2*plastic*v_unit", 1)

    with pytest.raises(AssertionError, match="relative_error"):
        check_rule(with_synapse(equations=twice), gradient=True)


def test_a_declared_parameter_changes_something():
    """A rule that declares what it never reads would be a silent option again."""
    for name in RULES:
        rule = find_rule(name)
        settings = next(iter(rule.defaults.values()))
        for parameter in rule.parameters:
            if parameter.kind != "name" or parameter.is_fixed:
                continue
            found = set()
            for choice in parameter.choices:
                chosen = replace(settings, **{parameter.name: choice})
                try:
                    found.add(str((rule.model(chosen), rule.protocol(chosen))))
                except Exception as refused:  # not with the other settings
                    found.add(str(refused))
            assert len(found) > 1, f"{name} declares {parameter.name} in vain"
    assert PARAMETERS["activation"].kind == "name"
