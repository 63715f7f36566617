"""The same seed in two processes gives the same bits, whatever the rule and target."""

import os
import subprocess
import sys

import pytest

#: Rules whose neurons are noisy while they learn, tried by default.
WITH_NOISE = ("spiking-dual-propagation",)

TARGETS = ("numpy", "standalone", "cython")

#: Trains a small network and prints the hash of its weights.
SCRIPT = """
import sys
from dataclasses import replace
from hashlib import sha256
from neuro_ep import find_rule, load_dataset, open_recording, train

name, target, seed, out = sys.argv[1:]
rule, series = find_rule(name), name.startswith(("rhel", "heb"))
data = load_dataset("digits-rows" if series else "digits")
data = replace(data, train=data.train[:40], test=data.test[:20])
layers = {"rhel-chain": (8, 10, 10)}.get(name, (8, 10) if series else (64, 6, 10))
chosen = {"free": 4} if series else {"free": 6, "nudged": 3}
settings = rule.settings(data.name, layers=layers, batch=20, epochs=1, **chosen)
train(rule, data, settings, out=out, seed=int(seed), target=target, on_warning=str,
      allow_gain=True)
with open_recording(out) as run:
    weights = [run.weights[name].final.tobytes() for name in sorted(run.weights)]
print(sha256(b"".join(weights)).hexdigest())
"""


def cases():
    from neuro_ep.models import RULES

    for rule in RULES:
        for target in TARGETS:
            default = rule in WITH_NOISE and target == "numpy"
            marks = [] if default else [pytest.mark.exhaustive]
            yield pytest.param(rule, target, marks=marks, id=f"{rule}-{target}")


@pytest.fixture
def learned(tmp_path):
    """Train in a process of its own; the hash of the weights."""

    def run(number, rule, target, seed=3) -> str:
        words = [rule, target, str(seed), str(tmp_path / f"{number}.h5")]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *words],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.split()[-1]

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "target"), list(cases()))
def test_two_processes_learn_the_same(learned, rule, target):
    once = learned(1, rule, target)
    assert learned(2, rule, target) == once
    assert learned(3, rule, target, seed=4) != once  # the control
