"""The command ``predict``: what a trained network says of samples in a file."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

from neuro_ep.errors import InputError
from neuro_ep.messages import say
from neuro_ep.tasks.tables import ENDINGS, is_file_of_data, read_features
from neuro_ep.training.trained import load_network


def predict(options) -> int:
    """The command ``predict``."""
    out = options.out and Path(options.out)
    if out and out.exists() and not options.overwrite:
        raise InputError(f"{out} is there already; --overwrite replaces it")
    if out and options.json:
        raise InputError(f"--out {out} and --json: choose one of them")
    if not is_file_of_data(options.data):
        raise InputError(
            f"{options.data}: give a file that ends in {', '.join(ENDINGS)}"
        )
    network = load_network(options.file, options.target)
    count = network.settings.layers[0]
    inputs = read_features(options.data, network.feature_names, count)
    answers = network.read_out(inputs)
    labels = network.named(answers.argmax(axis=1))
    names = network.class_names or tuple(range(network.classes))
    if options.json:
        print(json.dumps({"labels": labels.tolist(), "read_out": answers.tolist()}))
        return 0
    text = _table(names, labels, answers)
    if out is None:
        print(text, end="")
        return 0
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    say(f"{len(labels)} labels in {out}")
    return 0


def _table(names, labels, answers) -> str:
    """A line for each sample: its label, and what every output says."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["label", *(f"read_out_{name}" for name in names)])
    for label, row in zip(labels.tolist(), answers.tolist(), strict=True):
        table.writerow([label, *(f"{value:.6g}" for value in row)])
    return file.getvalue()
