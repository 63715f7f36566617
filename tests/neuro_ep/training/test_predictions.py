"""What the last epoch said of every sample that tests is kept."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import find_rule, load_dataset, load_network, open_recording, train
from neuro_ep.models import RULES

ALWAYS = "ep"
SERIES = ("rhel", "heb")


class Killed(BaseException):
    """Stands for the end of the process."""


def few(name):
    task = "digits-rows" if name.startswith(SERIES) else "digits"
    data = load_dataset(task)
    return replace(data, train=data.train[:12], test=data.test[:7])


def trained(name, out, **choices):
    data = few(name)
    layers = {"rhel-chain": (8, 11, 12)}.get(name, (8, 12))
    layers = layers if name.startswith(SERIES) else (64, 6, 10)
    settings = find_rule(name).settings(data.name, layers=layers, epochs=2, batch=4)
    how = {"target": "numpy", "on_warning": str, **choices}
    return train(name, data, settings, out=out, **how).file


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n == ALWAYS else pytest.mark.exhaustive)
        for n in RULES
    ],
)
def test_they_are_what_the_network_says(name, tmp_path):
    data, file = few(name), trained(name, tmp_path / "run.h5")
    network = load_network(file, target="numpy")
    inputs, labels = data.inputs[data.test], data.labels[data.test]
    with open_recording(file) as run:
        found, confusion = run.predictions, run.confusion
        accuracy = run.training["test_accuracy"][-1]
    np.testing.assert_array_equal(found["sample"], data.test)
    np.testing.assert_array_equal(found["label"], labels)
    assert (found["predicted"] == labels).mean() == accuracy
    assert network.score(inputs, labels) == accuracy
    np.testing.assert_array_equal(found["predicted"], network.predict(inputs))
    np.testing.assert_allclose(network.read_out(inputs), found["read_out"], rtol=1e-5)
    assert confusion.sum() == 7 and np.trace(confusion) == (accuracy * 7).round()
    assert (confusion.sum(axis=1) == np.bincount(labels, minlength=10)).all()


def test_they_survive_a_kill(tmp_path):
    def stop(row):
        if row["epoch"] == 2:
            raise Killed

    out = tmp_path / "run.h5"
    with pytest.raises(Killed):
        trained(ALWAYS, out, on_epoch=stop)
    resumed = trained(ALWAYS, out, resume=True)
    whole = trained(ALWAYS, tmp_path / "whole.h5")
    with open_recording(resumed) as a, open_recording(whole) as b:
        assert set(a.predictions) == {"sample", "label", "predicted", "read_out"}
        for name, values in b.predictions.items():
            np.testing.assert_array_equal(a.predictions[name], values)


def test_files_of_before_have_none(tmp_path):
    import h5py

    from neuro_ep.recording.checksum import reseal

    file = trained(ALWAYS, tmp_path / "run.h5")
    with h5py.File(file, "r+") as opened:
        del opened["neuro_ep/predictions"]
    reseal(file)
    with open_recording(file) as run:
        assert run.predictions == {} and run.confusion is None
