"""The command ``predict``: what a trained network says of samples in a file."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

from numpy.typing import NDArray

from neuro_ep.errors import InputError
from neuro_ep.messages import say
from neuro_ep.tasks.tables import ENDINGS, is_file_of_data, read_features
from neuro_ep.training.trained import TrainedNetwork, load_network


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
    told, columns, rows = (_values if network.is_regression else _labels)(
        network, answers
    )
    if options.json:
        print(json.dumps(told))
        return 0
    text = _table(columns, rows)
    if out is None:
        print(text, end="")
        return 0
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    say(f"{len(rows)} {'targets' if network.is_regression else 'labels'} in {out}")
    return 0


def _labels(network: TrainedNetwork, answers: NDArray) -> tuple[dict, list, list]:
    """For every sample its label, and what every output says."""
    labels = network.named(answers.argmax(axis=1)).tolist()
    names = network.class_names or tuple(range(network.outputs))
    rows = [
        [label, *(f"{value:.6g}" for value in row)]
        for label, row in zip(labels, answers.tolist(), strict=True)
    ]
    told = {"labels": labels, "read_out": answers.tolist()}
    return told, ["label", *(f"read_out_{name}" for name in names)], rows


def _values(network: TrainedNetwork, answers: NDArray) -> tuple[dict, list, list]:
    """For every sample its targets, in the user's unit, by their names."""
    values = network.in_unit(answers)
    names = list(network.target_names)
    if not names:
        several = network.outputs > 1
        names = [f"target_{k}" if several else "target" for k in range(network.outputs)]
    rows = [[f"{value:.9g}" for value in row] for row in values.tolist()]
    return {"names": names, "targets": values.tolist()}, names, rows


def _table(columns: list, rows: list) -> str:
    """Rows as text, under the names of their columns."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerows([columns, *rows])
    return file.getvalue()
