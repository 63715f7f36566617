"""Digits read row by row: echoes beside the exact gradient of the same network.

Claim:     Hamiltonian neurons that learn by their echoes classify as well as the same
           network does when it learns by backpropagation through time
Data:      digits-rows, 8 frames of 8 pixels, 5 steps each; the same split for all
Peer:      the same network, leapfrog, cost, optimiser and samples in PyTorch
Run:       python sims/rhel_digits.py [FILE]     (4 minutes on 2 cores)
Expected:  mean (lowest, highest) test accuracy of seeds 0 to 4

               rhel     0.966 (0.953, 0.981)
               exact    0.967 (0.953, 0.978)
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import torch

from neuro_ep import initial_weights, load_dataset, train
from neuro_ep.models import RHEL

TASK = "digits-rows"

#: What is run: seeds, and settings other than the measured ones.
SIZES = {
    "full": {"seeds": range(5), "choices": {}},
    "smallest": {"seeds": range(1), "choices": {"layers": (8, 16), "epochs": 1}},
}


def main(size: str = "full", out: str = "runs/rhel_digits.h5", target=None):
    """Run, print and write everything; name -> test accuracies, one a seed."""
    digits, chosen = load_dataset(TASK), SIZES[size]
    settings = RHEL.settings(TASK, **chosen["choices"])
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    found = {
        "rhel": [ours(digits, settings, seed, target) for seed in chosen["seeds"]],
        "exact": [Twin(digits, settings, seed).accuracy() for seed in chosen["seeds"]],
    }
    with h5py.File(out, "w") as file:
        file.attrs["settings"] = json.dumps(asdict(settings))
        for name, accuracies in found.items():
            file[f"{name}/test_accuracy"] = accuracies
            mean, low, high = np.mean(accuracies), min(accuracies), max(accuracies)
            print(f"{name:8} {mean:.4f} ({low:.4f}, {high:.4f})")
    print(f"recorded in {out}")
    return {name: np.array(accuracies) for name, accuracies in found.items()}


def ours(digits, settings, seed, target) -> float:
    """Test accuracy of the network that learns by its echoes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        return train(
            RHEL, digits, settings, out=out, seed=seed, target=target
        ).test_accuracy


class Twin:
    """The same network from the same start, learning by exact gradients."""

    def __init__(self, digits, settings, seed: int):
        self.digits, self.settings, self.seed = digits, settings, seed
        weights = initial_weights(RHEL, settings, seed)
        units = settings.layers[-1]
        start = {
            "w": weights["output_to_output"],
            "B": weights["input_to_output"],
            **{"b": np.zeros(units), "l": np.full(units, 0.1)},
            **{"k": np.ones(units), "m": np.ones(units)},
        }
        self.theta = {
            name: torch.tensor(value, dtype=torch.float32, requires_grad=True)
            for name, value in start.items()
        }
        self.x = torch.tensor(digits.inputs).reshape(-1, digits.frames, digits.features)
        self.labels = torch.tensor(digits.labels)

    def accuracy(self) -> float:
        """Train, then test."""
        batch, train = self.settings.batch, self.digits.train
        adam = torch.optim.Adam(self.theta.values(), lr=self.settings.eta[0])
        for epoch in range(1, self.settings.epochs + 1):
            draw = np.random.default_rng(np.random.SeedSequence([self.seed, 1, epoch]))
            order = draw.permutation(train)[: len(train) // batch * batch]
            for rows in order.reshape(-1, batch):
                self._learn(adam, rows)
        with torch.no_grad():
            score, _ = self._run(self.digits.test)
        right = score.argmax(1) == self.labels[self.digits.test]
        return float(right.float().mean())

    def _learn(self, adam, rows):
        adam.zero_grad()
        self._run(rows)[1].backward()
        slope = self.theta["w"].grad  # one weight a pair
        self.theta["w"].grad = (slope + slope.T).fill_diagonal_(0)
        adam.step()
        with torch.no_grad():
            self.theta["l"].clamp_(0)
            self.theta["m"].clamp_(0.2)

    def _run(self, rows):
        """Score of every class (samples, classes), and the mean cost."""
        settings, theta = self.settings, self.theta
        aim = torch.eye(settings.read)[self.labels[rows]]
        q = torch.zeros(len(rows), settings.layers[-1])
        p, score, cost = torch.zeros_like(q), 0, 0
        steps, dt = round(settings.free / settings.step), settings.step
        judged = round(settings.judged * steps)
        for n in range(steps):
            q = q + dt / 2 * p / theta["m"]
            r = torch.tanh(q)
            drive = self.x[rows, n * self.digits.frames // steps] @ theta["B"]
            if n >= steps - judged:
                read = q[:, -settings.read :]
                score = score + read
                cost = cost + dt * ((read - aim) ** 2).sum() / (2 * len(rows))
            force = drive + theta["b"] - theta["k"] * q - theta["l"] * q**3
            p = p + dt * (force - (1 - r * r) * (r @ theta["w"]))
            q = q + dt / 2 * p / theta["m"]
        return score, cost


if __name__ == "__main__":
    main("full", *sys.argv[1:])
