"""A run that explodes is told as such, with advice that fits its cause."""

import subprocess
import sys

import pytest

SMALL = ("--layers", "64,8,10", "--epochs", "1", "--batch", "100", "--target", "numpy")


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--beta", "1e6"), "Lower beta"),
        (("--eta", "1e30"), "Lower eta or the step, or raise beta"),
    ],
)
def test_one_sentence_and_status_1(options, advice, tmp_path):
    command = [sys.executable, "-m", "neuro_ep", "train", "digits", "--rule", "ep"]
    out = ("--out", tmp_path / "run.h5")
    done = subprocess.run(
        [*command, *SMALL, *options, *out], capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "the run diverged in epoch" in done.stderr and advice in done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    assert (tmp_path / "run.h5").exists()
