"""Every rule as a compiled program that checks each access to memory.

AddressSanitizer ends a program that touches what is not its own, and the sanitizer of
undefined behaviour one that computes what C++ does not define.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from neuro_ep.models import RULES

WRAPPER = """#!/bin/sh
exec g++ "$@" -fsanitize=address,undefined -fno-sanitize-recover=all -g -O1
"""

#: Trains on a few digits, in a program compiled by the wrapper. "unchecked" shows a
#: label that no output has, past the check: what the program does then is undefined.
SCRIPT = """
import sys
from dataclasses import replace
from neuro_ep import find_rule, load_dataset, train

name, kind, out = sys.argv[1:]
rule, series = find_rule(name), name.startswith(("rhel", "heb"))
data = load_dataset("digits-rows" if series else "digits")
data = replace(data, train=data.train[:50], test=data.test[:20])
if kind == "unchecked":
    from neuro_ep.run import scheduled
    object.__setattr__(data, "labels", data.labels + 1_000_000)
    scheduled._refuse_unknown_classes = lambda *anything: None
layers = {"rhel-chain": (8, 10, 10)}.get(name, (8, 10) if series else (64, 6, 10))
chosen = {"free": 4} if series else {"free": 6, "nudged": 3}
settings = rule.settings(data.name, layers=layers, batch=20, epochs=1, **chosen)
train(rule, data, settings, out=out, target="standalone", on_warning=str,
      allow_gain=True)
"""

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(
        shutil.which("g++") is None or not sys.platform.startswith("linux"),
        reason="needs g++ on Linux",
    ),
]


@pytest.fixture(scope="module")
def compiler(tmp_path_factory) -> Path:
    """A compiler that puts in the checks; skipped where g++ has no such libraries."""
    folder = tmp_path_factory.mktemp("compiler")
    wrapper = folder / "checking-g++"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    source = folder / "nothing.cpp"
    source.write_text("int main() { return 0; }")
    command = [str(wrapper), str(source), "-o", str(folder / "nothing")]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("g++ has no sanitizers here")
    return wrapper


@pytest.fixture
def trained(compiler, tmp_path):
    """Train a rule in a process of its own; (status, what it said)."""

    def run(name, kind="checked") -> tuple[int, str]:
        environment = {
            **os.environ,
            "CXX": str(compiler),
            "ASAN_OPTIONS": "detect_leaks=0",
            "OPENBLAS_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, name, kind, str(tmp_path / "run.h5")],
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize("name", RULES)
def test_no_rule_touches_what_is_not_its_own(trained, name):
    status, said = trained(name)
    assert status == 0, said[-3000:]


def test_an_unchecked_label_is_found(trained):
    """The control: without the check, the program writes far past an array."""
    status, said = trained("continual-ep", "unchecked")
    assert status != 0
    assert "AddressSanitizer" in said or "runtime error" in said, said[-3000:]
