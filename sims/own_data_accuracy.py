"""Four rules with their general settings on tables that they were not tuned on.

Claim:     with nothing chosen, test accuracy is within 0.03 of scikit-learn's
           MLPClassifier on wine, breast cancer and iris, and at least 0.95 on a table
           of 300 x 20
Run:       python sims/own_data_accuracy.py        (6 minutes)
Smallest:  python sims/own_data_accuracy.py --smallest   (seconds; it learns little)
"""

import sys

import numpy as np
from sklearn import datasets
from sklearn.neural_network import MLPClassifier

from neuro_ep import Dataset, find_rule, train

RULES = ("continual-ep", "ep", "dual-propagation", "spiking-dual-propagation")
TABLES = ("wine", "breast_cancer", "iris", "table")


def load(name: str) -> Dataset:
    """A table of scikit-learn's, or one of 300 x 20 with three classes."""
    if name != "table":
        return Dataset.from_arrays(
            *getattr(datasets, f"load_{name}")(return_X_y=True), name=name
        )
    inputs, labels = datasets.make_classification(
        n_samples=300,
        n_features=20,
        n_informative=8,
        n_classes=3,
        n_clusters_per_class=1,
        class_sep=2.5,
        random_state=0,
    )
    colours = np.array(["blue", "green", "red"])[labels]
    return Dataset.from_arrays(inputs, colours, name=name)


def peer(data: Dataset) -> float:
    """Mean test accuracy of the multilayer perceptron, over three seeds."""
    train_on, test = data.train, data.test
    found = [
        MLPClassifier(max_iter=2000, random_state=seed)
        .fit(data.inputs[train_on], data.labels[train_on])
        .score(data.inputs[test], data.labels[test])
        for seed in range(3)
    ]
    return float(np.mean(found))


def main(smallest: bool = False, out: str = "runs/own_data.h5", **choices):
    """Train every rule on every table; return {table: {learner: accuracy}}."""
    table: dict[str, dict[str, float]] = {}
    for name in TABLES[-2:] if smallest else TABLES:
        data = load(name)
        table[name] = {"MLPClassifier": peer(data)}
        for word in RULES[2:3] if smallest else RULES:
            few = {"epochs": 2} if smallest else {}
            settings = find_rule(word).settings(data, **few)
            result = train(word, data, settings, out=out, overwrite=True, **choices)
            table[name][word] = result.test_accuracy
        words = "  ".join(f"{key} {value:.3f}" for key, value in table[name].items())
        print(f"{name:14} {words}", flush=True)
    return table


if __name__ == "__main__":
    main("--smallest" in sys.argv)
