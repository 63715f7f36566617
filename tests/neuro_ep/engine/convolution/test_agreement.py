"""Convolutions compute what Brian2's own synapses, listed one by one, compute.

The networks and the oracle are in ``convolutions.py``.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest

CASES, PLASTIC = (
    runpy.run_path(str(Path(__file__).with_name("convolutions.py")))[name]
    for name in ("CASES", "PLASTIC")
)

#: Sums in another order differ by some 1e-16 a step; a wrong rule by far more.
ROUNDING = 1e-10
#: float32 resolves 6e-8; the states here are of order one and contract.
SINGLE_PRECISION = 1e-5

TARGETS = (
    "numpy",
    pytest.param("cython", marks=pytest.mark.exhaustive),
    "standalone",
)


def relative_error(found, truth):
    assert found.shape == truth.shape
    assert np.isfinite(found).all() and np.isfinite(truth).all()
    size = np.linalg.norm(truth)
    return np.linalg.norm(found - truth) / size if size else np.linalg.norm(found)


def errors(found, truth, name, replicas, of=None):
    """The relative error of each variable of a scenario; ``of`` names the truth."""
    prefix = f"{name}/{replicas}/"
    variables = [key.removeprefix(prefix) for key in found if key.startswith(prefix)]
    assert {"pre_v", "post_v", "pre_I_back", "post_I_forward"} <= {*variables}
    return {
        variable: relative_error(
            found[prefix + variable], truth[f"{of or name}/{replicas}/{variable}"]
        )
        for variable in variables
    }


@pytest.mark.parametrize(("name", "replicas"), CASES)
@pytest.mark.parametrize("target", TARGETS)
def test_equals_synapses_listed_one_by_one(target, name, replicas, solved):
    found = errors(
        solved("convolutions", target), solved("convolutions", "stock"), name, replicas
    )
    assert max(found.values()) < ROUNDING, found


@pytest.mark.parametrize("name", [name for name, replicas in PLASTIC if replicas == 1])
def test_weights_depend_on_all_replicas(name, solved):
    """Otherwise the comparison above would hold for nothing much."""
    stock, kernel = solved("convolutions", "stock"), "b" if name == "bias" else "w"
    single, several = (stock[f"{name}/{replicas}/{kernel}"] for replicas in (1, 4))
    assert relative_error(single, several) > 1e-3


@pytest.mark.parametrize(("name", "replicas"), CASES)
def test_a_kernel_slightly_too_large_is_noticed(name, replicas, solved):
    found = errors(
        solved("convolutions", "large_kernel"),
        solved("convolutions", "numpy"),
        name,
        replicas,
    )
    for current in ("post_I_forward", "pre_I_back"):
        assert 1e4 * ROUNDING < found[current] < 0.05, found


@pytest.mark.parametrize(("name", "replicas"), PLASTIC)
def test_plasticity_slightly_too_fast_is_noticed(name, replicas, solved):
    found = errors(
        solved("convolutions", "large_change"),
        solved("convolutions", "numpy"),
        name,
        replicas,
    )
    assert found["b" if name == "bias" else "w"] > 1e4 * ROUNDING
    assert max(found.values()) < 0.05  # the same network apart from that


@pytest.mark.parametrize("target", TARGETS)
def test_single_precision(target, solved):
    arrays = solved("convolutions", target)
    found = errors(arrays, arrays, "single", 4, of="stride_2_padding_1")
    assert max(found.values()) < SINGLE_PRECISION, found
    assert found["w"] > ROUNDING  # it is not double precision after all
    assert arrays["single/4/w"].dtype == np.float32
