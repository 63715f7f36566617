"""RHEL: its force is the slope of its energy, its rule is local, and it learns."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from brian2 import Equations, Network
from brian2.parsing.sympytools import str_to_sympy

from neuro_ep import load_dataset, train
from neuro_ep.build.network import build_network
from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo.rhel import ADAM_PARAMETERS, ECHOES, OPTIMISERS, RHEL
from neuro_ep.records.rule import changed

DIGITS = RHEL.defaults["digits-rows"]


def text(expression):
    return str_to_sympy(expression)


def renamed(expression, **names):
    return expression.subs({text(old): text(new) for old, new in names.items()})


# --- the force is minus the slope of the energy ---


def slope_of_energy():
    """dH/dq of one neuron, with what it gets from others as ``field`` and ``drive``.

    The sum over pairs has w r_i r_j once, so its slope is (dr/dq) sum_j w r_j.
    """
    own = sympy.diff(text(hamiltonian.ENERGY["neuron"]), text("q"))
    r = text(hamiltonian.ENERGY["r"])
    return own + sympy.diff(r, text("q")) * text("field") - text("drive")


def force(neuron, suffix):
    equations = Equations(neuron.equations)
    found = text(equations[f"force{suffix}"].expr.code)
    names = {f"{name}{suffix}": name for name in ("q", "r", "field")}
    return renamed(renamed(found, **names), r=hamiltonian.ENERGY["r"])


@pytest.mark.parametrize(
    ("nudging", "suffix"),
    [("symmetric", "_plus"), ("symmetric", "_minus"), ("one-sided", "")],
)
def test_force_is_minus_the_slope_of_the_energy(nudging, suffix):
    gap = force(ECHOES[nudging].neuron, suffix) + slope_of_energy()
    assert sympy.simplify(gap) == 0


def test_pull_is_the_slope_of_the_cost():
    equations = Equations(hamiltonian.NEURON)
    slope = sympy.diff(text(hamiltonian.ENERGY["cost"]), text("q"))
    for suffix in ("_plus", "_minus"):
        found = text(equations[f"pull{suffix}"].expr.code)
        found = renamed(found, judged="1", read="1", **{f"q{suffix}": "q"})
        assert sympy.simplify(found - slope) == 0


@pytest.mark.parametrize(("sign", "suffix"), [(-1, "_plus"), (1, "_minus")])
def test_nudge_of_both_copies(sign, suffix):
    """dp/dt is the force, and -beta or +beta times v_unit and the pull."""
    rate = text(Equations(hamiltonian.NEURON)[f"p{suffix}"].expr.code)
    rate = renamed(rate, echo="1", nudged="1")
    expected = text(f"(force{suffix} + {sign}*beta*v_unit*pull{suffix})/tau")
    assert sympy.simplify(rate - expected) == 0


def test_what_is_gathered_is_the_slope_of_the_energy():
    """g of k, l and b: dH/dtheta of one copy minus that of the other."""
    equations = Equations(hamiltonian.NEURON)
    for name in "klb":
        slope = sympy.diff(text(hamiltonian.ENERGY["neuron"]), text(name))
        gap = renamed(slope, q="q_plus") - renamed(slope, q="q_minus")
        rate = text(equations[f"g_{name}"].expr.code)
        assert sympy.simplify(renamed(rate, echo="1", tau="1") - gap) == 0


# --- local ---


@pytest.mark.parametrize("nudging", sorted(ECHOES))
def test_synapses_read_the_neurons_they_join_and_shared_signals(nudging):
    model = RHEL.model(changed(DIGITS, nudging=nudging))
    neurons = Equations(model.output.equations).names | {"x"}
    known = {f"{name}{end}" for name in neurons for end in ("_pre", "_post")}
    for kind in (model.synapse, model.lateral, model.bias, *model.local.values()):
        equations = Equations(kind.equations)
        shared = {eq.varname for eq in equations.values() if "shared" in eq.flags}
        read = equations["g"].expr.identifiers
        assert read <= known | shared | {"dt"}


# --- settings ---


@pytest.mark.parametrize(
    ("choices", "refusal"),
    [
        ({"nudging": "random-sign"}, "one-sided, symmetric"),
        ({"optimiser": "nonesuch"}, "adam, gradient-descent"),
        ({"connections": ((0, 1),)}, "one layer joined to itself"),
        ({"layers": (8, 20, 10), "connections": ()}, "one layer joined to itself"),
    ],
)
def test_what_is_refused(choices, refusal):
    with pytest.raises(InputError, match=refusal):
        settings = changed(DIGITS, **choices)
        RHEL.model(settings), RHEL.protocol(settings)


@pytest.mark.parametrize(
    "choices", [{"judged": -0.1}, {"judged": 1.1}, {"read": 65}, {"read": -1}]
)
def test_settings_out_of_range(choices):
    with pytest.raises(InputError, match=next(iter(choices))):
        changed(DIGITS, **choices)


def test_network_is_plain_brian2(on_numpy):
    network = build_network(RHEL, changed(DIGITS, batch=2))
    assert type(network.brian2) is Network
    assert network["output"].read[:].reshape(2, 64).sum(1).tolist() == [10, 10]
    assert network["output"].read[53:55].tolist() == [0, 1]


# --- it learns ---


def few(train=60, test=40):
    digits = load_dataset("digits-rows")
    return replace(digits, train=digits.train[:train], test=digits.test[:test])


SMALL = changed(DIGITS, layers=(8, 16), epochs=2, batch=10, step=0.5)


def test_training_on_numpy(on_numpy, tmp_path):
    rows = []
    result = train(
        *(RHEL, few(), SMALL), out=tmp_path / "a.h5", target="numpy",
        on_epoch=rows.append,
    )  # fmt: skip
    assert result.epochs == 2
    assert rows[-1]["test_cost"] < 0.9 * rows[0]["test_cost"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimiser",
    ["adam", pytest.param("gradient-descent", marks=pytest.mark.exhaustive)],
)
def test_compiled_training_agrees(on_numpy, tmp_path, optimiser):
    settings = changed(SMALL, optimiser=optimiser)
    logs = {}
    for target in ("numpy", "standalone"):
        rows = []
        train(
            *(RHEL, few(), settings), out=tmp_path / f"{target}.h5", target=target,
            dtype="float64", on_epoch=rows.append,
        )  # fmt: skip
        logs[target] = rows
    for one, other in zip(logs["numpy"], logs["standalone"], strict=True):
        assert one["test_cost"] == pytest.approx(other["test_cost"], rel=1e-8)
        assert one["test_accuracy"] == other["test_accuracy"]


def test_adam_is_that_of_its_paper():
    """Bias-corrected moments and step, for some gradients."""
    draw, state = np.random.default_rng(0).normal(size=5), {}
    assert ADAM_PARAMETERS == {
        "decay_moment": 0.9, "decay_square": 0.999, "epsilon": 1e-8,
    }  # fmt: skip
    _, code, constants = OPTIMISERS["adam"]
    state = {"count": 0, "moment": 0.0, "square": 0.0, "eta": 0.01, "sqrt": np.sqrt}
    first = second = 0.0
    for step, gradient in enumerate(draw, 1):
        state["gradient"] = gradient
        exec(code, {}, state := {**constants, **state})
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        moved = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        assert state["change"] == pytest.approx(-0.01 * moved, rel=1e-12)
