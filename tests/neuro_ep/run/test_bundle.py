"""Running a frozen program: values in, results out, and every way it can fail.

The program is a shell script, so nothing is compiled.
"""

import json

import numpy as np
import pytest

from neuro_ep.errors import InputError, RunError
from neuro_ep.run.bundle import MANIFEST, open_bundle, run_bundle

VARIABLES = {
    "net.gain": {"file": "gain", "dtype": "float32", "size": 1, "settable": True},
    "net.count": {"file": "count", "dtype": "int32", "size": 1, "settable": True},
    "net.w": {"file": "w", "dtype": "float64", "size": 4, "settable": True},
    "net.order": {"file": "order", "dtype": "int32", "size": 3, "settable": True},
    "net.t": {"file": "t", "dtype": "float64", "size": 1, "settable": False},
}

#: Writes its arguments, and hands back as the result w the file given for w.
ECHO = """
results=$2; shift 2
echo "$@" > "$HERE/arguments"
for item in "$@"; do
  case $item in net.w=/*) cp "${item#net.w=}" "$results/w";; esac
done
"""


@pytest.fixture
def make(tmp_path):
    """Makes a bundle from the body of a shell script."""

    def bundle(script=ECHO):
        (tmp_path / MANIFEST).write_text(json.dumps({"variables": VARIABLES}))
        program = tmp_path / "main"
        program.write_text(f"#!/bin/sh\nHERE={tmp_path}\n{script}")
        program.chmod(0o755)
        return open_bundle(tmp_path)

    return bundle


def run(bundle, values=None, wanted=(), **options):
    return run_bundle(bundle, values or {}, environment={}, wanted=[*wanted], **options)


def arguments(bundle):
    """What the program was told."""
    return (bundle.folder / "arguments").read_text().split()


# --- values ---


def test_values_go_in_and_come_out(make):
    weights = np.array([[1.5, -2.0], [0.25, 1e-30]])
    result = run(make(), {"net.w": weights}, ["net.w"])
    np.testing.assert_array_equal(result["net.w"], weights.ravel())


def test_numbers_are_passed_exactly(make):
    bundle = make()
    run(bundle, {"net.gain": 0.1, "net.count": np.array([7]), "net.w": 0.1})
    given = dict(item.split("=") for item in arguments(bundle))
    assert np.float32(float(given["net.gain"])) == np.float32(0.1)
    assert given["net.count"] == "7"
    assert float(given["net.w"]) == 0.1  # one number fills an array


def test_program_sees_the_environment(make):
    bundle = make('test "$NEURO_EP_SAMPLES" = here || exit 3\n')
    run_bundle(bundle, {}, environment={"NEURO_EP_SAMPLES": "here"}, wanted=[])
    with pytest.raises(RunError, match="exit status 3"):
        run_bundle(bundle, {}, environment={"NEURO_EP_SAMPLES": "there"}, wanted=[])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("net.bias", 1.0, "no variable 'net.bias' to set"),
        ("net.t", 1.0, "no variable 'net.t' to set"),
        ("net.w", np.ones(3), "'net.w' has 4 values but 3 were given"),
        ("net.w", np.ones((4, 2)), "'net.w' has 4 values but 8 were given"),
        ("net.gain", np.ones(2), "'net.gain' has 1 values but 2 were given"),
        ("net.gain", np.nan, "net.gain = nan: give finite"),
        ("net.gain", -np.inf, "net.gain = -inf: give finite"),
        ("net.gain", 1e300, "net.gain = 1e.300: give finite float32"),
        ("net.w", np.array([0, 1, np.nan, 2]), "net.w = nan: give finite"),
        ("net.w", np.array([[0, 1], [np.inf, 2]]), "net.w = inf: give finite"),
        ("net.order", np.array([0, np.nan, 1]), "net.order = nan: give finite int32"),
    ],
)
def test_value_is_refused_before_the_program_starts(make, name, value, message):
    bundle = make()
    with pytest.raises(InputError, match=message):
        run(bundle, {name: value})
    assert not (bundle.folder / "arguments").exists()


def test_unknown_result_is_refused_before_the_program_starts(make):
    bundle = make()
    with pytest.raises(InputError, match="no variable 'net.bias' to read"):
        run(bundle, wanted=["net.bias"])
    assert not (bundle.folder / "arguments").exists()


# --- failures ---


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "exit status 3"),
        ("echo out of memory >&2; exit 1", "out of memory"),
        ("kill -9 $$", "exit status -9"),
        ("echo Error: cannot set net.w", "Error: cannot set net.w"),
        ("echo Error: on stderr >&2", "Error: on stderr"),
    ],
)
def test_failure_is_reported(make, script, message):
    with pytest.raises(RunError, match=message):
        run(make(script))


def test_only_the_last_words_are_reported(make):
    with pytest.raises(RunError) as failure:
        run(make("for i in $(seq 100); do echo line $i.; done"))
    assert "line 100." in str(failure.value) and "line 1." not in str(failure.value)


def test_missing_result_is_reported(make):
    with pytest.raises(RunError, match="wrote 0 of 4 values of 'net.w'"):
        run(make("true"), wanted=["net.w"])


def test_short_result_is_reported(make):
    script = 'printf 12345678 > "$2/w"'
    with pytest.raises(RunError, match="wrote 1 of 4 values of 'net.w'"):
        run(make(script), wanted=["net.w"])


# --- progress ---

REPORT = """echo '{"presentation": 3, "of": 8}' >&2
echo '{"presentation": 8, "of": 8}' >&2
"""


def test_progress_is_passed_on_and_is_no_complaint(make):
    reports = []
    run(make(REPORT), on_progress=lambda *report: reports.append(report))
    assert reports == [(3, 8), (8, 8)]
    run(make(REPORT))


def test_interrupt_ends_the_program(make):
    def interrupt(done, total):
        raise KeyboardInterrupt

    script = f"echo $$ > $HERE/pid\n{REPORT}\nexec sleep 60"
    bundle = make(script)
    with pytest.raises(KeyboardInterrupt):
        run(bundle, on_progress=interrupt)
    process = int((bundle.folder / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        _signal_nothing(process)


def _signal_nothing(process):
    """Raises ProcessLookupError unless the process exists."""
    import os

    os.kill(process, 0)
