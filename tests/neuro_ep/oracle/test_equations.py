"""The oracle's own parser of equation text."""

import pytest
import sympy

from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium import continual_ep, prototypical
from neuro_ep.oracle.equations import parse, resolved, statements, symbol, units

OF = units(v_unit=1e-3, tau=10e-3)


def test_kinds_flags_and_units():
    equations = parse(
        """
        dv/dt = (-v + I)/tau : volt        # a comment: with a colon
        rate = I/second + 0*volt/second : volt/second (constant over dt)
        tau : second (shared, constant)
        I : volt
        """,
        OF,
    )
    kinds = {name: equation.kind for name, equation in equations.items()}
    assert kinds == {
        "v": "differential",
        "rate": "subexpression",
        "tau": "parameter",
        "I": "parameter",
    }
    assert equations["tau"].flags == {"shared", "constant"}
    assert equations["rate"].unit == pytest.approx(1000 * 0.01)
    assert equations["v"].unit == 1000


def test_one_statement_over_two_lines():
    assert statements("a = b +\n    c : 1\nd : volt") == ["a = b + c : 1", "d : volt"]


def test_units_are_numbers():
    value = parse("a = 3*mV/v + 2*ms : 1", OF)["a"].expression
    assert value == 3.0 / symbol("v") + 0.2


@pytest.mark.parametrize("name", ["I", "E", "S", "N", "beta", "gamma", "lambda_"])
def test_names_that_sympy_takes_are_free(name):
    assert parse(f"a = 2*{name} : 1", OF)["a"].expression == 2 * symbol(name)


def test_pieces_have_slopes():
    equations = parse("a = clip(v, 0, 1) : 1\nb = int(v > 0) : 1", OF)
    slope = sympy.diff(equations["a"].expression, symbol("v"))
    assert [slope.subs(symbol("v"), at) for at in (-0.5, 0.5, 1.5)] == [0, 1, 0]
    assert equations["b"].expression.subs(symbol("v"), 2) == 1


def test_resolved_goes_to_the_bottom():
    equations = parse("a = b*k : 1\nb = c + v : 1\nc = 2*v : 1\nk : 1", OF)
    found = resolved(equations, symbol("a"), {"k": 3.0})
    assert sympy.expand(found - 9.0 * symbol("v")) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [("a = 1", "no unit"), ("a == 1 : 1", "cannot read"), ("a = f(v) : 1", "'f'")],
)
def test_what_it_cannot_read(text, message):
    with pytest.raises(InputError, match=message):
        parse(text, OF)


def test_models_are_read_as_brian2_reads_them():
    """Names and kinds of every equation of a model, against Brian2's own parser."""
    from brian2 import Equations

    settings = continual_ep.CONTINUAL_EP.defaults["digits"]
    models = [continual_ep.CONTINUAL_EP.model(settings)]
    settings = continual_ep.CONTINUAL_EP.defaults["mnist"]
    models.append(continual_ep.CONTINUAL_EP.model(settings))
    assert models[1].activity == "s" and prototypical
    for model in models:
        for part in ("input", "hidden", "output", "synapse", "bias"):
            text = getattr(model, part).equations
            ours, theirs = parse(text, OF), Equations(text)
            expected = {e.varname: e.type.split()[0] for e in theirs.values()}
            assert {name: e.kind for name, e in ours.items()} == expected
            for equation in theirs.values():
                assert ours[equation.varname].flags == set(equation.flags)
