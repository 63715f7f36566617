"""Training: it learns, the same bits again, and after a kill or a full disk too.

What runs in this process is on the numpy target; compiled runs are processes.
"""

import errno
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brian2 import prefs, set_device

from neuro_ep import recording, tasks
from neuro_ep.errors import InputError, RunError
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.training import train as training

COMPILER = bool(shutil.which("g++"))

SETTINGS = Settings(
    layers=(64, 16, 10),
    eta=(0.05,),
    beta=0.7,
    free=8,
    nudged=3,
    step=1,
    batch=10,
    epochs=2,
)


@pytest.fixture(autouse=True)
def runtime():
    """Leave Brian2's device and preferences as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture(scope="module")
def digits():
    return tasks.load("digits")


@pytest.fixture(scope="module")
def few(digits):
    """A few digits, for epochs of a tenth of a second."""
    return replace(digits, train=digits.train[:100], test=digits.test[:50])


def train(dataset, out, *, rule=CONTINUAL_EP, options=None, **choices):
    """Train on numpy in this process; choices are settings."""
    options = {"on_warning": str, "target": "numpy", **(options or {})}
    return training.train(
        rule, dataset, replace(SETTINGS, **choices), out=out, **options
    )


def bits(path) -> dict[str, bytes]:
    """Everything that was learned and measured, but for the time it took."""
    with recording.open_recording(path) as run:
        found = {
            f"{name}.{kind}": getattr(weights, kind).tobytes()
            for name, weights in run.weights.items()
            for kind in ("initial", "final", "snapshots", "epochs")
        }
        columns = run.training.items()
        return found | {n: c.tobytes() for n, c in columns if n != "wall_s"}


def listing(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


# Learning


def test_it_learns(digits, tmp_path):
    result = train(digits, tmp_path / "run.h5", epochs=5)
    assert result.test_accuracy > 0.5  # chance is 0.1
    assert result.train_accuracy > 0.4
    with recording.open_recording(result.file) as run:
        costs, tested = run.training["train_cost"], run.training["test_accuracy"]
        assert np.isnan(costs[0]) and costs[-1] < 0.7 * costs[1]
        assert tested[0] < 0.25 and tested[-1] == result.test_accuracy
        assert result.epochs == 5 == run.training["epoch"][-1]
        for weights in run.weights.values():
            assert not np.array_equal(weights.initial, weights.final)
            assert weights.epochs.tolist() == [0, 1, 2, 3, 4, 5]


def test_without_learning_rate_nothing_is_learned(digits, tmp_path):
    result = train(digits, tmp_path / "run.h5", eta=(0.0,))
    assert result.test_accuracy < 0.25
    with recording.open_recording(result.file) as run:
        assert len(set(run.training["test_accuracy"])) == 1
        for weights in run.weights.values():
            assert (weights.snapshots == weights.initial).all()


def test_evaluation_learns_nothing(few, tmp_path):
    """Epoch 0 shows the held-out samples only."""
    result = train(few, tmp_path / "run.h5")
    expected = training.initial_weights(CONTINUAL_EP, SETTINGS, 0)
    with recording.open_recording(result.file) as run:
        assert set(run.weights) == {*expected, "bias_hidden", "bias_output"}
        for name, weights in run.weights.items():
            unit = 1e3 * np.float32(1e-3)  # as volts, and back
            wanted = expected.get(name, np.zeros(weights.shape)) * unit
            np.testing.assert_allclose(weights.initial, wanted, rtol=1e-6)


# The same bits


def test_same_seed_same_bits_and_other_seed_others(few, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(few, tmp_path / name, options={"seed": seed})
    first, again, other = (bits(tmp_path / name) for name in "abc")
    assert first == again
    for name in ("input_to_hidden.initial", "hidden_to_output.final", "train_cost"):
        assert first[name] != other[name]


@pytest.mark.exhaustive
def test_same_bits_when_compiled_with_one_build(train, trained, build_cache, tmp_path):
    """Another seed, eta and beta start the same program."""
    if not COMPILER:
        pytest.skip("needs g++")
    build = build_cache / origin(trained["file"])["build_hash"]
    made = build.stat().st_mtime_ns, (build / "main").stat().st_mtime_ns
    again, other = tmp_path / "again.h5", tmp_path / "other.h5"
    train(again)
    other_values = ("--seed", 1, "--eta", "0.04,0.03", "--beta", 0.6)
    train(other, *other_values)
    assert made == (build.stat().st_mtime_ns, (build / "main").stat().st_mtime_ns)
    for key in ("build_hash", "binary_sha256", "compiler", "cxxflags"):
        values = {origin(path)[key] for path in (trained["file"], again, other)}
        assert len(values) == 1 and values != {""}
    first = bits(trained["file"])
    assert bits(again) == first
    assert bits(other)["input_to_hidden.initial"] != first["input_to_hidden.initial"]
    assert bits(other)["input_to_hidden.final"] != first["input_to_hidden.final"]


def origin(path) -> dict:
    with recording.open_recording(path) as run:
        return run.provenance


# Killed


def wait_for(condition, process, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.002)


def started(folder) -> list[Path]:
    """The folders in which compiled epochs run, of which a kill leaves one."""
    return list(folder.glob("neuro_ep_run_*/results"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_and_resumed_ends_with_the_same_bits(command, tmp_path):
    """Killed before the first epoch, within some, and resumed with more epochs."""
    # an epoch must outlast the moment of the kill, about half a second when compiled
    pace = ("--free", 1500 if COMPILER else 8, "--nudged", 4)
    run = ("train", "digits", "--rule", "continual-ep", *SMALL_RUN, *pace, "--json")
    out, part = tmp_path / "run.h5", tmp_path / "run.h5.part"
    for number, epoch in enumerate((-1, 1, 3)):
        scratch = tmp_path / f"scratch{number}"
        scratch.mkdir()
        process = command(
            *(*run, "--epochs", 5, "--out", out, *["--resume"] * (number > 0)),
            environment={"TMPDIR": str(scratch)},
        )
        name = f"epoch_{epoch:06d}.h5" if epoch >= 0 else "header.json"
        wait_for((part / name).exists, process)
        if COMPILER and epoch >= 0:
            wait_for(lambda scratch=scratch: started(scratch), process)
            time.sleep(0.03 * number)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.communicate()
        assert not out.exists()
        if COMPILER and epoch >= 0:
            assert started(scratch), "it was not killed within an epoch"
    done = sorted(part.glob("epoch_*.h5"))[-1].name
    assert "epoch_000003.h5" <= done < "epoch_000005.h5"
    process = command(*run, "--epochs", 6, "--out", out, "--resume")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert '"epochs": 6' in output and not part.exists()
    process = command(*run, "--epochs", 6, "--out", tmp_path / "whole.h5")
    assert process.wait() == 0, process.communicate()
    process.communicate()
    assert bits(out) == bits(tmp_path / "whole.h5")
    with recording.open_recording(out) as resumed:
        assert len(resumed.provenance["resumed"]) == 3


#: The small network, for epochs whose phases the test chooses.
SMALL_RUN = ("--layers", "64,16,10", "--step", 1, "--eta", 0.05, "--batch", 10)


class Killed(BaseException):
    """Stands for the end of the process."""


def stopped_after(epochs, error):
    """A function for on_epoch."""

    def stop(row):
        if row["epoch"] == epochs:
            raise error

    return stop


EXHAUSTIVE = pytest.mark.exhaustive


@pytest.mark.parametrize(
    "epochs",
    [2, *(pytest.param(epochs, marks=EXHAUSTIVE) for epochs in (0, 1, 3))],
)
def test_resumed_after_any_epoch(few, tmp_path, epochs):
    """Also where all was done but to write the recording."""
    run = tmp_path / "run.h5"
    with pytest.raises(Killed):
        stop = stopped_after(epochs, Killed)
        train(few, run, epochs=3, options={"on_epoch": stop})
    rows = []
    options = {"resume": True, "on_epoch": rows.append}
    result = train(few, run, epochs=3, options=options)
    assert [row["epoch"] for row in rows] == [*range(epochs + 1, 4)]
    train(few, tmp_path / "whole.h5", epochs=3)
    assert bits(result.file) == bits(tmp_path / "whole.h5")
    assert listing(tmp_path) == ["run.h5", "whole.h5"]


def test_interrupted_before_the_first_epoch_leaves_nothing(few, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(device, "simulation", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(few, tmp_path / "a" / "b" / "run.h5")
    assert listing(tmp_path) == []


def test_resume_of_another_run_is_refused(few, tmp_path):
    with pytest.raises(Killed):
        options = {"on_epoch": stopped_after(1, Killed)}
        train(few, tmp_path / "run.h5", options=options)
    before = listing(tmp_path)
    for choices, options, what in (
        ({"eta": (0.01,)}, {}, r"eta.value: \[0.05, 0.05\] then, \[0.01, 0.01\] now"),
        ({}, {"seed": 1}, "seed: 0 then, 1 now"),
        ({}, {"dtype": "float64"}, "dtype"),
    ):
        with pytest.raises(InputError, match=what):
            options = {"resume": True, **options}
            train(few, tmp_path / "run.h5", options=options, **choices)
    assert listing(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_two_trainings_of_one_recording_are_refused(few, tmp_path):
    """A second one, resuming the run that goes on, changes nothing of it."""
    refusals = []

    def second(row):
        if row["epoch"] == 1:
            for resume in (True, False):
                with pytest.raises(InputError) as error:
                    train(few, tmp_path / "run.h5", options={"resume": resume})
                refusals.append(str(error.value))

    train(few, tmp_path / "run.h5", options={"on_epoch": second})
    assert "is being trained by another process" in refusals[0]
    assert "is being trained by another process" in refusals[1]
    train(few, tmp_path / "alone.h5")
    assert bits(tmp_path / "run.h5") == bits(tmp_path / "alone.h5")


# Runs that fail


def test_divergence_is_said_and_kept(digits, tmp_path):
    with pytest.raises(RunError, match="diverged in epoch 1: .*Lower eta") as error:
        train(digits, tmp_path / "run.h5", eta=(50.0,))
    assert str(error.value).endswith(f"is in {tmp_path / 'run.h5'}")
    assert listing(tmp_path) == ["run.h5"]
    with recording.open_recording(tmp_path / "run.h5") as run:
        assert run.training["diverged"].tolist() == [0, 1]
        assert run.provenance["stopped_by"] == "divergence"
        assert run.provenance["exit_status"] == 1
        initial = run.weights["input_to_hidden"].initial
        assert np.isfinite(initial).all() and initial.any()


@pytest.mark.parametrize("files", [2, pytest.param(4, marks=EXHAUSTIVE)])
def test_disk_full_while_training(few, tmp_path, monkeypatch, files):
    """The header, or epochs 0 and 1, are written before the disk is full."""
    written = 0

    def write(path, data, temporary=None):
        nonlocal written
        written += 1
        if written > files - 1:  # the header goes another way
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data, temporary)

    from neuro_ep.recording import writer

    real = writer.write_atomically
    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_atomically", write)
        with pytest.raises(InputError, match="No space left.*resume"):
            train(few, tmp_path / "run.h5", epochs=4)
    train(few, tmp_path / "run.h5", epochs=4, options={"resume": True})
    train(few, tmp_path / "whole.h5", epochs=4)
    assert bits(tmp_path / "run.h5") == bits(tmp_path / "whole.h5")


def test_disk_full_before_the_first_epoch_leaves_nothing(few, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        train(few, tmp_path / "new" / "run.h5")
    assert listing(tmp_path) == []


# What a run says of its gain


def test_gain_is_warned_of_once_and_refused(few, tmp_path):
    said = []
    options = {"on_warning": said.append}
    train(few, tmp_path / "run.h5", epochs=1, options=options)
    assert len(said) == 1 and said[0].startswith("the gain g")
    with pytest.raises(InputError, match="--allow-gain"):
        train(few, tmp_path / "refused.h5", nudging="one-sided", options=options)
    assert listing(tmp_path) == ["run.h5"] and len(said) == 1
    options["allow_gain"] = True
    train(few, tmp_path / "allowed.h5", epochs=1, nudging="one-sided", options=options)
    assert "above 0.5: it may run away" in said[1]


def test_a_rule_without_the_law_is_not_warned(few, tmp_path):
    said = []
    rule = replace(CONTINUAL_EP, gain=False)
    options = {"on_warning": said.append}
    train(few, tmp_path / "run.h5", rule=rule, epochs=1, options=options)
    assert said == []


def test_small_gain_is_not_warned_of(few, tmp_path):
    said = []
    options = {"on_warning": said.append}
    train(few, tmp_path / "run.h5", eta=(1e-3,), epochs=1, options=options)
    assert said == []
    with recording.open_recording(tmp_path / "run.h5") as run:
        assert 0 < run.training["gain_hidden"][-1] < 0.1
