"""A finished run goes on, and nothing of it is lost meanwhile."""

from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import InputError, find_rule, load_dataset, train
from neuro_ep.recording import open_recording


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def few():
    return {
        task: replace(data, train=data.train[:12], test=data.test[:8])
        for task in ("digits", "digits-rows")
        for data in [load_dataset(task)]
    }


def trained(few, name, out, epochs, stop=None, **choices):
    data = few["digits-rows" if name == "rhel" else "digits"]
    layers = (8, 12) if name == "rhel" else (64, 6, 10)
    settings = find_rule(name).settings(data.name, layers=layers, batch=4)

    def on_epoch(row):
        if row["epoch"] == stop:
            raise Killed

    how = {"target": "numpy", "on_warning": str, "on_epoch": on_epoch, **choices}
    settings = replace(settings, epochs=epochs)
    return train(name, data, settings, out=out, **how)


def content(file):
    with open_recording(file) as run:
        found = {k: v for k, v in run.training.items() if k != "wall_s"}
        for name, item in run.weights.items():
            found |= {f"{name} {k}": getattr(item, k) for k in ("snapshots", "epochs")}
        found |= {f"state {k}": v[()] for k, v in run.file["neuro_ep/state"].items()}
        return found | dict(run.predictions)


def same(file, other):
    one, two = content(file), content(other)
    assert set(one) == set(two) and len(one) > 10
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@pytest.mark.parametrize("name", ["ep", "rhel"])
def test_longer_is_as_if_it_had_never_ended(few, name, tmp_path):
    out, whole = tmp_path / "run.h5", tmp_path / "whole.h5"
    trained(few, name, out, 1)
    result = trained(few, name, out, 3, resume=True)
    assert (result.file, result.epochs) == (out, 3)
    trained(few, name, whole, 3)
    same(out, whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.h5", "whole.h5"]


def test_killed_meanwhile_it_is_still_there(few, tmp_path, monkeypatch):
    out, whole = tmp_path / "run.h5", tmp_path / "whole.h5"
    trained(few, "ep", out, 1)
    before = out.read_bytes()
    for stop in (2, 3):
        with pytest.raises(Killed):
            trained(few, "ep", out, 4, stop, resume=True)
        assert out.read_bytes() == before
    from neuro_ep.training import train as training

    replaced = training.os.replace

    def die(source, target):
        if str(source).endswith(".more"):
            raise Killed
        replaced(source, target)

    monkeypatch.setattr(training.os, "replace", die)
    with pytest.raises(Killed):
        trained(few, "ep", out, 4, resume=True)
    monkeypatch.undo()
    with pytest.raises(InputError, match="nothing to resume"):
        trained(few, "ep", out, 4, resume=True)  # which puts it in its place
    trained(few, "ep", whole, 4)
    same(out, whole)


def test_nothing_to_do_and_other_settings_are_refused(few, tmp_path):
    out = tmp_path / "run.h5"
    trained(few, "ep", out, 2)
    before = out.read_bytes()
    for epochs in (1, 2):
        with pytest.raises(InputError, match="nothing to resume"):
            trained(few, "ep", out, epochs, resume=True)
    with pytest.raises(InputError, match="begun with another seed"):
        trained(few, "ep", out, 3, resume=True, seed=7)
    assert out.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
