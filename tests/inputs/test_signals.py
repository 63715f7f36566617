"""SIGINT and SIGTERM end a command in the same way, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

LINE = [
    *("train", "digits", "--rule", "continual-ep", "--layers", "64,16,10"),
    *("--step", "1", "--free", "8", "--nudged", "3", "--batch", "10", "--eta", "0.001"),
    *("--epochs", "100000", "--out", "run.h5", "--json", "--target", "numpy"),
]

#: What a run of these sizes leaves where it is not cleared up.
LEFT = ("neuro_ep_run_*", "neuro_ep_build_*", "brian_*", "cc*")


@pytest.fixture
def started(tmp_path):
    """A command in an empty folder, with temporary files of its own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "here").mkdir()

    def start(*words):
        own = {"TMPDIR": str(tmp_path / "tmp"), "NEURO_EP_CACHE": str(tmp_path / "c")}
        return subprocess.Popen(
            [sys.executable, "-m", "neuro_ep", *words],
            cwd=tmp_path / "here",
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **own},
            preexec_fn=heeded,
        )

    return start


def heeded():
    """A shell that starts the tests in the background has SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def left(tmp_path):
    """What is still there of the folders and files of a process."""
    found = [name for word in LEFT for name in (tmp_path / "tmp").glob(word)]
    return [*found, *(tmp_path / "c").glob("neuro_ep_build_*")]


def wait_for(what, process):
    until = time.monotonic() + 100
    while not what():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)


def ended(process, number):
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    said = [line for line in errors.splitlines() if "gain g" not in line]
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_recorded_goes_on(started, tmp_path, number):
    process = started(*LINE)
    parts = tmp_path / "here" / "run.h5.part"
    wait_for(lambda: list(parts.glob("epoch_*.h5")), process)
    expected = ["neuro-ep: interrupted; --resume goes on from here"]
    assert ended(process, number) == (1, expected)
    assert left(tmp_path) == []
    assert {file.name[:5] for file in parts.iterdir()} == {"heade", "epoch"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_recorded_nothing_leaves_nothing(started, tmp_path, number):
    process = started(*LINE)
    scratch = tmp_path / "tmp"
    wait_for(lambda: list(scratch.glob("neuro_ep_run_*")), process)
    assert ended(process, number) == (1, ["neuro-ep: interrupted"])
    assert left(tmp_path) == [] and list((tmp_path / "here").iterdir()) == []


@pytest.mark.slow
def test_a_build_is_stopped(started, tmp_path):
    process = started(*LINE[:-2])
    wait_for(lambda: list((tmp_path / "c").glob("neuro_ep_build_*/*.o")), process)
    begun = time.monotonic()
    assert ended(process, signal.SIGTERM) == (1, ["neuro-ep: interrupted"])
    assert time.monotonic() - begun < 20
    assert left(tmp_path) == [] and list((tmp_path / "here").iterdir()) == []


@pytest.mark.exhaustive
def test_signals_at_any_moment_leave_nothing(started, tmp_path):
    for moment in range(30):
        process = started(*LINE)
        time.sleep(1.5 + moment * 0.1)  # from the imports into the first epochs
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert left(tmp_path) == [], moment
        for file in (tmp_path / "here").glob("run.h5.part/*"):
            file.unlink()
        for folder in (tmp_path / "here").glob("*.part"):
            folder.rmdir()
