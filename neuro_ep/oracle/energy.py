"""The energy that a model states, with its derivatives: E, dE/ds, d2E/ds2, dE/dtheta.

E  =  sum_k e(s_k) + sum_ij w_ij A(s_i) B(s_j)       (in units of v_unit**2)
"""

from __future__ import annotations

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Clamp, Field, Parameters, evaluate


def energy(field: Field, theta: Parameters, states, clamp: Clamp) -> np.ndarray:
    """E of every sample, (batch,)."""
    by_layer = _stated(field, states)
    total = sum(
        evaluate(field, clamp, by_layer, layer, own.value).sum(axis=1)
        for layer, own in _layers(field)
    )
    for edge, product in _products(field):
        pre = evaluate(field, clamp, by_layer, edge.pre, product.pre.value)
        post = evaluate(field, clamp, by_layer, edge.post, product.post.value)
        total = total + ((pre @ theta[edge.name]) * post).sum(axis=1)
    return total


def energy_slope(field: Field, theta: Parameters, states, clamp: Clamp) -> np.ndarray:
    """dE/ds, (batch, N)."""
    by_layer = _stated(field, states)
    slopes = [np.zeros((len(states), n)) for n in field.sizes]
    for layer, own in _layers(field):
        slopes[layer] += evaluate(field, clamp, by_layer, layer, own.slope)
    for edge, product in _products(field):
        pre = evaluate(field, clamp, by_layer, edge.pre, product.pre.value)
        post = evaluate(field, clamp, by_layer, edge.post, product.post.value)
        bent = evaluate(field, clamp, by_layer, edge.post, product.post.slope)
        slopes[edge.post] += bent * (pre @ theta[edge.name])
        if edge.pre is not None:
            bent = evaluate(field, clamp, by_layer, edge.pre, product.pre.slope)
            slopes[edge.pre] += bent * (post @ theta[edge.name].T)
    return np.concatenate(slopes[1:], axis=1)


def hessian(field: Field, theta: Parameters, states, clamp: Clamp, sample: int):
    """d2E/ds2 of one sample, (N, N)."""
    by_layer = _stated(field, states)
    cuts = np.concatenate([[0, 0], np.cumsum(field.sizes[1:])])
    full = np.zeros((cuts[-1], cuts[-1]))
    diagonal = np.zeros(cuts[-1])

    def at(layer):
        return slice(cuts[layer], cuts[layer + 1])

    def of(layer, function):
        return evaluate(field, clamp, by_layer, layer, function)[sample]

    for layer, own in _layers(field):
        diagonal[at(layer)] += of(layer, own.bend)
    for edge, product in _products(field):
        w = theta[edge.name]
        pre, post = of(edge.pre, product.pre.value), of(edge.post, product.post.value)
        diagonal[at(edge.post)] += of(edge.post, product.post.bend) * (pre @ w)
        if edge.pre:
            diagonal[at(edge.pre)] += of(edge.pre, product.pre.bend) * (w @ post)
            slopes = of(edge.pre, product.pre.slope), of(edge.post, product.post.slope)
            block = slopes[0][:, None] * w * slopes[1]
            full[at(edge.pre), at(edge.post)] += block
            full[at(edge.post), at(edge.pre)] += block.T
    return full + np.diag(diagonal)


def energy_theta(field: Field, states, clamp: Clamp) -> Parameters:
    """dE/dtheta by parameter class, mean over the batch: <A_i B_j>."""
    by_layer = _stated(field, states)
    total = {edge.name: np.zeros(edge.shape) for edge in field.learned}
    for edge, product in _products(field):
        pre = evaluate(field, clamp, by_layer, edge.pre, product.pre.value)
        post = evaluate(field, clamp, by_layer, edge.post, product.post.value)
        total[edge.name] += pre.T @ post / len(states)
    return total


def energy_theta_along(field: Field, states, clamp: Clamp, along) -> Parameters:
    """(d2E/dtheta ds) . along, mean over the batch; ``along`` is (batch, N)."""
    by_layer, step = _stated(field, states), field.split(along)
    total = {edge.name: np.zeros(edge.shape) for edge in field.learned}
    for edge, product in _products(field):
        pre = evaluate(field, clamp, by_layer, edge.pre, product.pre.value)
        post = evaluate(field, clamp, by_layer, edge.post, product.post.value)
        bent = evaluate(field, clamp, by_layer, edge.post, product.post.slope)
        total[edge.name] += pre.T @ (bent * step[edge.post]) / len(states)
        if edge.pre:
            bent = evaluate(field, clamp, by_layer, edge.pre, product.pre.slope)
            total[edge.name] += (bent * step[edge.pre]).T @ post / len(states)
    return total


def _stated(field: Field, states):
    if not field.energies:
        raise InputError("the model states no energy")
    return field.split(states)


def _layers(field: Field):
    return [(layer, own) for layer, own in enumerate(field.energies) if own is not None]


def _products(field: Field):
    return [(edge, product) for edge in field.edges for product in edge.energy]
