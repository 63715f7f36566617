"""Tasks in time: their frames, and that a class is to be seen in them."""

import numpy as np
import pytest

from neuro_ep import load_dataset
from neuro_ep.errors import InputError
from neuro_ep.tasks.sequences import CUED, FREQUENCIES, SHOWN, SYMBOLS

SHAPES = {
    "digits-rows": (8, 8, 10),
    "digits-pixels": (64, 1, 10),
    "sine-frequencies": (32, 1, 4),
    "delayed-recall": (32, 5, 4),
}


@pytest.mark.parametrize("task", SHAPES)
def test_frames_features_and_classes(task):
    data = load_dataset(task)
    assert (data.frames, data.features, data.classes) == SHAPES[task]
    assert data.inputs.shape == (len(data.labels), data.frames * data.features)
    assert set(data.labels) == set(range(data.classes))
    assert not set(data.train) & set(data.test)
    assert (data.name, data.inputs.dtype) == (task, np.float32)


@pytest.mark.parametrize("task", SHAPES)
def test_they_take_no_data(task):
    with pytest.raises(InputError, match=f"{task} comes with"):
        load_dataset(task, "somewhere")


def test_rows_and_pixels_are_the_digits():
    digits = load_dataset("digits")
    for task in ("digits-rows", "digits-pixels"):
        np.testing.assert_array_equal(load_dataset(task).inputs, digits.inputs)


@pytest.mark.parametrize("task", ["sine-frequencies", "delayed-recall"])
def test_they_are_drawn_alike_every_time(task):
    one, other = load_dataset(task), load_dataset(task)
    np.testing.assert_array_equal(one.inputs, other.inputs)


def test_sines_have_the_frequency_of_their_class():
    data = load_dataset("sine-frequencies")
    frames = np.arange(data.frames)
    waves = np.exp(1j * np.array(FREQUENCIES)[:, None] * frames)
    strongest = np.abs(data.inputs @ waves.T).argmax(axis=1)
    assert (strongest == data.labels).mean() > 0.95


def test_symbols_come_first_and_the_cue_last():
    data = load_dataset("delayed-recall")
    signals = data.inputs.reshape(-1, data.frames, data.features)
    first = signals[:, :SHOWN, :SYMBOLS].mean(axis=1)
    assert (first.argmax(axis=1) == data.labels).all()
    silence = signals[:, SHOWN:-CUED]
    assert np.abs(silence.mean()) < 0.01
    assert signals[:, -CUED:, SYMBOLS].mean() == pytest.approx(1, abs=0.01)
