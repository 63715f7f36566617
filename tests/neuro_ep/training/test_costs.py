"""Costs are means over samples: what fills up the last batch does not count."""

from dataclasses import replace

import pytest

from neuro_ep import load_dataset, open_recording, train
from neuro_ep.models.dyads.dual_propagation import DUAL_PROPAGATION
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.models.equilibrium.ep import EQUILIBRIUM_PROPAGATION

#: Rule, task and layers, of a squared error, a cross-entropy and a cost over time.
CASES = [
    (EQUILIBRIUM_PROPAGATION, "digits", (64, 6, 10)),
    (DUAL_PROPAGATION, "digits", (64, 6, 10)),
    (RHEL, "digits-rows", (8, 12)),
]


def costs(rule, task, layers, batch, folder, target="numpy"):
    """(cost of the held-out samples, of the training samples) without learning."""
    data = load_dataset(task)
    few = replace(data, train=data.train[:8], test=data.test[:5])
    short = {"layers": layers, "epochs": 1, "eta": (0.0,), "free": 4}
    settings = rule.settings(task, batch=batch, **short)
    out = folder / f"{rule.name}_{batch}.h5"
    how = {"target": target, "dtype": "float64", "on_warning": str}
    result = train(rule, few, settings, out=out, **how)
    with open_recording(result.file) as run:
        return run.training["test_cost"][-1], run.training["train_cost"][-1]


@pytest.mark.parametrize(("rule", "task", "layers"), CASES)
def test_batches_change_no_cost(rule, task, layers, tmp_path):
    alone = costs(rule, task, layers, 1, tmp_path)
    for batch in (2, 4):  # neither divides the five held-out samples
        assert costs(rule, task, layers, batch, tmp_path) == pytest.approx(alone)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_compiled_program_says_the_same(tmp_path):
    case = CASES[0]
    expected = costs(*case, 4, tmp_path)
    assert costs(*case, 2, tmp_path, "standalone") == pytest.approx(expected)
