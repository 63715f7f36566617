"""Runs killed at any moment, or out of disk, lose at most one epoch."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.recording.writer import snapshot_epochs

# Killing

# What the children share: weights that depend on the epoch only, and a run.
CHILD = """
    import os, signal, sys
    import numpy as np
    from neuro_ep import recording
    from neuro_ep.errors import InputError
    from neuro_ep.recording import begin

    path, epochs = sys.argv[1], int(sys.argv[2])
    projection = dict(source_pop="a", target_pop="b", units="mV", shape=[40, 30])
    header = dict(rule="ep", task="t", layers=[40, 30], seed=0, epochs=epochs,
                  target="numpy", projections={"w": projection})

    def weights(epoch):
        return np.random.default_rng(epoch).normal(size=(40, 30))

    def run(path):
        writer = recording.resume(path, header, snapshots=3)
        if writer.log:
            assert np.array_equal(writer.weights["w"], weights(writer.last_epoch))
            assert [r["epoch"] for r in writer.log] == [*range(writer.last_epoch + 1)]
        print("at", writer.last_epoch, flush=True)
        for epoch in range(writer.last_epoch + 1, epochs + 1):
            writer.checkpoint(epoch, {"w": weights(epoch)}, {"a": epoch / 3})
            print("done", epoch, flush=True)
        writer.finish()
"""


def child(tmp_path, code, *arguments):
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD) + textwrap.dedent(code))
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def expect_whole(path, epochs):
    """The recording equals that of a run nobody killed."""
    with recording.open_recording(path) as run:
        assert run.training["epoch"].tolist() == list(range(epochs + 1))
        assert run.training["a"].tolist() == [e / 3 for e in range(epochs + 1)]
        item = run.weights["w"]
        assert item.epochs.tolist() == snapshot_epochs(list(range(epochs + 1)), 3)
        for k, epoch in enumerate(item.epochs):
            expected = np.random.default_rng(epoch).normal(size=(40, 30))
            assert np.array_equal(item.snapshots[k], expected)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_kill_at_random_moments_loses_at_most_one_epoch(tmp_path):
    path, rng = tmp_path / "run.h5", random.Random(0)
    known = -1
    for _ in range(8):
        process = child(tmp_path, "run(path)", path, 10**6)  # never comes to its end
        first = [process.stdout.readline() for _ in range(rng.randrange(2, 12))]
        time.sleep(rng.uniform(0, 0.005))  # an epoch takes a few milliseconds
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
        lines = "".join([*first, rest]).splitlines()
        # What was acknowledged before the last kill is there now.
        assert int(lines[0].split()[1]) >= known
        known = max(int(line.split()[1]) for line in lines)
    epochs = known + 20
    process = child(tmp_path, "run(path)", path, epochs)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert int(output.split()[1]) >= known
    assert {file.name for file in tmp_path.iterdir()} == {"run.h5", "child.py"}
    expect_whole(path, epochs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_at_every_change_of_the_disk(tmp_path):
    """Killed before its nth change of the disk, for every n, a run can be resumed."""
    code = """
        def killed_at(n, path):
            count = 0
            def deadly(function):
                def call(*args, **kwargs):
                    nonlocal count
                    count += 1
                    if count == n:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return function(*args, **kwargs)
                return call
            for name in ("mkdir", "replace", "fsync", "unlink", "rmdir"):
                setattr(os, name, deadly(getattr(os, name)))
            run(path)

        def fork(function, *args):
            pid = os.fork()
            if pid == 0:
                status = 3
                try:
                    sys.stdout = open(os.devnull, "w")
                    function(*args)
                    status = 0
                except InputError as error:
                    status = 2 if "is complete" in str(error) else 3
                finally:
                    os._exit(status)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        begin.provenance = dict  # spares starting git for each
        for n in range(1, 1000):
            each = os.path.join(path, str(n), "run.h5")
            first = fork(killed_at, n, each)
            was_complete = os.path.exists(each)
            second = fork(run, each)
            print(n, first, was_complete, second, flush=True)
            if first == 0:
                break
    """
    process = child(tmp_path, code, tmp_path, 5)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    lines = [line.split() for line in output.splitlines()]
    assert len(lines) > 30
    for n, first, complete, second in lines:
        last = n == lines[-1][0]
        assert int(first) == (0 if last else -signal.SIGKILL)
        # A complete run is refused by `resume`, which cleans up what is left.
        assert int(second) == (2 if complete == "True" else 0), n
        assert [file.name for file in (tmp_path / n).iterdir()] == ["run.h5"]
        expect_whole(tmp_path / n / "run.h5", 5)
    # Some were killed between the last rename and the end of the clean-up.
    assert sum(complete == "True" for _, _, complete, _ in lines) > 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
@pytest.mark.parametrize("moment", ["checkpoint", "finish"])
def test_full_disk_is_said_and_nothing_lost(tmp_path, moment):
    """A limit on the size of files stands for a full disk, HDF5's crash included."""
    code = f"""
        import resource
        writer = recording.create(path, header)
        for epoch in range(3):
            writer.checkpoint(epoch, {{"w": weights(epoch)}}, {{"a": epoch / 3}})
        size = os.path.getsize(writer.part / "epoch_000002.h5")
        limit = size // 2 if "{moment}" == "checkpoint" else size * 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            if "{moment}" == "checkpoint":
                writer.checkpoint(3, {{"w": weights(3)}}, {{}})
            else:
                writer.finish()
        except InputError as error:
            assert writer.last_epoch == 2
            print(error)
    """
    process = child(tmp_path, code, tmp_path / "run.h5", 9)
    output, errors = process.communicate()
    assert process.returncode == 0 and errors == "", errors
    assert f"{tmp_path}/run.h5 cannot be written: File too large" in output
    assert "epochs up to 2 are safe; free space and resume" in output
    names = {file.name for file in (tmp_path / "run.h5.part").iterdir()}
    assert names == {"header.json", *(f"epoch_00000{e}.h5" for e in range(3))}
    process = child(tmp_path, "run(path)", tmp_path / "run.h5", 9)
    output, errors = process.communicate()
    assert output.startswith("at 2"), errors
    expect_whole(tmp_path / "run.h5", 9)
