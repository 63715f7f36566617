"""Hashes of what every rule has learned, to compare two versions on one machine.

A line for each rule, target and type of numbers: the hash of the weights after a short
training, or why there are none. Bits differ between processors, so lines are compared
between versions and not with constants:

    python tests/weight_hashes.py > after.txt
    python tests/weight_hashes.py --command OLD/.venv/bin/neuro-ep > before.txt
    diff before.txt after.txt
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py

SERIES = ("--layers", "8,12", "--free", "8")
STATIC = ("--layers", "64,12,10")
SPIKING = (*STATIC, "--batch", "480", "--epochs", "1")

#: Rule -> the task, and options that keep the run short.
RULES = {
    "continual-ep": ("digits", STATIC),
    "ep": ("digits", STATIC),
    "continual-vf": ("digits", STATIC),
    "dual-propagation": ("digits", STATIC),
    "dual-propagation-transpose": ("digits", STATIC),
    "dual-propagation-kolen-pollack": ("digits", STATIC),
    "dyadic": ("digits", STATIC),
    "dyadic-compartments": ("digits", STATIC),
    "spiking-ep": ("digits", SPIKING),
    "spiking-dual-propagation": ("digits", SPIKING),
    "rhel": ("digits-rows", SERIES),
    "rhel-chain": ("digits-rows", ("--layers", "8,12,12", *SERIES[2:])),
    "rhel-friction": ("digits-rows", SERIES),
    "rhel-directed": ("digits-rows", SERIES),
    "heb": ("digits-rows", SERIES),
}

#: The same rules in other forms.
VARIANTS = {
    "continual-ep two layers": (
        "continual-ep",
        ("digits", ("--preset", "digits-2h", "--layers", "64,12,8,10")),
    ),
    "continual-ep convolution": (
        "continual-ep",
        ("digits", ("--preset", "digits-convolution")),
    ),
    "dual-propagation stream": (
        "dual-propagation",
        ("digits", ("--preset", "digits-stream", "--layers", "64,12,10")),
    ),
    "dual-propagation continuous": (
        "dual-propagation",
        ("digits", ("--preset", "digits-continuous", "--layers", "64,12,10")),
    ),
    "rhel one-sided": (
        "rhel",
        ("digits-rows", (*SERIES, "--nudging", "one-sided")),
    ),
    "rhel gradient descent": (
        "rhel",
        ("digits-rows", (*SERIES, "--optimiser", "gradient-descent")),
    ),
}

SHORT = ("--batch", "120", "--epochs", "2", "--seed", "3", "--json")


def main():
    """Print the line of every rule, target and type of numbers that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--command", default=str(Path(sys.executable).parent / "neuro-ep")
    )
    parser.add_argument("--targets", default="numpy,standalone")
    parser.add_argument("--dtypes", default="float32,float64")
    parser.add_argument("--rules", default="", help="only those that begin so")
    asked = parser.parse_args()
    cases = {name: (name, case) for name, case in RULES.items()} | VARIANTS
    for name, (rule, (task, options)) in cases.items():
        if not name.startswith(asked.rules):
            continue
        for target in asked.targets.split(","):
            for dtype in asked.dtypes.split(","):
                words = ("--target", target, "--dtype", dtype, *SHORT, *options)
                found = learned(asked.command, task, rule, words)
                print(f"{name:32} {target:10} {dtype:8} {found}", flush=True)


def learned(command: str, task: str, rule: str, words) -> str:
    """The hash of all weights after training, or the last line of what it said."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder, "run.h5"))
        call = [command, "train", task, "--rule", rule, "--out", out, *words]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode:
            return f"status {done.returncode}: {done.stderr.strip().splitlines()[-1]}"
        return hash_of(out)


def hash_of(file: str) -> str:
    """Over the final weights of every projection, by name."""
    digest = hashlib.sha256()
    with h5py.File(file) as opened:
        weights = opened["neuro_ep/weights"]
        for name in sorted(weights):
            digest.update(name.encode() + weights[name]["final"][()].tobytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
