"""Products in blocks, and factors computed for some replicas at a time."""

import ctypes

import numpy as np
import pytest

from neuro_ep.engine.dense import codeobjects

SOURCE = """
#include "dense.hpp"
#define PRODUCT(name, real) \\
    extern "C" void name(int ta, int tb, int m, int n, int k, double alpha, \\
                         const real *a, const real *b, double beta, real *c) { \\
        const bool plain_a = ta == neuro_ep::plain, plain_b = tb == neuro_ep::plain; \\
        neuro_ep::product(ta, tb, m, n, k, (real)alpha, a, plain_a ? k : m, b, \\
                          plain_b ? n : k, (real)beta, c); \\
    }
PRODUCT(product_float, float)
PRODUCT(product_double, double)
extern "C" int replicas_at_a_time(int replicas, int values) {
    return neuro_ep::replicas_at_a_time(replicas, values);
}
extern "C" int threads_for(double multiplications) {
    return neuro_ep::threads_for(multiplications, neuro_ep::large_product);
}
"""

#: Smaller than a block, one more than whole blocks, and large enough for threads.
SIZES = [(3, 5, 7), (129, 513, 65), (20, 700, 900), (300, 20, 1), (260, 300, 130)]


@pytest.fixture(scope="module", params=["plain", "threads"])
def kernels(request):
    """The kernels as a library, without and with OpenMP and two threads."""
    with pytest.MonkeyPatch.context() as patch:
        compiler, flags = codeobjects.get_compiler_and_args()
        extra = ["-fopenmp"] if request.param == "threads" else []
        patch.setattr(
            codeobjects, "get_compiler_and_args", lambda: (compiler, [*flags, *extra])
        )
        patch.setenv("OMP_NUM_THREADS", "2")
        library = ctypes.CDLL(str(codeobjects.shared_library(SOURCE)))
        library.threads_for.argtypes = [ctypes.c_double]
        library.threads = 2 if extra else 1
        yield library


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_product_in_blocks_is_the_product(kernels, size, transposed, dtype):
    m, n, k = size
    draw = np.random.default_rng(0)
    a, b, c = (draw.standard_normal(s).astype(dtype) for s in ((m, k), (k, n), (m, n)))
    expected = 0.5 * (a.astype(float) @ b) + 2 * c.astype(float)
    stored = [
        np.ascontiguousarray(matrix.T if turned else matrix)
        for matrix, turned in zip((a, b), transposed, strict=True)
    ]
    modes = [112 if turned else 111 for turned in transposed]
    call = kernels.product_float if dtype == "float32" else kernels.product_double
    call.argtypes = [*[ctypes.c_int] * 5, ctypes.c_double]
    call.argtypes += [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double]
    call.argtypes += [ctypes.c_void_p]
    pointers = [matrix.ctypes.data for matrix in (*stored, c)]
    call(*modes, m, n, k, 0.5, *pointers[:2], 2.0, pointers[2])
    error = np.linalg.norm(c - expected) / np.linalg.norm(expected)
    assert error < (1e-6 if dtype == "float32" else 1e-14)


def test_threads_share_large_products_only(kernels):
    assert kernels.threads_for(5e5) == 1
    assert kernels.threads_for(1e7) == kernels.threads


@pytest.mark.parametrize(
    ("replicas", "values", "expected"),
    [(20, 8192, 20), (256, 0, 256), (256, 512, 32), (256, 200, 81), (256, 9000, 32)],
)
def test_replicas_at_a_time(kernels, replicas, values, expected):
    assert kernels.replicas_at_a_time(replicas, values) == expected


NEURONS = "x : 1\nrate = tanh(x) : 1"

PLASTIC = """
dw/dt = (rate_pre*rate_post + x_pre*rate_post + rate_pre*x_post)*Hz : 1 (clock-driven)
"""


def learned(target: str) -> np.ndarray:
    """The weights after two steps with many replicas of many computed factors."""
    from brian2 import Network, NeuronGroup, ms

    from neuro_ep import DenseSynapses
    from neuro_ep.run.target import select_target

    select_target(target)
    replicas, n_pre, n_post = 150, 530, 3
    draw = np.random.default_rng(2)
    options = {"dt": 1 * ms, "method": "euler"}
    pre = NeuronGroup(replicas * n_pre, NEURONS, **options)
    post = NeuronGroup(replicas * n_post, NEURONS, **options)
    synapses = DenseSynapses(pre, post, PLASTIC, replicas=replicas)
    for group in (pre, post):
        group.x = draw.standard_normal(len(group))
    Network(pre, post, synapses).run(2 * ms)
    return np.array(synapses.w)


def test_some_replicas_at_a_time_give_the_same(monkeypatch, tmp_path):
    if not codeobjects.python_headers_available():
        pytest.skip("Brian2's Cython target needs Python.h")
    expected = learned("numpy")
    np.testing.assert_allclose(learned("cython"), expected, rtol=1e-10)
    assert np.abs(expected).max() > 1e-4


SUMS = """
w : 1
u : 1
v : 1
a_post = w*x_pre*x_post + u*x_pre*rate_post + v*rate_pre + w*rate_pre : 1 (summed)
"""


def delivered(target: str) -> np.ndarray:
    """Sums of four products that are each computed in columns."""
    from brian2 import Network, NeuronGroup, ms

    from neuro_ep import DenseSynapses
    from neuro_ep.run.target import select_target

    select_target(target)
    replicas, n = 3, 700
    draw = np.random.default_rng(4)
    pre = NeuronGroup(replicas * n, NEURONS)
    post = NeuronGroup(replicas * n, f"{NEURONS}\na : 1")
    synapses = DenseSynapses(pre, post, SUMS, replicas=replicas)
    for group in (pre, post):
        group.x = draw.standard_normal(len(group))
    for name in "wuv":
        setattr(synapses, name, draw.standard_normal((n, n)))
    Network(pre, post, synapses).run(0.1 * ms)
    return np.array(post.a)


def test_many_products_of_a_large_network_keep_their_memory_apart():
    if not codeobjects.python_headers_available():
        pytest.skip("Brian2's Cython target needs Python.h")
    expected = delivered("numpy")
    error = np.abs(delivered("cython") - expected).max()
    assert error < 1e-10 * np.abs(expected).max()
