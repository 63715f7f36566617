"""The equations of HEB: slopes of their energy, the same on every target, guarded."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import sympy
from brian2 import Equations
from brian2.parsing.sympytools import str_to_sympy

from neuro_ep import checking
from neuro_ep.build.network import build_network
from neuro_ep.checking.families import heb as measures
from neuro_ep.errors import InputError
from neuro_ep.models.echo import heb
from neuro_ep.models.echo.heb import HEB
from neuro_ep.oracle.trajectory import coupling_matrix
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

SETTINGS = Settings(
    layers=(2, 5),
    connections=((0, 1), (1, 1)),
    eta=(0.1,),
    beta=1e-3,
    free=2.0,
    nudged=2.0,
    step=0.1,
    batch=2,
    nudging="one-sided",
    judged=0.0,
    read=1,
)

#: A presentation of both signs with decay, on a target: DRAWN FOLDER -> what is left.
SCRIPT = """
import sys, numpy as np
from dataclasses import replace
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target
from neuro_ep.checking.families import heb as measures
from neuro_ep.models.echo.heb import HEB
select_target(sys.argv[1])
problem = measures.network(seed=0)
built = measures.probe(HEB, problem, "symmetric")
left = measures.show(built, 1e-3, 1e-2, eta=0.05, damping=0.5)
momenta = {f"{name}_momentum": value for name, value in left.momentum.items()}
np.savez(sys.argv[2], **momenta, **left.theta)
"""


def symbols(text):
    """An expression, its neuron as the postsynaptic one, activities written out."""
    q, q_pre = sympy.symbols("q q_pre", real=True)
    found = str_to_sympy(text)
    named = {
        str_to_sympy("q_post"): q,
        str_to_sympy("q"): q,
        str_to_sympy("r_post"): sympy.tanh(q),
        str_to_sympy("r"): sympy.tanh(q),
        str_to_sympy("r_pre"): sympy.tanh(q_pre),
        str_to_sympy("half_qq_post"): q**2 / 2,
        str_to_sympy("quarter_qqqq_post"): q**4 / 4,
        str_to_sympy("field"): str_to_sympy("w") * sympy.tanh(q_pre),
        str_to_sympy("drive"): str_to_sympy("B*x_pre"),
        str_to_sympy("learns"): 1,
    }
    return found.xreplace(named)


def energy():
    parts = ("kinetic", "neuron", "synapse", "input", "momentum")
    return sum(symbols(heb.ENERGY[part]) for part in parts)


def slope(name):
    variable = sympy.Symbol("q", real=True) if name == "q" else str_to_sympy(name)
    return sympy.diff(energy(), variable)


# --- the equations are those of the energy ---


def test_force_is_minus_the_slope_of_the_energy():
    force = symbols(Equations(heb.NEURON)["force"].expr.code)
    assert sympy.simplify(force + slope("q")) == 0


@pytest.mark.parametrize(
    ("name", "equations"),
    [
        ("w", heb.SYNAPSE),
        ("B", heb.INPUT_SYNAPSE),
        ("b", heb.BIAS),
        ("k", heb.STIFFNESS),
        ("l", heb.HARDENING),
    ],
)
def test_momenta_are_kicked_by_minus_the_slope_of_the_energy(name, equations):
    found = Equations(equations + heb.MOVING)["momentum"].expr.code
    rate = symbols(found) * str_to_sympy("tau")
    assert sympy.simplify(rate + slope(name)) == 0


@pytest.mark.parametrize(
    ("code", "moved", "momentum"),
    [
        (heb.DRIFT_AGAIN, "q", "p"),
        (heb.MOVE_PAIR.replace("int(i != j)*", ""), "w", "momentum"),
        (heb.MOVE, "theta", "momentum"),
    ],
)
def test_drifts_are_half_steps_along_the_slope_of_the_energy(code, moved, momentum):
    left, right = code.strip().split(" = ")
    assert left == moved
    step = str_to_sympy(right) - str_to_sympy(moved)
    rate = step * 2 * str_to_sympy("tau") / str_to_sympy("dt")
    assert sympy.simplify(rate - slope(momentum)) == 0


# --- on every target ---


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory):
    """What a presentation leaves on a target, run in a process of its own."""
    folder = tmp_path_factory.mktemp("heb")

    def on(target):
        file = folder / f"{target}.npz"
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, target, file],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return dict(np.load(file))

    return on


@pytest.fixture(scope="module")
def on_numpy_target(left_behind):
    return left_behind("numpy")


@pytest.mark.exhaustive
@pytest.mark.parametrize("target", ["standalone", "cython"])
def test_targets_agree(left_behind, on_numpy_target, target):
    if target == "cython":
        from neuro_ep.engine.dense.codeobjects import python_headers_available

        if not python_headers_available():
            pytest.skip("no Python.h")
    found = left_behind(target)
    assert set(found) == set(on_numpy_target)
    for name, value in on_numpy_target.items():
        np.testing.assert_allclose(found[name], value, atol=1e-11, err_msg=name)
    start = measures.network(seed=0).theta
    for name in measures.MOVING:  # and they did move
        assert np.abs(found[name] - start[name]).max() > 1e-3


# --- presentations ---


@pytest.fixture
def two_replicas(on_numpy):
    """Runs two samples at once; show(learn, ...) gives the values that are wanted."""
    select_target("numpy")
    network = build_network(HEB, SETTINGS, capacity=2)
    simulation = device.simulation(network)
    draw = np.random.default_rng(3)
    inputs, targets = draw.normal(size=(2, 2)), draw.normal(size=(2, 1))
    weights = 1e-3 * coupling_matrix(draw.normal(size=10), 5)

    def show(wanted, learn=(1,), sample=(0, 1), **values):
        given = {
            "output_to_output.w": weights,
            "input_to_output.B": 1e-3 * np.linspace(-1, 1, 10).reshape(2, 5),
            "stiffness_output.k": 1e-3 * np.ones((1, 5)),
            "hardening_output.l": 1e-4 * np.ones((1, 5)),
            "mass_output.m": 1e-3 * np.ones((1, 5)),
        }
        order = np.resize(sample, 2 * len(learn))
        schedule = Schedule(
            inputs, order, learn=learn, targets=targets, target_frames=1
        )
        given |= {name.replace("__", "."): value for name, value in values.items()}
        found = simulation.run(schedule, given, wanted)
        return [found[name] for name in wanted]

    return show, weights


def test_replicas_share_the_mean_of_their_kicks(two_replicas):
    show, _ = two_replicas
    held = {f"{name}__inverse_mass": 0.0 for name in PROJECTIONS}
    held |= {f"{name}__damping": 0.0 for name in PROJECTIONS}
    wanted = [f"{name}.momentum" for name in PROJECTIONS]
    first, second, both = (
        show(wanted, sample=rows, **held) for rows in ((0, 0), (1, 1), (0, 1))
    )
    for one, other, mean in zip(first, second, both, strict=True):
        np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-13)
        assert np.abs(one - other).max() > 1e-5


def test_what_is_only_tested_holds_the_parameters(two_replicas):
    show, weights = two_replicas
    kicked = 0.3 * np.ones((5, 5))
    wanted = ["output_to_output.w", "output_to_output.momentum"]
    w, momentum = show(wanted, learn=(0,), output_to_output__momentum=kicked)
    np.testing.assert_array_equal(w, weights.ravel())
    np.testing.assert_array_equal(momentum, kicked.ravel())


def test_weights_stay_one_a_pair(two_replicas):
    show, weights = two_replicas
    (w,) = show(["output_to_output.w"], learn=(1, 1), output_to_output__damping=0.1)
    w = w.reshape(5, 5)
    np.testing.assert_array_equal(np.diag(w), 0)
    np.testing.assert_array_equal(w, w.T)
    assert np.abs(w - weights).max() > 1e-6


def test_cost_falls_from_one_presentation_to_the_next(two_replicas):
    show, _ = two_replicas
    (cost,) = show(["presentations.cost"], learn=(1, 1))
    assert cost[1] < 0.99 * cost[0]


PROJECTIONS = (
    *("input_to_output", "output_to_output"),
    *("bias_output", "stiffness_output", "hardening_output"),
)

# --- what is refused ---


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"judged": 1.0}, "judged = 1.0: heb learns from the final instant; choose 0"),
        ({"connections": ((0, 1),), "eta": (0.1,)}, "joined to itself"),
    ],
)
def test_model_refuses(choices, message):
    with pytest.raises(InputError, match=message):
        HEB.model(replace(SETTINGS, **choices))


def test_protocol_refuses_unknown_nudging():
    with pytest.raises(InputError, match="no nudging is called 'both'"):
        HEB.protocol(replace(SETTINGS, nudging="both"))


def test_averaged_protocol_nudges_down_first():
    phases = HEB.protocol(replace(SETTINGS, nudging="symmetric")).phases
    assert [phase.nudge for phase in phases] == [0, -1, 0, 1]
    assert [phase.echo for phase in phases] == [False, True, False, True]
    assert sum(phase.plastic for phase in phases) == 1


def test_families_know_heb():
    assert HEB.family in checking.FAMILIES


# --- training ---


@pytest.mark.slow
def test_digits_are_learned_without_an_optimiser(tmp_path, on_numpy):
    """Three epochs on the compiled target, in float32: pairs keep one weight."""
    from neuro_ep import load_dataset, train

    settings = HEB.settings("digits-rows", epochs=3)
    result = train(HEB, load_dataset("digits-rows"), settings, out=tmp_path / "run.h5")
    assert result.test_accuracy > 0.8
