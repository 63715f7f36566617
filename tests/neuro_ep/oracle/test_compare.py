"""How far an estimate is from the truth, of arrays, lists and arrays by name."""

import numpy as np
import pytest

from neuro_ep.oracle import compare

TRUTH = {"w": np.array([[3.0, 0.0], [0.0, 4.0]]), "b": np.array([12.0])}
FOUND = {"b": np.array([12.0]), "w": np.array([[3.0, 0.0], [0.0, 5.3]]), "m": 7.0}


def test_relative_error_and_cosine():
    assert compare.relative_error(FOUND, TRUTH) == pytest.approx(1.3 / 13)
    assert compare.relative_errors(FOUND, TRUTH) == pytest.approx({"w": 0.26, "b": 0})
    assert compare.cosine(TRUTH["w"], -TRUTH["w"]) == pytest.approx(-1)
    assert compare.cosines(FOUND, TRUTH, ["b"]) == {"b": 1.0}
    assert compare.size(TRUTH) == pytest.approx(13)


def test_lists_and_arrays():
    one, other = [np.ones((2, 2)), np.zeros(3)], [np.ones((2, 2)), np.ones(3)]
    assert compare.relative_error(one, other) == pytest.approx(np.sqrt(3 / 7))
    assert compare.relative_error(one[0], 2 * other[0]) == pytest.approx(0.5)


def test_what_is_compared_is_in_float64():
    one, other = np.float32([1e30, 1]), np.float32([1e30, 2])
    assert compare.relative_error(one, other) == pytest.approx(1e-30)
    assert compare.flat(one).dtype == np.float64


def test_a_name_that_one_side_lacks():
    with pytest.raises(KeyError, match="k"):
        compare.relative_error(FOUND, TRUTH, ["w", "k"])
    with pytest.raises(ValueError, match="nothing to compare"):
        compare.relative_error({"k": np.ones(2)}, TRUTH)


def test_order_is_the_exponent():
    assert compare.order([1, 2, 4], [3, 12, 48]) == pytest.approx(2)
