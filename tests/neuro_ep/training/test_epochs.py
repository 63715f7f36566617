"""What goes on from epoch to epoch: weights, and what synapses remember beside them."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from brian2 import prefs, set_device

from neuro_ep import recording, tasks
from neuro_ep.build.network import build_network
from neuro_ep.finding import find_rule
from neuro_ep.recording.checksum import reseal
from neuro_ep.records.settings import changed
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target
from neuro_ep.training import epochs
from neuro_ep.training import train as training
from neuro_ep.training.epochs import Epochs, epoch_draw, presentations

#: Rules whose synapses remember more than a weight, and what they call it.
REMEMBERED = {
    "rhel": {"moment", "square", "count"},
    "rhel-chain": {"moment", "square", "count"},
    "rhel-directed": {"moment", "square", "count"},
    "heb": {"momentum"},
}

LAYERS = {"rhel-chain": (8, 11, 12)}

EXHAUSTIVE = pytest.mark.exhaustive


@pytest.fixture(autouse=True)
def runtime():
    """Leave Brian2's device and preferences as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture(scope="module")
def few():
    """A few digits, row by row."""
    digits = tasks.load("digits-rows")
    return replace(digits, train=digits.train[:20], test=digits.test[:10])


def small(name):
    """The settings of a rule, for a small network."""
    layers = LAYERS.get(name, (8, 12))
    return changed(find_rule(name).settings("digits-rows"), layers=layers, batch=5)


def simulate(name, dataset):
    """On numpy; momenta of parameters are still there as the next sample is shown."""
    select_target("numpy")
    settings = small(name)
    shown = sum(presentations(dataset, settings))
    network = build_network(find_rule(name), settings, capacity=shown, dtype=np.float32)
    damped = [value for value in network.values if value.endswith(".damping")]
    network.values.update(dict.fromkeys(damped, 0.3))
    return device.simulation(network)


def shown(name, dataset, folder, count, forgotten=()):
    """The state after so many epochs, each begun without what is forgotten."""
    simulation = simulate(name, dataset)
    samples = training._samples(folder, dataset, "float32")
    weights = training.initial_weights(find_rule(name), small(name), 0)
    state = training._start(simulation.plan, weights, "float32")
    run = Epochs(simulation, dataset, 0, samples)
    for epoch in range(1, count + 1):
        kept = {k: v for k, v in state.items() if k.split(".")[-1] not in forgotten}
        state, _, _ = run.show(epoch, kept)
    return state


def shown_twice(few, rows):
    """The same samples two times over, to be trained in these orders."""
    samples = len(few.inputs)
    return replace(
        few,
        inputs=np.concatenate([few.inputs, few.inputs]),
        labels=np.concatenate([few.labels, few.labels]),
        train=np.concatenate([rows[0], rows[1] + samples]),
    )


class InOrder:
    """Samples as they stand."""

    def permutation(self, rows):
        return rows


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("rhel", "heb") else EXHAUSTIVE)
        for name in REMEMBERED
    ],
)
def test_two_epochs_are_one_of_twice_the_length(few, name, tmp_path, monkeypatch):
    two = shown(name, few, tmp_path, 2)
    amnesic = shown(name, few, tmp_path, 2, forgotten=REMEMBERED[name])
    rows = [epoch_draw(0, epoch).permutation(few.train) for epoch in (1, 2)]
    monkeypatch.setattr(epochs, "epoch_draw", lambda *of: InOrder())
    one = shown(name, shown_twice(few, rows), tmp_path, 1)
    assert {key.split(".")[1] for key in one if "." in key} == REMEMBERED[name]
    for key in one:
        np.testing.assert_array_equal(two[key], one[key], err_msg=key)
    weights = [key for key in one if "." not in key]
    assert any((amnesic[key] != one[key]).any() for key in weights)


@pytest.mark.parametrize("name", REMEMBERED)
def test_every_epoch_leaves_something_to_remember(few, name, tmp_path):
    state = shown(name, few, tmp_path, 1)
    for key in state:
        assert state[key].any(), key


def test_gradient_descent_remembers_nothing(few):
    rule, settings = (
        find_rule("rhel"),
        changed(small("rhel"), optimiser="gradient-descent"),
    )
    select_target("numpy")
    assert device.simulation(build_network(rule, settings)).plan.carried == ()


# --- after a kill ---


class Killed(BaseException):
    """Stands for the end of the process."""


def stop(row):
    if row["epoch"] == 1:
        raise Killed


def train(dataset, name, out, target="numpy", **options):
    settings = changed(small(name), epochs=2)
    training.train(
        find_rule(name), dataset, settings, out=out, target=target, **options
    )
    return out


def bits(path):
    """Everything that was learned and measured, but for the time it took."""
    with recording.open_recording(path) as run:
        found = {name: item.snapshots.tobytes() for name, item in run.weights.items()}
        logged = {n: c.tobytes() for n, c in run.training.items() if n != "wall_s"}
    return found | logged


@pytest.fixture
def killed(few, tmp_path):
    """The folder of parts of a run that was killed after its first epoch."""

    def run(name, target="numpy"):
        with pytest.raises(Killed):
            train(few, name, tmp_path / "run.h5", target, on_epoch=stop)
        return tmp_path / "run.h5.part"

    return run


@pytest.mark.parametrize("name", ["rhel", pytest.param("heb", marks=EXHAUSTIVE)])
def test_resumed_ends_with_the_same_bits(few, killed, tmp_path, name):
    assert (killed(name) / "epoch_000001.h5").exists()
    resumed = train(few, name, tmp_path / "run.h5", resume=True)
    whole = train(few, name, tmp_path / "whole.h5")
    assert bits(resumed) == bits(whole)


def test_without_moments_it_would_not(few, killed, tmp_path):
    file = killed("rhel") / "epoch_000001.h5"
    with h5py.File(file, "r+") as part:
        for key in [key for key in part["state"] if key.endswith(".moment")]:
            part["state"][key][...] = 0
    reseal(file)
    resumed = train(few, "rhel", tmp_path / "run.h5", resume=True)
    whole = train(few, "rhel", tmp_path / "whole.h5")
    assert bits(resumed) != bits(whole)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
@EXHAUSTIVE
def test_compiled_and_resumed_ends_with_the_same_bits(few, killed, tmp_path):
    killed("rhel", "standalone")
    resumed = train(few, "rhel", tmp_path / "run.h5", "standalone", resume=True)
    whole = train(few, "rhel", tmp_path / "whole.h5", "standalone")
    assert bits(resumed) == bits(whole)
