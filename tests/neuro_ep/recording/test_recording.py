"""Recordings: round trip, crash safety, resuming, and every refusal."""

import copy
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import namedtuple

import h5py
import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.errors import InputError
from neuro_ep.recording.writer import snapshot_epochs

HEADER = {
    "rule": "continual-ep",
    "task": "digits",
    "layers": [6, 5, 3],
    "seed": 7,
    "epochs": 4,
    "target": "numpy",
    "parameters": {
        "eta": {"value": 0.1, "unit": "mV"},
        "sizes": {"value": [1.5, 2.0], "unit": ""},
        "mode": {"value": "centred", "unit": ""},
    },
    "equations": {
        "hidden": "dv/dt = (I - v)/tau : volt\ntau : second (shared, constant)",
        "µ/odd": "x = 1 : 1",
    },
    "schedule": {"free": 20.0, "nudged": 8.0, "beta": [0.5, None]},
    "provenance": {"compiler": "g++ 13", "config": "[model]\nx = 1"},
    "units": {
        "v": {"unit": "mV", "si_factor": 1e-3},
        "wall_s": {"unit": "s", "si_factor": 1.0},
    },
    "projections": {
        "input_hidden": {
            "source_pop": "input",
            "target_pop": "hidden",
            "units": "mV",
            "shape": [6, 5],
        },
        "hidden_output": {
            "source_pop": "hidden",
            "target_pop": "output",
            "units": "mV",
            "shape": [5, 3],
        },
    },
    "dataset": {
        "name": "digits",
        "source": "scikit-learn",
        "shape": [2, 3],
        "classes": 3,
        "train": 40,
        "test": 10,
    },
}


def header(**changes):
    return {**copy.deepcopy(HEADER), **changes}


def weights(epoch):
    """float64 and float32 weights of an epoch, with values that text would lose."""
    rng = np.random.default_rng(epoch)
    first = rng.normal(size=(6, 5))
    first[0, :3] = np.nextafter(1, 2), -0.0, 5e-324
    first[0, 3:] = np.nan, -np.inf
    return {
        "input_hidden": first,
        "hidden_output": rng.normal(size=(5, 3)).astype("f4"),
    }


def row(epoch):
    return {"test_accuracy": 0.1 + 0.2 * epoch / 4, "wall_s": np.float32(epoch) / 3}


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def checkpoint(writer, epoch):
    state = {"rng/keys": np.arange(epoch, dtype="u8"), "t": np.array(epoch / 3)}
    writer.checkpoint(epoch, weights(epoch), row(epoch), state)


def record(path, last=4, **changes):
    writer = recording.create(path, header(**changes))
    for epoch in range(last + 1):
        checkpoint(writer, epoch)
    return writer.finish(duration_s=1.5)


def unfinished(path, last=2, **changes):
    writer = recording.create(path, header(**changes))
    for epoch in range(last + 1):
        checkpoint(writer, epoch)
    return writer


def listing(folder):
    """Every path below a folder with its bytes."""
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else None
        for file in folder.rglob("*")
    }


# Round trip


def test_round_trip_bit_for_bit(tmp_path):
    path = record(tmp_path / "run.h5")
    assert path == tmp_path / "run.h5"
    assert list(tmp_path.iterdir()) == [path]
    with recording.open_recording(path) as run:
        assert list(run.weights) == ["input_hidden", "hidden_output"]
        for name, item in run.weights.items():
            assert item.epochs.tolist() == [0, 1, 2, 3, 4]
            assert same_bits(item.initial, weights(0)[name])
            assert same_bits(item.final, weights(4)[name])
            for k, epoch in enumerate(item.epochs):
                assert same_bits(item.snapshots[k], weights(epoch)[name])
            assert item.units == "mV"
            assert item.group["final"].attrs["units"] == "mV"
        assert run.weights["input_hidden"].source_pop == "input"
        assert run.weights["input_hidden"].target_pop == "hidden"


def test_round_trip_of_the_header(tmp_path):
    with recording.open_recording(record(tmp_path / "run.h5")) as run:
        for key, value in HEADER.items():
            if key not in ("provenance", "projections"):
                assert getattr(run, key) == value, key
        assert run.provenance["compiler"] == "g++ 13"
        assert run.provenance["config"] == "[model]\nx = 1"
        assert run.provenance["argv"] == sys.argv
        assert run.provenance["duration_s"] == 1.5
        assert run.provenance["exit_status"] == 0
        assert run.provenance["stopped_by"] == "epochs"


def test_long_equations_fit(tmp_path):
    text = "dv/dt = -v/tau : volt  # " + "x" * 100_000
    path = record(tmp_path / "run.h5", equations={"hidden": text})
    with recording.open_recording(path) as run:
        assert run.equations == {"hidden": text}


def test_training_columns_and_partial_rows(tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    writer.checkpoint(0, weights(0), {"test_accuracy": 0.1})
    writer.checkpoint(1, weights(1), {"test_accuracy": 0.1 + 0.2, "wall_s": 3})
    with recording.open_recording(writer.finish()) as run:
        assert run.training["epoch"].tolist() == [0, 1]
        assert run.training["epoch"].dtype.kind == "i"
        assert run.training["test_accuracy"].tolist() == [0.1, 0.1 + 0.2]
        assert np.isnan(run.training["wall_s"][0])
        assert run.training["wall_s"][1] == 3
        assert run.file["neuro_ep/training/wall_s"].attrs["units"] == "s"


def test_the_file_says_what_it_is(tmp_path):
    with h5py.File(record(tmp_path / "run.h5")) as file:
        assert file.attrs["format"] == "neuro_ep-recording"
        assert file.attrs["format_version"] == "1.1"
        assert file.attrs["magic"] == 0x0A7A and file.attrs["magic"].dtype == "u4"
        assert file.attrs["version"].tolist() == [0, 1]
        assert file.attrs["version"].dtype == "u4"
        text = file["neuro_ep/provenance/equations/hidden"].asstr()[()]
        assert text == HEADER["equations"]["hidden"]


def test_tree_is_strict_json(tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    writer.checkpoint(0, weights(0), {"loss": np.inf, "test_accuracy": 0.5})
    with recording.open_recording(writer.finish()) as run:
        tree = json.loads(json.dumps(run.tree(), allow_nan=False))
    assert tree["training"] == {"epoch": [0], "loss": [None], "test_accuracy": [0.5]}
    assert tree["weights"]["hidden_output"]["shape"] == [5, 3]
    assert tree["weights"]["hidden_output"]["dtype"] == "float32"
    assert tree["provenance"]["duration_s"] is None
    assert tree["layers"] == [6, 5, 3]


def test_description_names_what_matters(tmp_path):
    text = recording.describe(record(tmp_path / "run.h5"))
    for part in ("continual-ep", "digits", "6-5-3", "30.00%", "0.1 mV", "dv/dt"):
        assert part in text
    assert "input to hidden, 6 x 5, in mV, 5 snapshots to epoch 4" in text


def test_description_without_optional_parts(tmp_path):
    bare = {key: HEADER[key] for key in ("rule", "task", "layers", "seed", "target")}
    writer = recording.create(
        tmp_path / "run.h5",
        {**bare, "epochs": 1, "projections": HEADER["projections"]},
    )
    writer.checkpoint(0, weights(0), {})
    assert "continual-ep" in recording.describe(writer.finish())


def test_reading_does_not_import_brian2():
    code = "import sys, neuro_ep.recording; sys.exit('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_provenance_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = recording.provenance()
    assert found["git_commit"] == "" and found["git_dirty"] == ""
    assert found["packages"]["numpy"] == np.__version__
    assert found["hostname"] and found["cpu"] and found["created"].endswith("+00:00")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_provenance_of_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(
        ["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"], check=True
    )
    assert len(recording.provenance()["git_commit"]) == 40
    assert recording.provenance()["git_dirty"] is False
    (tmp_path / "new").touch()
    assert recording.provenance()["git_dirty"] is True


# Snapshots


@pytest.mark.parametrize("limit", [2, 3, 32])
def test_snapshots_are_bounded_and_never_wanted_back(limit):
    dropped = set()
    for last in range(200):
        kept = snapshot_epochs(list(range(last + 1)), limit)
        assert len(kept) <= limit
        assert kept[0] == 0 and kept[-1] == last
        assert not dropped & set(kept)
        dropped |= set(range(last + 1)) - set(kept)
    assert snapshot_epochs(list(range(32)), 32) == list(range(32))


def test_thinning_bounds_the_parts_and_keeps_the_log(tmp_path):
    writer = recording.create(tmp_path / "run.h5", header(), snapshots=4)
    for epoch in range(21):
        checkpoint(writer, epoch)
        assert len(list(writer.part.glob("epoch_*.h5"))) <= 5
    with recording.open_recording(writer.finish()) as run:
        assert run.training["epoch"].tolist() == list(range(21))
        item = run.weights["input_hidden"]
        assert item.epochs.tolist() == [0, 8, 16, 20]
        for k, epoch in enumerate(item.epochs):
            assert same_bits(item.snapshots[k], weights(epoch)["input_hidden"])


# Resuming


def test_resume_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "run.h5"
    unfinished(path, 2)
    writer = recording.resume(path, header(epochs=6))
    assert writer.last_epoch == 2
    for name, array in weights(2).items():
        assert same_bits(writer.weights[name], array)
    assert same_bits(writer.state["rng/keys"], np.arange(2, dtype="u8"))
    assert same_bits(writer.state["t"], np.array(2 / 3))
    assert [item["epoch"] for item in writer.log] == [0, 1, 2]
    assert writer.log[1]["test_accuracy"] == row(1)["test_accuracy"]
    for epoch in range(3, 7):
        checkpoint(writer, epoch)
    with recording.open_recording(writer.finish()) as run:
        assert run.epochs == 6
        assert run.training["epoch"].tolist() == list(range(7))
        assert same_bits(
            run.weights["input_hidden"].initial, weights(0)["input_hidden"]
        )
        assert len(run.provenance["resumed"]) == 1


def test_resume_without_anything_begins(tmp_path):
    writer = recording.resume(tmp_path / "new" / "run.h5", header())
    assert writer.last_epoch == -1 and writer.weights == {} and writer.log == []
    checkpoint(writer, 0)
    assert writer.finish().exists()


def test_resume_of_a_run_killed_before_its_header(tmp_path):
    (tmp_path / "run.h5.part").mkdir()
    assert recording.resume(tmp_path / "run.h5", header()).last_epoch == -1


@pytest.mark.parametrize("change", ["cut", "empty"])
def test_damaged_newest_epoch_is_skipped(tmp_path, change):
    writer = unfinished(tmp_path / "run.h5", 3)
    newest = writer.part / "epoch_000003.h5"
    data = newest.read_bytes()
    newest.write_bytes(data[: len(data) // 2] if change == "cut" else b"")
    with pytest.warns(RuntimeWarning, match="epoch_000003.h5 is damaged"):
        again = recording.resume(tmp_path / "run.h5", header())
    assert again.last_epoch == 2
    assert same_bits(again.weights["input_hidden"], weights(2)["input_hidden"])
    checkpoint(again, 3)
    with recording.open_recording(again.finish()) as run:
        assert run.training["epoch"].tolist() == [0, 1, 2, 3]
        assert run.weights["input_hidden"].epochs.tolist() == [0, 1, 2, 3]


def test_damaged_newest_is_skipped_after_thinning(tmp_path):
    writer = recording.create(tmp_path / "run.h5", header(epochs=20), snapshots=4)
    for epoch in range(14):
        checkpoint(writer, epoch)
    (writer.part / "epoch_000013.h5").write_bytes(b"")
    with pytest.warns(RuntimeWarning):
        again = recording.resume(tmp_path / "run.h5", header(epochs=20), snapshots=4)
    assert again.last_epoch == 12


def test_damaged_first_epoch_is_refused(tmp_path):
    writer = unfinished(tmp_path / "run.h5", 3)
    (writer.part / "epoch_000000.h5").write_bytes(b"")
    with pytest.raises(InputError, match="is damaged.*delete it and start anew"):
        recording.resume(tmp_path / "run.h5", header())


def test_damaged_middle_snapshot_is_left_out(tmp_path):
    writer = unfinished(tmp_path / "run.h5", 3)
    (writer.part / "epoch_000001.h5").write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="epoch_000001.h5 is damaged"):
        path = writer.finish()
    with recording.open_recording(path) as run:
        assert run.weights["input_hidden"].epochs.tolist() == [0, 2, 3]
        assert run.training["epoch"].tolist() == [0, 1, 2, 3]


CHANGES = {
    "rule": ("ep", "another rule: 'continual-ep' then, 'ep' now"),
    "task": ("mnist", "another task"),
    "layers": ([6, 7, 3], "another layers"),
    "seed": (8, "another seed: 7 then, 8 now"),
    "target": ("cython", "another target"),
    "parameters": (
        {**HEADER["parameters"], "eta": {"value": 0.2, "unit": "mV"}},
        "another parameters.eta.value: 0.1 then, 0.2 now",
    ),
    "equations": (
        {**HEADER["equations"], "hidden": "dv/dt = -v/tau : volt"},
        r"another equations.hidden: 'dv/dt = \(I - v\)/tau : volt' then",
    ),
}


@pytest.mark.parametrize("key", CHANGES)
def test_resume_refuses_another_run(tmp_path, key):
    unfinished(tmp_path / "run.h5")
    before = listing(tmp_path)
    value, message = CHANGES[key]
    with pytest.raises(InputError, match=message):
        recording.resume(tmp_path / "run.h5", header(**{key: value}))
    assert listing(tmp_path) == before


def test_resume_refuses_a_missing_parameter(tmp_path):
    unfinished(tmp_path / "run.h5")
    fewer = {"eta": HEADER["parameters"]["eta"]}
    with pytest.raises(InputError, match="parameters: sizes only then"):
        recording.resume(tmp_path / "run.h5", header(parameters=fewer))


def test_resume_compares_values_not_types(tmp_path):
    first = {"x": {"value": np.nan, "unit": ""}, "y": {"value": 1, "unit": ""}}
    unfinished(tmp_path / "run.h5", parameters=first)
    same = {
        "y": {"unit": "", "value": 1.0},
        "x": {"value": -np.float64("nan"), "unit": ""},
    }
    again = header(parameters=same, layers=(6, 5, 3), seed=np.int64(7))
    assert recording.resume(tmp_path / "run.h5", again).last_epoch == 2


def test_resume_refuses_fewer_epochs_than_done(tmp_path):
    unfinished(tmp_path / "run.h5", 3)
    with pytest.raises(InputError, match="epochs=2: 3 are done already"):
        recording.resume(tmp_path / "run.h5", header(epochs=2))


def test_resume_refuses_a_complete_run(tmp_path):
    path = record(tmp_path / "run.h5")
    before = listing(tmp_path)
    with pytest.raises(InputError, match="is complete: there is nothing to resume"):
        recording.resume(path, header(epochs=9))
    assert listing(tmp_path) == before


def test_resume_keeps_parts_beside_a_foreign_file(tmp_path):
    writer = unfinished(tmp_path / "run.h5")
    (tmp_path / "run.h5").write_text("mine")
    with pytest.raises(InputError, match="is no recording"):
        recording.resume(tmp_path / "run.h5", header())
    assert len(list(writer.part.glob("epoch_*.h5"))) == 3


def test_resume_refuses_a_damaged_header(tmp_path):
    writer = unfinished(tmp_path / "run.h5")
    (writer.part / "header.json").write_text("{")
    with pytest.raises(InputError, match="header.json is damaged"):
        recording.resume(tmp_path / "run.h5", header())


# Killing

# What the children share: weights that depend on the epoch only, and a run.
CHILD = """
    import os, signal, sys
    import numpy as np
    from neuro_ep import recording
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
            assert same_bits(item.snapshots[k], expected)


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
                except recording.InputError as error:
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


# Refusals to begin


def test_create_refuses_what_exists(tmp_path):
    path = record(tmp_path / "run.h5")
    before = listing(tmp_path)
    with pytest.raises(InputError, match="exists; choose another --out, or delete it$"):
        recording.create(path, header())
    assert listing(tmp_path) == before


def test_create_refuses_an_unfinished_run(tmp_path):
    unfinished(tmp_path / "run.h5")
    before = listing(tmp_path)
    with pytest.raises(InputError, match="unfinished run.*pass --resume"):
        recording.create(tmp_path / "run.h5", header())
    assert listing(tmp_path) == before


def test_create_refuses_a_folder(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        recording.create(tmp_path, header(), overwrite=True)
    with pytest.raises(InputError, match="is a folder"):
        recording.resume(tmp_path, header())


@pytest.mark.parametrize("begin", [recording.create, recording.resume])
def test_refuses_a_path_below_a_file(tmp_path, begin):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot be written.*choose another --out"):
        begin(tmp_path / "file" / "sub" / "run.h5", header())
    assert listing(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_refuses_an_unwritable_folder():
    with pytest.raises(InputError, match="/proc/run.h5 cannot be written"):
        recording.create("/proc/run.h5", header())


def test_refuses_a_name_too_long(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        recording.create(tmp_path / ("x" * 300), header())
    assert listing(tmp_path) == {}


def test_makes_the_folder_and_leaves_none_when_it_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            recording.create(tmp_path / "a" / "b" / "run.h5", header())
    assert listing(tmp_path) == {}
    assert recording.create(tmp_path / "a" / "b" / "run.h5", header()).part.is_dir()


def test_refuses_a_disk_with_little_space(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 500_000))
    with pytest.raises(InputError, match="0.5 MB free.*needs about 1.1 MB"):
        recording.create(tmp_path / "a" / "run.h5", header())
    assert listing(tmp_path) == {}


def test_needed_space_grows_with_layers_and_epochs(tmp_path, monkeypatch):
    big = {"w": {**HEADER["projections"]["input_hidden"], "shape": [784, 512]}}
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 10**8))
    recording.create(tmp_path / "short.h5", header(projections=big, epochs=3))
    with pytest.raises(InputError, match="100.0 MB free.*needs about 219"):
        recording.create(tmp_path / "long.h5", header(projections=big, epochs=100))


def test_overwrite_replaces(tmp_path):
    record(tmp_path / "run.h5")
    (tmp_path / "run.h5.part").mkdir()
    (tmp_path / "run.h5.part" / "epoch_000001.h5").touch()
    writer = recording.create(tmp_path / "run.h5", header(seed=9), overwrite=True)
    assert not (tmp_path / "run.h5").exists()
    checkpoint(writer, 0)
    with recording.open_recording(writer.finish()) as run:
        assert run.seed == 9


def test_a_relative_path_survives_a_change_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = recording.create("run.h5", header())
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    checkpoint(writer, 0)
    assert writer.finish() == tmp_path / "run.h5"


# Refusals while writing


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
        except recording.InputError as error:
            assert writer.last_epoch == 2
            print(error)
    """
    process = child(tmp_path, code, tmp_path / "run.h5", 9)
    output, errors = process.communicate()
    assert process.returncode == 0 and errors == "", errors
    assert f"{tmp_path}/run.h5 cannot be written: File too large" in output
    assert "epochs up to 2 are safe; free space and pass --resume" in output
    names = {file.name for file in (tmp_path / "run.h5.part").iterdir()}
    assert names == {"header.json", *(f"epoch_00000{e}.h5" for e in range(3))}
    process = child(tmp_path, "run(path)", tmp_path / "run.h5", 9)
    output, errors = process.communicate()
    assert output.startswith("at 2"), errors
    expect_whole(tmp_path / "run.h5", 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 2}, "epoch 2 after epoch 2"),
        ({"weights": {"input_hidden": np.ones((6, 5))}}, "weights"),
        ({"weights": {**weights(3), "input_hidden": np.ones((5, 6))}}, "not .6, 5."),
        (
            {"weights": {**weights(3), "input_hidden": np.ones((6, 5), "f4")}},
            "dtype changed to float32",
        ),
        ({"row": {"loss": "high"}}, "loss='high': not a number"),
        ({"row": {"epoch": 4}}, "epoch=4 in epoch 3"),
    ],
)
def test_checkpoint_refuses_what_does_not_fit(tmp_path, change, message):
    writer = unfinished(tmp_path / "run.h5", 2)
    before = listing(tmp_path)
    fitting = {"epoch": 3, "weights": weights(3), "row": {}}
    with pytest.raises(ValueError, match=message):
        writer.checkpoint(**{**fitting, **change})
    assert listing(tmp_path) == before and writer.last_epoch == 2


def test_checkpoint_keeps_a_copy(tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    mine = weights(0)
    writer.checkpoint(0, mine, {})
    mine["input_hidden"][:] = 0
    assert same_bits(writer.weights["input_hidden"], weights(0)["input_hidden"])


def test_finish_needs_a_checkpoint(tmp_path):
    writer = recording.create(tmp_path / "run.h5", header())
    with pytest.raises(ValueError, match="before the first"):
        writer.finish()


@pytest.mark.parametrize("key", ["rule", "seed", "projections"])
def test_header_must_be_complete(tmp_path, key):
    with pytest.raises(ValueError, match=f"lacks {key}"):
        recording.create(
            tmp_path / "run.h5", {k: v for k, v in HEADER.items() if k != key}
        )
    assert listing(tmp_path) == {}


def test_header_parameters_need_units(tmp_path):
    with pytest.raises(ValueError, match="'eta': 0.1 has no value and unit"):
        recording.create(tmp_path / "run.h5", header(parameters={"eta": 0.1}))


# Refusals to read


def refusal(path):
    with pytest.raises(InputError) as caught:
        recording.open_recording(path)
    assert str(path).removesuffix(".part") in str(caught.value)
    assert str(caught.value).count("\n") == 0
    return str(caught.value)


def test_no_name():
    with pytest.raises(InputError, match="empty"):
        recording.open_recording("")


def test_no_such_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "run.h5")
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"epoch,accuracy\n0,0.1\n"])
def test_not_hdf5(tmp_path, content):
    (tmp_path / "run.h5").write_bytes(content)
    assert "is not an HDF5 file" in refusal(tmp_path / "run.h5")


def test_hdf5_of_others(tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.attrs["format"] = "something"
    message = refusal(tmp_path / "run.h5")
    assert "not a recording of neuro_ep (its @format is 'something')" in message


def test_newer_format(tmp_path):
    path = record(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "1.7"
    recording.open_recording(path).close()
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "2.0"
    assert "has format 2.0, this neuro_ep reads 1.1" in refusal(path)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_truncated_file(tmp_path, share):
    path = record(tmp_path / "run.h5")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    message = refusal(path)
    assert "truncated" in message or "not a whole one" in message


def test_file_that_lacks_a_part(tmp_path):
    path = record(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        del file["neuro_ep/schedule"]
    assert "is damaged" in refusal(path)


def test_unfinished_run(tmp_path):
    unfinished(tmp_path / "run.h5", 2)
    for name in ("run.h5", "run.h5.part"):
        message = refusal(tmp_path / name)
        assert "is unfinished: 2 epochs are done" in message and "--resume" in message
