"""Training by dual propagation beside backpropagation: the same weights, the same data.

Claim:     in closed form and in continuous time, dual propagation is as accurate as
           backpropagation, and its updates keep to the gradient all the way
Data:      digits, the same split for all
Source:    Hoeier, Staudt & Zach 2023, arXiv 2302.01228 (closed form); continuous time
           and the numbers are measured here
Run:       python sims/dual_propagation_training.py [FILE]     (4 minutes on 1 core)
           python -m neuro_ep.analysis.dual_propagation_training_figure FILE FIGURE
Expected:  mean test accuracy of seeds 0 to 4: closed form 0.984, continuous time
           0.984, backpropagation 0.986;
           angles of at most 2.8 degrees in closed form, 7.9 in continuous time

For a seed, all start from the same weights and see the samples in the same order.
Backpropagation is plain gradient descent in numpy, neuro_ep.oracle.backpropagation.
Angles are those between what one presentation of the first training samples changes the
recorded weights of an epoch by and minus the gradient there, one a projection.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import (
    build_network,
    changed,
    epoch_draw,
    initial_weights,
    layer_names,
    load_dataset,
    make_simulation,
    on_target,
    open_recording,
    train,
)
from neuro_ep.checking import present
from neuro_ep.models import DUAL_PROPAGATION
from neuro_ep.oracle import backpropagation as bp
from neuro_ep.oracle import cosine

#: Learner -> the preset of its settings (None: the default).
LEARNERS = {"closed form": None, "continuous time": "digits-continuous"}
PEER = "backpropagation"

#: Seeds, epochs (None: as measured), samples that angles are taken of.
SIZES = {"full": (range(5), None, 100), "smallest": (range(1), 2, 20)}


def main(size="full", out="runs/dual_propagation_training.h5", target=None) -> dict:
    """Train, print and write; learner -> test accuracies (seeds, epochs + 1)."""
    seeds, epochs, samples = SIZES[size]
    digits, found = load_dataset("digits"), {}
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w") as file:
        for name, preset in LEARNERS.items():
            settings = DUAL_PROPAGATION.settings("digits", preset, epochs=epochs)
            runs = [trained(digits, settings, seed, target) for seed in seeds]
            found[name] = np.array([run.pop("test_accuracy") for run in runs])
            group = write(file, name, found[name], settings)
            group["angle_epoch"] = runs[0]["epochs"]
            turned = angles(digits, settings, [r["weights"] for r in runs], samples)
            for projection, each in turned.items():
                group[f"angle/{projection}"] = each
        settings = DUAL_PROPAGATION.settings("digits", epochs=epochs)
        found[PEER] = np.array([peer(digits, settings, seed) for seed in seeds])
        write(file, PEER, found[PEER], settings)
    print(f"recorded in {out}")
    return found


def trained(digits, settings, seed, target) -> dict:
    """test_accuracy (epochs + 1,); weights by projection, in mV, after those epochs."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        train(DUAL_PROPAGATION, digits, settings, out=out, seed=seed, target=target)
        with open_recording(out) as run:
            return {
                "test_accuracy": run.training["test_accuracy"],
                "epochs": next(iter(run.weights.values())).epochs,
                "weights": {name: each.snapshots for name, each in run.weights.items()},
            }


def angles(digits, settings, runs, samples: int) -> dict:
    """Degrees from minus the gradient by projection, (seeds, recorded epochs)."""
    with on_target("numpy"):
        network = build_network(DUAL_PROPAGATION, changed(settings, batch=samples))
        simulation = make_simulation(network)
    found = []
    for weights in runs:
        for there in zip(*weights.values(), strict=True):
            named = dict(zip(weights, there, strict=True))
            found.append(from_gradient(simulation, digits, settings, named))
    return {
        name: np.reshape([each[name] for each in found], (len(runs), -1))
        for name in network.projections
    }


def from_gradient(simulation, digits, settings, weights) -> dict:
    """Projection -> degrees between its update and minus the gradient."""
    rows = digits.train[: simulation.plan.settings.batch]
    x, labels = digits.inputs[rows].astype(float), digits.labels[rows]
    in_volt = {name: 1e-3 * each.astype(float) for name, each in weights.items()}
    update = present(simulation, in_volt, x, labels, eta=settings.eta[0]).update
    forward_weights, biases = in_layers(settings, weights)
    gradients = bp.backpropagation(
        forward_weights, biases, x, one_hot(labels), settings.activation, settings.cost
    )[0]
    return {
        name: np.degrees(np.arccos(min(1.0, cosine(update[name], -gradient))))
        for name, gradient in zip(projections(settings), gradients, strict=True)
    }


def projections(settings) -> list[str]:
    """From input to output."""
    names = layer_names(settings.layers)
    return [f"{pre}_to_{post}" for pre, post in zip(names, names[1:], strict=False)]


def in_layers(settings, weights) -> tuple[list, list]:
    """(weights, biases) of the layers, as backpropagation takes them."""
    biases = [weights[f"bias_{name}"][0] for name in layer_names(settings.layers)[1:]]
    return [weights[name] for name in projections(settings)], biases


def peer(digits, settings, seed: int) -> np.ndarray:
    """Test accuracy of backpropagation after every epoch, (epochs + 1,)."""
    weights = initial_weights(DUAL_PROPAGATION, settings, seed)
    here = list(weights.values()), [np.zeros(n) for n in settings.layers[1:]]
    options = settings.activation, settings.cost
    accuracies = [accuracy(digits, *here, settings.activation)]
    for epoch in range(1, settings.epochs + 1):
        here = bp.descend(
            lambda *network: bp.backpropagation(*network, *options),
            *here,
            batches(digits, settings, seed, epoch),
            settings.eta[0],
        )
        accuracies.append(accuracy(digits, *here, settings.activation))
    return np.array(accuracies)


def batches(digits, settings, seed: int, epoch: int):
    """Whole batches (inputs, targets) in the order in which the network sees them."""
    order, size = epoch_draw(seed, epoch).permutation(digits.train), settings.batch
    for rows in np.split(order[: len(order) // size * size], len(order) // size):
        yield digits.inputs[rows].astype(float), one_hot(digits.labels[rows])


def accuracy(digits, weights, biases, activation: str) -> float:
    """Share of the test samples whose largest output is that of their class."""
    inputs = digits.inputs[digits.test].astype(float)
    output = bp.forward(weights, biases, inputs, activation)[1][-1]
    return float((output.argmax(axis=1) == digits.labels[digits.test]).mean())


def one_hot(labels) -> np.ndarray:
    return np.eye(10)[labels]


def write(file, name: str, accuracies, settings):
    """Print a line and write a group."""
    last = accuracies[:, -1]
    print(f"{name:16} mean {last.mean():.4f}  {np.round(last, 4)}", flush=True)
    group = file.create_group(name)
    group["test_accuracy"] = accuracies
    group.attrs["settings"] = json.dumps(asdict(settings))
    return group


if __name__ == "__main__":
    main("full", *sys.argv[1:])
