"""Bare matrix products, timed in compiled code: the limit that a step cannot beat."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from neuro_ep.engine.dense.codeobjects import shared_library

SOURCE = """
#include "dense.hpp"
using namespace neuro_ep;
static std::vector<std::vector<float>> memory(64);
static float* buffer(int k, size_t n) {{
    if (memory[k].size() < n) memory[k].resize(n, 1e-3f);
    return memory[k].data();
}}
extern "C" void neuro_ep_run(int times) {{
    for (int time = 0; time < times; time++) {{
{calls}
    }}
}}
"""

CALL = (
    "        for (int k = 0; k < {times}; k++) product({a}, {b}, {m}, {n}, {k}, 1e-6f,"
    " buffer({i}, {ma}), {lda}, buffer({j}, {mb}), {ldb}, {beta}f, buffer({o}, {mc}));"
)


@dataclass(frozen=True)
class Product:
    """``out (m x n) = beta*out + op(left) op(right)`` with inner size k, so many times.

    left, right and out are numbers of buffers, so that products share memory as the
    layers of a network do.
    """

    m: int
    n: int
    k: int
    left: int
    right: int
    out: int
    transpose_left: bool = False
    transpose_right: bool = False
    accumulate: bool = False
    times: int = 1


def compiled(products: list[Product]):
    """A function of the number of repetitions that runs the products in order."""
    library = shared_library(SOURCE.format(calls="\n".join(map(_call, products))))
    function = ctypes.CDLL(str(library)).neuro_ep_run
    function.restype, function.argtypes = None, [ctypes.c_int]
    return function


def _call(product: Product) -> str:
    p = product
    return CALL.format(
        times=p.times,
        a="transposed" if p.transpose_left else "plain",
        b="transposed" if p.transpose_right else "plain",
        m=p.m,
        n=p.n,
        k=p.k,
        i=p.left,
        j=p.right,
        o=p.out,
        ma=p.m * p.k,
        mb=p.k * p.n,
        mc=p.m * p.n,
        lda=p.m if p.transpose_left else p.k,
        ldb=p.k if p.transpose_right else p.n,
        beta="1." if p.accumulate else "0.",
    )


def of_presentation(layers, batch: int, free: int, nudged: int) -> list[Product]:
    """The products that a presentation of continual EP needs, held input included.

    Per step and projection above the first: current up, current down. In the nudged
    phase: the input's correction, and the change of every weight above the first (two
    outer products per sample). Once: the input's current, Gram matrix and change.
    """
    inputs, hidden = layers[0], layers[1]
    steps = []
    for k, (pre, post) in enumerate(zip(layers[1:], layers[2:], strict=False)):
        weight, below, above = 10 + k, 20 + k, 21 + k
        steps.append(Product(batch, post, pre, below, weight, 30 + k))
        steps.append(
            Product(batch, pre, post, above, weight, 40 + k, transpose_right=True)
        )
    learning = [Product(batch, hidden, batch, 1, 2, 20, accumulate=True)]
    for k, (pre, post) in enumerate(zip(layers[1:], layers[2:], strict=False)):
        learning.append(
            Product(
                *(pre, post, 2 * batch, 50 + k, 55 + k, 10 + k),
                transpose_left=True,
                accumulate=True,
            )
        )
    once = [
        Product(batch, hidden, inputs, 3, 4, 5),
        Product(batch, batch, inputs, 3, 3, 1, transpose_right=True),
        Product(
            *(inputs, hidden, batch, 3, 2, 4), transpose_left=True, accumulate=True
        ),
    ]
    return [*once, *steps * free, *(steps + learning) * nudged]
