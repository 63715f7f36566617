"""The digits of scikit-learn: their sizes, and the split that accuracies belong to."""

import hashlib

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.tasks import load


def test_digits():
    digits = load("digits")
    assert digits.inputs.min() == 0 and digits.inputs.max() == 1
    assert set(digits.labels) == set(range(10))
    assert digits.inputs.shape == (1797, 64) and digits.shape == (8, 8)
    assert len(digits.test) == 360 and len(digits.train) == 1437
    per_class = np.bincount(digits.labels[digits.test])
    assert per_class.min() >= 35 and per_class.max() <= 37


def test_digits_split_is_fixed():
    """Published accuracies belong to this split."""
    indices = load("digits").test.astype("<i8").tobytes()
    assert hashlib.sha256(indices).hexdigest()[:16] == "2fbaae31b8c6aad1"


def test_digits_takes_no_path(tmp_path):
    with pytest.raises(InputError, match="digits comes with scikit-learn.*--data"):
        load("digits", tmp_path)
