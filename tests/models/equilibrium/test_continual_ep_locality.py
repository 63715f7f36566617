"""What continual EP learns by is local: a synapse reads the neurons that it joins."""

from dataclasses import replace

import pytest
from brian2 import Equations

LAYERS = ("input", "hidden", "output")


# --- locality ---

#: What a synapse may know besides the two neurons it joins.
SHARED = {"eta", "beta", "plastic", "v_unit", "dt"}


def strangers(model):
    """Names in the equations of learning that are neither shared nor pre nor post."""
    found = set()
    for record, pres in ((model.synapse, ("input", "hidden")), (model.bias, ())):
        equations = Equations(record.equations)
        for name in names_of(equations, record.weight):
            stem, _, side = name.rpartition("_")
            layers = {"pre": pres, "post": LAYERS[1:]}.get(side, ())
            known = [stem in Equations(getattr(model, x).equations) for x in layers]
            if name not in SHARED | {record.weight} and not (known and all(known)):
                found.add(name)
    return found


def names_of(equations, name):
    """Identifiers on the right-hand side, subexpressions resolved."""
    found = set()
    for inner in equations[name].identifiers:
        subexpression = inner in equations and equations[inner].type == "subexpression"
        found |= names_of(equations, inner) if subexpression else {inner}
    return found


@pytest.mark.parametrize("plasticity", ["difference", "product-rule"])
def test_learning_is_local(model_of, plasticity):
    assert strangers(model_of(plasticity=plasticity)) == set()


@pytest.mark.parametrize(
    ("old", "new", "stranger"),
    [
        ("drho_post", "target", "target"),
        ("drho_post", "rho", "rho"),
        ("drho_post", "cost_post", "cost_post"),
        ("rho_pre*", "x_pre*", "x_pre"),  # only the input has x
        ("plastic*v_unit", "(plastic + t/dt)*v_unit", "t"),
    ],
)
def test_strangers_are_found(model_of, mutated, old, new, stranger):
    assert stranger in strangers(mutated(model_of(), "synapse", old, new))


def test_strangers_hide_in_no_subexpression(model_of, mutated):
    model = mutated(model_of(), "synapse", "drho_post)", "far)")
    far = replace(
        model.synapse, equations=model.synapse.equations + "far = cost_of_all : 1\n"
    )
    assert "cost_of_all" in strangers(replace(model, synapse=far))
