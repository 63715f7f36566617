"""Digits read row by row, learned by a machine without an optimiser.

Claim:     parameters that move by their own momenta, with friction and no optimiser,
           learn to classify sequences; echoes of both signs do it best
Data:      digits-rows, 8 frames of 8 pixels, 5 steps each; the same split for all
Run:       python sims/heb_digits.py [FILE]     (2 minutes on 1 core)
Expected:  mean (lowest, highest) test accuracy of seeds 0 to 4

               symmetric    0.968 (0.958, 0.978)
               one-sided    0.957 (0.950, 0.967)
               random-sign  0.960 (0.953, 0.972), 1 diverged
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import RunError, load_dataset, train
from neuro_ep.models import HEB

TASK = "digits-rows"

#: Both signs in turn; always pulling; one sign, drawn for every presentation.
NUDGING = ("symmetric", "one-sided", "random-sign")

#: What is run: seeds, and settings other than the measured ones.
SIZES = {
    "full": {"seeds": range(5), "choices": {}},
    "smallest": {"seeds": range(1), "choices": {"layers": (8, 16), "epochs": 1}},
}


def main(size: str = "full", out: str = "runs/heb_digits.h5", target=None):
    """Run, print and write everything; nudging -> test accuracies, one a seed."""
    digits, chosen = load_dataset(TASK), SIZES[size]
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    found = {}
    with h5py.File(out, "w") as file:
        for nudging in NUDGING:
            settings = HEB.settings(TASK, nudging=nudging, **chosen["choices"])
            reached = [accuracy(digits, settings, n, target) for n in chosen["seeds"]]
            found[nudging] = np.array(reached)
            file[f"{nudging}/test_accuracy"] = found[nudging]
            file[nudging].attrs["settings"] = json.dumps(asdict(settings))
            print(f"{nudging:12} {summary(found[nudging])}", flush=True)
    print(f"recorded in {out}")
    return found


def accuracy(digits, settings, seed: int, target) -> float:
    """Test accuracy after training from a seed; NaN where it diverged."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        try:
            result = train(HEB, digits, settings, out=out, seed=seed, target=target)
        except RunError:
            return np.nan
        return result.test_accuracy


def summary(accuracies: np.ndarray) -> str:
    """Mean (lowest, highest) of the seeds that did not diverge, and how many did."""
    ended = accuracies[np.isfinite(accuracies)]
    lost = len(accuracies) - len(ended)
    shown = f"{ended.mean():.4f} ({ended.min():.4f}, {ended.max():.4f})"
    return shown + (f", {lost} diverged" if lost else "")


if __name__ == "__main__":
    main("full", *sys.argv[1:])
