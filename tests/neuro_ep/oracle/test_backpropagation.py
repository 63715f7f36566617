"""Backpropagation against central differences; what activations and costs must obey."""

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle import backpropagation as bp

SMALL = (6, 9, 8, 10)


def differences(weights, biases, x, y, *choices, step=1e-6):
    """dloss of some entries of every array, by central differences."""
    arrays = [array.copy() for array in (*weights, *biases)]
    found = []
    for array in arrays:
        for place in np.unique(np.linspace(0, array.size - 1, 7).astype(int)):
            losses = []
            for sign in (1, -1):
                array.flat[place] += sign * step
                split = arrays[: len(weights)], arrays[len(weights) :]
                losses.append(bp.loss(*split, x, y, *choices))
                array.flat[place] -= sign * step
            found.append((losses[0] - losses[1]) / (2 * step))
    return np.array(found)


def at_the_same_places(gradients):
    return np.concatenate(
        [
            array.flat[np.unique(np.linspace(0, array.size - 1, 7).astype(int))]
            for array in (*gradients[0], *gradients[1])
        ]
    )


@pytest.mark.parametrize("activation", bp.ACTIVATIONS)
@pytest.mark.parametrize(
    ("cost", "output"),
    [
        ("squared-error", "identity"),
        ("squared-error", "sigmoid"),
        ("cross-entropy", "identity"),
    ],
)
def test_gradient_is_the_slope_of_the_loss(
    activation, cost, output, chain_case, relative
):
    case = chain_case(1, SMALL, batch=5)
    choices = (activation, cost, output)
    truth = differences(*case, *choices)
    found = at_the_same_places(bp.backpropagation(*case, *choices))
    assert relative(found, truth) < 1e-7
    other = "cross-entropy" if cost == "squared-error" else "squared-error"
    wrong = at_the_same_places(bp.backpropagation(*case, activation, other))
    assert relative(wrong, truth) > 1e-2


@pytest.mark.parametrize("name", bp.ACTIVATIONS)
def test_activation_minimises_its_potential(name):
    """f(a) = argmin_s G(s) - s a, and f' is its slope."""
    f, a = bp.ACTIVATIONS[name], np.array([-2.1, -0.3, 0.4, 0.9, 3.0])
    best = f.value(a)

    def energy(s):
        return f.potential(s) - s * a

    for shift in (1e-3, -1e-3):
        outside = ~np.isfinite(f.potential(best + shift))
        assert ((energy(best + shift) > energy(best)) | outside).all()
    numeric = (f.value(a + 1e-6) - f.value(a - 1e-6)) / 2e-6
    np.testing.assert_allclose(f.slope(a), numeric, atol=1e-9)


def test_slope_of_cross_entropy_for_targets_of_any_sum():
    cost, random = bp.COSTS["cross-entropy"], np.random.default_rng(0)
    s, y = random.standard_normal((2, 4, 3))
    for unit in range(3):
        step = 1e-6 * np.eye(3)[unit]
        numeric = (cost.value(s + step, y) - cost.value(s - step, y)) / 2e-6
        np.testing.assert_allclose(cost.slope(s, y)[:, unit], numeric, atol=1e-8)


def test_cross_entropy_is_that_of_the_softmax():
    s, y = np.array([[1.0, -2.0, 800.0], [0.1, 0.2, 0.3]]), np.eye(3)[[2, 0]]
    chance = np.exp(s[1]) / np.exp(s[1]).sum()
    np.testing.assert_allclose(
        bp.COSTS["cross-entropy"].value(s, y), [0, -np.log(chance[0])], atol=1e-15
    )


@pytest.mark.parametrize("named", [bp.activation_named, bp.cost_named])
def test_unknown_names(named):
    with pytest.raises(InputError, match="'swish'; choose of"):
        named("swish")
