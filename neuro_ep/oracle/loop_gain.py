"""Where feedback moves the prediction, and so the slope of the cost: loop gain.

Derived here, to first order: at alpha other than 1/2, differences D_L of the output
shift its drive by (2 alpha - 1) K D_L, with

    K = sum_{k=1}^{L-1} (da_L/ds_k) diag f'(a_k) (da_L/ds_k)^T     (n_L, n_L), >= 0

Sweeps of dual propagation on the squared error, its slope taken at the present drive,
settle where beta |2 alpha - 1| max eig K < 1; exactly so in linear networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuro_ep.oracle.backpropagation import Array, activation_named, forward


def loop_matrix(
    weights: Sequence[Array], biases: Sequence[Array], x: Array, activation: str
) -> Array:
    """K of every sample, (batch, n_L, n_L)."""
    drives, _ = forward(weights, biases, x, activation)
    slope = activation_named(activation).slope
    onto_output = np.broadcast_to(weights[-1], (len(x), *weights[-1].shape))
    total = np.zeros((len(x), *2 * weights[-1].shape[1:]))
    for layer in range(len(weights) - 1, 0, -1):
        bent = slope(drives[layer - 1])[:, :, None] * onto_output
        total += onto_output.swapaxes(1, 2) @ bent
        onto_output = weights[layer - 1] @ bent
    return total


def critical_beta(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    activation: str,
    alpha: float,
) -> float:
    """The beta from which on some sample does not settle; infinite at alpha 1/2."""
    largest = np.linalg.eigvalsh(loop_matrix(weights, biases, x, activation)).max()
    gain = abs(2 * alpha - 1) * float(largest)
    return 1 / gain if gain else np.inf
