"""Learning without phases: samples follow one another, and plasticity is never closed.

Claim:     dyads learn digits from a stream in which nothing is reset between samples
           and weights move all the time; what is carried over from the sample before
           costs accuracy where samples are short, unless plasticity waits
Data:      digits
Source:    derived and measured here; the rule is that of Hoeier, Staudt & Zach 2023,
           arXiv 2302.01228
Run:       python sims/dual_propagation_stream.py [FILE]     (2 minutes on 1 core)
           python -m neuro_ep.analysis.dual_propagation_stream_figure FILE FIGURE
Expected:  mean test accuracy of seeds 0 to 4: always on for 40 tau 0.983,
           10 tau 0.979, 5 tau 0.974; gated, 20 tau 0.984, 10 tau 0.982

Durations are in time constants of the neurons, per sample, and hold for testing too,
where a sample is shown without its class. Gated: weights move in the last fifth.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import load_dataset, open_recording, train
from neuro_ep.models import DUAL_PROPAGATION

#: Case -> (the preset of its settings, what is chosen otherwise).
CASES = {
    "always on, 40": ("digits-stream", {}),
    "always on, 10": ("digits-stream", {"nudged": 10}),
    "always on, 5": ("digits-stream", {"nudged": 5}),
    "gated, 20": ("digits-stream-gated", {}),
    "gated, 10": ("digits-stream-gated", {"free": 8, "nudged": 2}),
}

#: Cases, seeds, epochs (None: as measured).
SIZES = {
    "full": (list(CASES), range(5), None),
    "smallest": (["always on, 40", "gated, 10"], range(1), 1),
}


def main(size="full", out="runs/dual_propagation_stream.h5", target=None) -> dict:
    """Train, print and write; case -> test accuracies (seeds, epochs + 1)."""
    cases, seeds, epochs = SIZES[size]
    digits, found = load_dataset("digits"), {}
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w", track_order=True) as file:
        for name in cases:
            preset, choices = CASES[name]
            choices = {"epochs": epochs, **choices}
            settings = DUAL_PROPAGATION.settings("digits", preset, **choices)
            runs = [accuracies(digits, settings, seed, target) for seed in seeds]
            found[name] = np.array(runs)
            last = found[name][:, -1]
            print(f"{name:16} mean {last.mean():.4f}  {last.round(4)}", flush=True)
            group = file.create_group(name)
            group["test_accuracy"] = found[name]
            group.attrs["settings"] = json.dumps(asdict(settings))
    print(f"recorded in {out}")
    return found


def accuracies(digits, settings, seed: int, target) -> np.ndarray:
    """Test accuracy after every epoch, (epochs + 1,)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        train(DUAL_PROPAGATION, digits, settings, out=out, seed=seed, target=target)
        with open_recording(out) as run:
            return run.training["test_accuracy"]


if __name__ == "__main__":
    main("full", *sys.argv[1:])
