"""No number of a user's becomes an index unchecked."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset

DRAW = np.random.default_rng(0)
INPUTS, LABELS = DRAW.random((12, 4), dtype=np.float32), np.arange(12) % 3
HOLED = INPUTS.copy()
HOLED[7, 1] = np.nan

GOOD = Dataset(
    *("mine", INPUTS, LABELS, np.arange(8), np.arange(8, 12), 3, (4,), "made here")
)

#: What is wrong -> the fields that differ, and words of the message.
WRONG = {
    "labels from 1": ({"labels": LABELS + 1}, "labels has 3"),
    "labels below 0": ({"labels": LABELS - 1}, "labels has -1"),
    "labels as fractions": ({"labels": LABELS * 0.5}, "float64"),
    "labels as booleans": ({"labels": LABELS > 0}, "bool"),
    "labels in a column": ({"labels": LABELS[:, None]}, r"\(12, 1\)"),
    "labels as text": ({"labels": np.array(list("abc"))[LABELS]}, "<U1"),
    "too few labels": ({"labels": LABELS[:-1]}, "11 labels for 12"),
    "masks": ({"train": np.arange(12) < 8, "test": np.arange(12) >= 8}, "bool"),
    "beyond the data": ({"test": np.array([8, 12])}, "test has 12"),
    "from the end": ({"test": np.array([8, -1])}, "test has -1"),
    "no test": ({"test": np.arange(0)}, "no sample in test"),
    "no training": ({"train": []}, "no sample in train"),
    "overlap": ({"test": np.arange(7, 12)}, "1 samples are in both"),
    "twice": ({"test": np.array([8, 8])}, "twice"),
    "missing values": ({"inputs": HOLED}, r"inputs\[7, 1\] = nan"),
    "too large": ({"inputs": INPUTS.astype(float) * 1e300}, "float32"),
    "pictures": ({"inputs": INPUTS.reshape(12, 2, 2)}, r"\(12, 2, 2\)"),
    "text": ({"inputs": INPUTS.astype(str)}, "<U"),
    "shape": ({"shape": (3,)}, r"shape \(3,\)"),
    "frames": ({"frames": 3}, "3 frames"),
    "no frames": ({"frames": 0}, "frames = 0"),
    "classes": ({"classes": 2.5}, "classes = 2.5"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(name):
    change, words = WRONG[name]
    with pytest.raises(InputError, match=words) as refused:
        replace(GOOD, **change)
    assert len(str(refused.value).splitlines()) == 1


def test_what_loses_nothing_is_converted():
    found = replace(
        GOOD,
        inputs=INPUTS.astype(float).tolist(),
        labels=LABELS.astype(np.uint8),
        train=list(range(8)),
        classes=np.int64(3),
    )
    assert found.inputs.dtype == np.float32 and (found.inputs == INPUTS).all()
    assert found.labels.dtype == found.train.dtype == np.int64
    assert type(found.classes) is int
