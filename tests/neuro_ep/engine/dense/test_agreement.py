"""Dense synapses compute what separate networks of Brian2's own synapses compute.

The networks and the oracle are in ``scenarios.py``. The oracle for several replicas:
one stock network a replica, whose weights are set to their mean after every update.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest

SCENARIOS, SINGLE = (
    runpy.run_path(str(Path(__file__).with_name("scenarios.py")))[name]
    for name in ("SCENARIOS", "SINGLE")
)

#: Sums in another order differ by some 1e-16 a step; a wrong rule by far more.
ROUNDING = 1e-10
#: float32 resolves 6e-8; the states here are of order one and contract.
SINGLE_PRECISION = 1e-5


def exhaustive(*values):
    return pytest.param(*values, marks=pytest.mark.exhaustive)


TARGETS = ("numpy", exhaustive("cython"), "standalone")
PLASTIC = [name for name in SCENARIOS if name not in ("tied", "chained")]


def relative_error(found, truth):
    assert found.shape == truth.shape
    assert np.isfinite(found).all() and np.isfinite(truth).all()
    size = np.linalg.norm(truth)
    return np.linalg.norm(found - truth) / size if size else np.linalg.norm(found)


def errors(found, truth, name, replicas, of=None):
    """The relative error of each variable of a scenario; ``of`` names the truth."""
    prefix = f"{name}/{replicas}/"
    variables = [key.removeprefix(prefix) for key in found if key.startswith(prefix)]
    assert "w" in variables and len(variables) > 5
    return {
        variable: relative_error(
            found[prefix + variable], truth[f"{of or name}/{replicas}/{variable}"]
        )
        for variable in variables
    }


@pytest.mark.parametrize("replicas", [1, 4])
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("target", ["numpy", exhaustive("cython")])
def test_equals_separate_stock_networks(target, name, replicas, solved):
    check_against_stock(target, name, replicas, solved)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize(
    ("target", "replicas"), [("standalone", 4), exhaustive("standalone_single", 1)]
)
def test_compiled_equals_separate_stock_networks(target, replicas, name, solved):
    check_against_stock(target, name, replicas, solved)


def check_against_stock(target, name, replicas, solved):
    found = errors(
        solved("scenarios", target), solved("scenarios", "stock"), name, replicas
    )
    assert max(found.values()) < ROUNDING, found


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_moves_and_replicas_differ(name, solved):
    """Otherwise the comparison above would hold for nothing much."""
    stock = solved("scenarios", "stock")
    side = "pre_v"
    assert np.ptp(stock[f"{name}/4/{side}"], axis=0).min() > 0
    assert relative_error(stock[f"{name}/1/w"], stock[f"{name}/4/w"]) > (
        1e-3 if name in PLASTIC else -1
    )


@pytest.mark.parametrize("replicas", [1, 4])
@pytest.mark.parametrize("name", PLASTIC)
def test_a_slightly_wrong_rule_is_noticed(name, replicas, solved):
    """Weight changes of a stock network that are 0.1 % too large."""
    found = errors(
        solved("scenarios", "wrong"), solved("scenarios", "numpy"), name, replicas
    )
    assert found["w"] > 1e4 * ROUNDING
    assert max(found.values()) < 0.01  # the same network apart from that


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("target", TARGETS)
def test_single_precision(target, name, solved):
    dense = solved("scenarios", target)
    found = errors(dense, dense, name, 4, of=name.rpartition("_")[0])
    assert max(found.values()) < SINGLE_PRECISION, found
    assert found["w"] > ROUNDING  # it is not double precision after all
    assert dense[f"{name}/4/w"].dtype == np.float32
