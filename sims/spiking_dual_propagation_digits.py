"""Dyads that speak in spikes learn digits as well as dyads that speak in rates.

Claim:     errors told by the difference of two spike trains train a network nearly as
           rates do, from the same weights; random numbers of each generator's own cost
           accuracy, and an output that learns alone costs more
Data:      digits, the same split for all; 64-64-10
Source:    derived and measured here; dyads are those of Hoeier, Staudt & Zach 2023,
           arXiv 2302.01228
Run:       python sims/spiking_dual_propagation_digits.py [FILE]  (4 minutes on 1 core)
Expected:  mean test accuracy of seeds 0 to 4: rates 0.980; spikes 0.977 with a window
           of 100 steps, 0.976 with 20; noise 0.964; output alone 0.923

A presentation is 120 steps of burn-in and the window, in which weights move. Noise is
drawn anew in every run, so that the accuracies of that case are not repeated exactly.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import changed, load_dataset, open_recording, train
from neuro_ep.models import DUAL_PROPAGATION, SPIKING_DUAL_PROPAGATION

DIGITS = SPIKING_DUAL_PROPAGATION.defaults["digits"]

#: Case -> (rule, what is chosen otherwise).
CASES = {
    "rates": (DUAL_PROPAGATION, {"dynamics": "continuous"}),
    "spikes, 100 steps": (SPIKING_DUAL_PROPAGATION, {}),
    "spikes, 20 steps": (SPIKING_DUAL_PROPAGATION, {"nudged": 1}),
    "noise": (SPIKING_DUAL_PROPAGATION, {"dynamics": "independent-noise"}),
    "output alone learns": (SPIKING_DUAL_PROPAGATION, {"eta": (0, *DIGITS.eta[1:])}),
}

#: Seeds, epochs (None: as measured).
SIZES = {"full": (range(5), None), "smallest": (range(1), 1)}


def main(size="full", out="runs/spiking_dual_propagation.h5", target=None) -> dict:
    """Train, print and write; case -> test accuracies (seeds, epochs + 1)."""
    seeds, epochs = SIZES[size]
    digits, found = load_dataset("digits"), {}
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w", track_order=True) as file:
        for name, (rule, choices) in CASES.items():
            settings = changed(DIGITS, epochs=epochs, **choices)
            runs = [accuracies(rule, digits, settings, seed, target) for seed in seeds]
            found[name] = np.array(runs)
            last = found[name][:, -1]
            print(f"{name:20} mean {last.mean():.4f}  {last.round(4)}", flush=True)
            group = file.create_group(name)
            group["test_accuracy"] = found[name]
            group.attrs["settings"] = json.dumps(asdict(settings))
    print(f"recorded in {out}")
    return found


def accuracies(rule, digits, settings, seed: int, target) -> np.ndarray:
    """Test accuracy after every epoch, (epochs + 1,)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        train(rule, digits, settings, out=out, seed=seed, target=target)
        with open_recording(out) as run:
            return run.training["test_accuracy"]


if __name__ == "__main__":
    main("full", *sys.argv[1:])
