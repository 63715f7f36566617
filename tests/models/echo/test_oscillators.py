"""Coupled oscillators: forces are slopes of the energy, what is read is local."""

import pytest
import sympy
from brian2 import Equations
from brian2.parsing.sympytools import str_to_sympy as text

from neuro_ep.errors import InputError
from neuro_ep.models.echo import oscillators as model_file
from neuro_ep.models.echo.oscillators import COUPLED_OSCILLATORS, ENERGY
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.records.settings import changed

SETTINGS = changed(RHEL.defaults["digits-rows"], layers=(2, 6), read=1)


def renamed(expression, **names):
    return expression.subs({text(old): text(new) for old, new in names.items()})


def equation(equations, name):
    return text(Equations(equations)[name].expr.code)


@pytest.mark.parametrize("suffix", ["_plus", "_minus"])
def test_force_is_minus_the_slope_of_the_energy(suffix):
    """Of the own energy, of a spring, and of an input."""
    own = sympy.diff(text(ENERGY["neuron"]), text("q"))
    spring = sympy.diff(text(ENERGY["synapse"]), text("q_post"))
    drive = sympy.diff(text(ENERGY["input"]), text("q_post"))
    pull = equation(model_file.SPRING, f"field{suffix}_post")
    pull = renamed(
        pull, echo="1", **{f"q{suffix}_pre": "q_pre", f"q{suffix}_post": "q_post"}
    )
    force = renamed(
        equation(model_file.OSCILLATOR, f"force{suffix}"),
        **{f"q{suffix}": "q", f"field{suffix}": "pull", "drive": "B*x_pre"},
    )
    expected = -own + text("pull") - drive
    assert sympy.simplify(force - expected) == 0
    assert sympy.simplify(pull + spring) == 0


def test_what_is_gathered_is_the_slope_of_the_energy():
    """g of w, k, l and b: dH/dtheta of one copy minus that of the other."""
    named = {"spread": "q_plus - q_minus", "total": "q_plus + q_minus"}
    named |= {"parting": "q_minus - q_plus", "echo": "1", "tau": "1"}
    for name in "klb":
        slope = sympy.diff(text(ENERGY["neuron"]), text(name))
        gap = renamed(slope, q="q_plus") - renamed(slope, q="q_minus")
        rate = renamed(equation(model_file.OSCILLATOR, f"g_{name}"), **named)
        assert sympy.simplify(rate - gap) == 0, name
    slope = sympy.diff(text(ENERGY["synapse"]), text("w"))
    plus, minus = (
        renamed(slope, q_pre=f"q_{copy}_pre", q_post=f"q_{copy}_post")
        for copy in ("plus", "minus")
    )
    both = {
        f"{key}_{end}": f"q_plus_{end} {sign} q_minus_{end}"
        for end in ("pre", "post")
        for key, sign in (("spread", "-"), ("total", "+"))
    }
    rate = renamed(equation(model_file.SPRING, "g"), echo="1", tau="1", **both)
    assert sympy.simplify(rate - (plus - minus)) == 0


def test_springs_read_the_oscillators_they_join():
    read = Equations(model_file.SPRING)["g"].expr.identifiers
    ends = {f"{name}_{end}" for name in ("spread", "total") for end in ("pre", "post")}
    assert read == ends | {"echo", "tau"}


@pytest.mark.parametrize(
    ("choices", "refusal"),
    [
        ({"nudging": "one-sided"}, "choose symmetric"),
        ({"connections": ((0, 1),)}, "one layer joined to itself"),
    ],
)
def test_what_is_refused(choices, refusal):
    with pytest.raises(InputError, match=refusal):
        COUPLED_OSCILLATORS.model(changed(SETTINGS, **choices))
