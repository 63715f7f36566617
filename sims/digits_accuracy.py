"""Accuracy on handwritten digits: every rule beside a perceptron of the same size.

Claim:     with one hidden layer, what neurons and synapses learn by themselves is as
           good as what a perceptron learns by gradient descent; with two it is not yet
Data:      digits, the same split for all
Peer:      scikit-learn's MLPClassifier as it comes, with iterations enough
Run:       python sims/digits_accuracy.py [FILE]     (12 minutes on 2 cores)
Expected:  mean (lowest, highest) test accuracy of seeds 0 to 4

               ep             64-128-10      0.976 (0.972, 0.981)
               continual-ep   64-128-10      0.978 (0.975, 0.981)
               continual-vf   64-128-10      0.973 (0.969, 0.978)
               MLPClassifier  64-128-10      0.974 (0.969, 0.981)
               ep             64-128-128-10  0.957 (0.950, 0.967)
               continual-ep   64-128-128-10  0.966 (0.958, 0.972)
               MLPClassifier  64-128-128-10  0.971 (0.969, 0.972)
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
from sklearn.neural_network import MLPClassifier

from neuro_ep import load_dataset, train
from neuro_ep.models import CONTINUAL_EP, CONTINUAL_VF, EQUILIBRIUM_PROPAGATION

#: Rule, and the preset of its settings (None: its default).
RUNS = (
    (EQUILIBRIUM_PROPAGATION, None),
    (CONTINUAL_EP, None),
    (CONTINUAL_VF, None),
    (EQUILIBRIUM_PROPAGATION, "digits-2h"),
    (CONTINUAL_EP, "digits-2h"),
)

#: What is run: seeds, and settings and iterations other than the measured ones.
SIZES = {
    "full": {"seeds": range(5), "choices": {}, "peer": {"max_iter": 500}},
    "smallest": {
        "seeds": range(1),
        "choices": {"epochs": 1, "free": 2, "nudged": 1},
        "peer": {"max_iter": 2},
    },
}


def main(size: str = "full", out: str = "runs/digits_accuracy.h5", target=None):
    """Run, print and write everything; run -> test accuracies, one a seed."""
    chosen, digits = SIZES[size], load_dataset("digits")
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    accuracies = {}
    with h5py.File(out, "w") as file:
        for rule, preset in RUNS:
            settings = rule.settings("digits", preset, **chosen["choices"])
            name = f"{rule.name} {'-'.join(map(str, settings.layers))}"
            found = [ours(rule, digits, settings, s, target) for s in chosen["seeds"]]
            accuracies[name] = show(file, name, found, asdict(settings))
        for hidden in dict.fromkeys(rule_layers()):
            name = f"MLPClassifier 64-{'-'.join(map(str, hidden))}-10"
            found = [peer(digits, hidden, s, chosen["peer"]) for s in chosen["seeds"]]
            accuracies[name] = show(file, name, found, chosen["peer"])
    print(f"recorded in {out}")
    return accuracies


def rule_layers():
    """The hidden layers of every run."""
    for rule, preset in RUNS:
        yield rule.settings("digits", preset).layers[1:-1]


def ours(rule, digits, settings, seed, target) -> float:
    """Test accuracy of a trained network."""
    with tempfile.TemporaryDirectory() as folder:
        return train(
            rule,
            digits,
            settings,
            out=Path(folder) / "run.h5",
            seed=seed,
            target=target,
            on_warning=lambda text: None,
        ).test_accuracy


def peer(digits, hidden, seed, options) -> float:
    """Test accuracy of the perceptron on the same split."""
    network = MLPClassifier(hidden, random_state=seed, **options)
    network.fit(digits.inputs[digits.train], digits.labels[digits.train])
    return network.score(digits.inputs[digits.test], digits.labels[digits.test])


def show(file, name, found, settings) -> np.ndarray:
    """Print a line and write a group."""
    found = np.array(found)
    print(
        f"{name:32} mean {found.mean():.4f}  min {found.min():.4f}  "
        f"max {found.max():.4f}  ({len(found)} seeds)",
        flush=True,
    )
    group = file.create_group(name)
    group["test_accuracy"] = found
    group.attrs["settings"] = json.dumps(settings)
    return found


if __name__ == "__main__":
    main("full", *sys.argv[1:])
