"""Models of kinds that once gave wrong numbers in silence, on every target."""

import functools
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SMALL = runpy.run_path(str(HERE / "small_models.py"))
HAND = runpy.run_path(str(HERE / "by_hand.py"))
skip_without_compilers = runpy.run_path(str(HERE / "conftest.py"))[
    "skip_without_compilers"
]
ALL = HAND["ALL"]
REPLICAS = 3


@functools.cache
def oracle(name):
    return SMALL["truth_and_tolerance"](ALL[name], REPLICAS)


def wrong(name, found):
    truth, allowed = oracle(name)
    return SMALL["differences"](found, truth, allowed)


@pytest.mark.parametrize("name", ALL)
def test_numpy(name):
    assert wrong(name, SMALL["run_alone"](ALL[name], "dense", REPLICAS)) == {}


@pytest.mark.parametrize("name", ["dependence: case", "dependence: there and back"])
def test_one_replica(name):
    truth, allowed = SMALL["truth_and_tolerance"](ALL[name], 1)
    found = SMALL["run_alone"](ALL[name], "dense", 1)
    assert SMALL["differences"](found, truth, allowed) == {}


#: Every third model of each kind, from the first one; numpy has them all.
THIRD = [
    name
    for kind in {name.split(":")[0]: None for name in ALL}
    for name in [name for name in ALL if name.startswith(f"{kind}:")][::3]
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("standalone", THIRD),
        pytest.param("standalone", list(ALL), marks=pytest.mark.exhaustive),
        pytest.param("cython", list(ALL), marks=pytest.mark.exhaustive),
    ],
    ids=["standalone", "standalone-all", "cython-all"],
)
def test_compiled(target, names, together):
    """One program for all."""
    results = together([(ALL[name], REPLICAS) for name in names], target)
    found = {
        name: bad
        for name, result in zip(names, results, strict=True)
        if (bad := wrong(name, result))
    }
    assert found == {}


@pytest.mark.parametrize("name", HAND["CANCELLATION"])
def test_the_tolerance_is_less_than_what_cancellation_loses(name):
    """Multiplied out, (x - m)*(y - n) loses digits of the square of the offset."""
    model = HAND["CANCELLATION"][name]
    _, allowed = oracle(f"cancellation: {name}")
    epsilon = 2.0**-52 if model.dtype == "float64" else 2.0**-23
    assert allowed["w"] < max(1e-3, 0.1 * epsilon * model.offset**2)


# --- the comparison finds what is wrong ---


@pytest.mark.parametrize("kind", ["case", "itself, no product"])
def test_what_is_done_at_once_though_it_depends_is_found(kind, monkeypatch):
    """On a compiled target: numpy keeps its results apart anyway."""
    from neuro_ep.engine.dense import sums

    skip_without_compilers("cython")
    name = f"dependence: {kind}"
    run = functools.partial(
        SMALL["run_alone"], ALL[name], "dense", REPLICAS, target="cython"
    )
    assert wrong(name, run()) == {}
    monkeypatch.setattr(sums, "reads_any", lambda *given: False)
    assert wrong(name, run()) != {}


def test_names_that_fall_through_are_found(monkeypatch):
    """Without the check, ``i`` and ``j`` are what the script around calls so."""
    from neuro_ep import DenseSynapses
    from neuro_ep.engine.dense import variables

    name = "names: numbers of neurons"
    model = replace(ALL[name], constants={"i": 0, "j": 1})
    assert wrong(name, SMALL["run_alone"](model, "dense", REPLICAS)) == {}
    monkeypatch.setattr(variables, "refuse_unowned", lambda *given: None)
    monkeypatch.setattr(DenseSynapses, "numbered", False)
    assert wrong(name, SMALL["run_alone"](model, "dense", REPLICAS)) != {}
