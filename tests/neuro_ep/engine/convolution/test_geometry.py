"""The maps between positions, in numpy and in C++, for sizes of all sorts."""

import ctypes
import shutil

import numpy as np
import pytest
from scipy.signal import correlate2d

from neuro_ep.engine.convolution.codeobjects import INCLUDES
from neuro_ep.engine.convolution.geometry import (
    Broadcast,
    Convolution,
    backward,
    correlate,
    forward,
)
from neuro_ep.engine.dense.codeobjects import shared_library

#: channels_in, height, width, kernel_height, kernel_width, stride, padding, channels
SIZES = [
    (1, 5, 5, 3, 3, 1, 0, 1),
    (2, 6, 4, 3, 2, 1, 1, 3),
    (2, 6, 4, 3, 2, 2, 0, 3),
    (2, 7, 8, 1, 1, 1, 0, 3),
    (1, 7, 8, 2, 3, 3, 2, 2),
    (3, 4, 5, 2, 2, 2, 3, 2),  # at the corners the kernel sees padding alone
    (1, 9, 4, 2, 1, 4, 0, 2),  # most of the source is not seen
    (2, 3, 2, 5, 4, 1, 2, 2),  # the kernel is larger than the maps
    (2, 3, 4, 3, 4, 1, 0, 5),  # one position: all to all
]
GEOMETRIES = [*(Convolution(*sizes) for sizes in SIZES), Broadcast(6, 3)]
REPLICAS = 2

CALLS = """
#include "convolution.hpp"
using namespace neuro_ep;
extern "C" void call(int what, int replicas, int channels, const Convolution *map,
                     const double *a, const double *b, double *out, double *memory) {
    if (what == 0) forward(*map, replicas, channels, 1.0, a, b, 0.0, out, memory);
    if (what == 1) backward(*map, replicas, channels, 1.0, a, b, 0.0, out, memory);
    if (what == 2) correlate(*map, replicas, channels, 1.0, a, b, out, memory);
}
"""


def arrays(geometry):
    """Source, weights, target."""
    generator = np.random.default_rng(3)
    return (
        generator.normal(size=(REPLICAS, geometry.n_pre)),
        generator.normal(size=geometry.weight_shape),
        generator.normal(size=(REPLICAS, geometry.n_post)),
    )


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_forward_is_scipy_cross_correlation(sizes):
    geometry = Convolution(*sizes)
    channels_in, height, width, *kernel, stride, padding, channels = sizes
    source, weights, _ = arrays(geometry)
    maps = source.reshape(REPLICAS, channels_in, height, width)
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    kernels = weights.T.reshape(channels, channels_in, *kernel)
    expected = [
        [
            sum(correlate2d(m, k, "valid") for m, k in zip(one, kernel, strict=True))
            for kernel in kernels
        ]
        for one in np.pad(maps, around)
    ]
    expected = np.array(expected)[:, :, ::stride, ::stride]
    shape = (REPLICAS, channels, geometry.rows, geometry.columns)
    assert expected.shape == shape
    found = forward(geometry, source, weights).reshape(shape)
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_backward_and_correlate_are_transposes_of_forward(geometry):
    """<target, forward(source, weights)> seen from the source and from the weights."""
    source, weights, target = arrays(geometry)
    product = np.sum(target * forward(geometry, source, weights))
    assert abs(product) > 1e-3
    from_source = np.sum(source * backward(geometry, target, weights))
    from_weights = np.sum(weights * correlate(geometry, source, target)) * REPLICAS
    np.testing.assert_allclose([from_source, from_weights], product, rtol=1e-12)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler (g++)")
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_kernels_compute_what_numpy_computes(sizes):
    geometry = Convolution(*sizes)
    call = ctypes.CDLL(str(shared_library(CALLS, INCLUDES))).call
    numbers = (ctypes.c_int * 9)(*geometry.numbers)
    source, weights, target = arrays(geometry)
    memory = np.empty(weights.shape[0] * geometry.rows * geometry.columns)
    for what, (function, a, b) in enumerate(
        [(forward, source, weights), (backward, target, weights)]
        + [(correlate, source, target)]
    ):
        expected = function(geometry, a, b)
        found = np.zeros_like(expected)
        given = [ctypes.c_void_p(array.ctypes.data) for array in (a, b, found, memory)]
        call(what, REPLICAS, geometry.channels, numbers, *given)
        np.testing.assert_allclose(found, expected, atol=1e-13)
