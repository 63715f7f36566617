"""Commands in processes of their own."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

#: A network that learns the digits in a few short epochs.
SMALL = [
    *("--layers", "64,16,10", "--step", "1", "--free", "8", "--nudged", "3"),
    *("--eta", "0.05", "--batch", "10", "--epochs", "2"),
]


@pytest.fixture(scope="session")
def command():
    """Start the command line with these arguments: a process, its output in pipes."""

    def start(*arguments, environment=None, **options) -> subprocess.Popen:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        environment = {**os.environ, **(environment or {})}
        environment.pop("PYTHONUNBUFFERED", None)  # as it is for most users
        return subprocess.Popen(
            [sys.executable, "-m", "neuro_ep", *map(str, arguments)],
            env=environment,
            text=True,
            **options,
        )

    return start


@pytest.fixture(scope="session")
def train(command):
    """Train the small network to the end; (what it printed, stderr)."""

    def run(out, *arguments, task="digits", **options) -> tuple[dict, str]:
        rule = ("--rule", "continual-ep", *SMALL)
        process = command(
            "train", task, *rule, "--json", "--out", out, *arguments, **options
        )
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        return json.loads(output), errors

    return run


@pytest.fixture(scope="session")
def trained(train, build_cache, tmp_path_factory) -> dict:
    """What training with seed 0 on the fastest target printed."""
    with one_at_a_time(build_cache):  # the second worker finds the build of the first
        return train(tmp_path_factory.mktemp("trained") / "run.h5")[0]


@contextmanager
def one_at_a_time(folder):
    """Among the workers; where nothing can be locked, each goes ahead."""
    with open(folder / "lock", "w") as file:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
