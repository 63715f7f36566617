"""What an echo gathers may grow large; only neurons that run away are stopped."""

from dataclasses import replace

import pytest

from neuro_ep import load_dataset, train
from neuro_ep.errors import RunError
from neuro_ep.models.echo.rhel import RHEL
from neuro_ep.records.settings import changed

SETTINGS = changed(
    RHEL.defaults["digits-rows"], layers=(8, 12), nudging="one-sided", epochs=1
)


def trained(driven: float, tmp_path):
    """After one batch of inputs that are so many times as large."""
    digits = load_dataset("digits-rows")
    strong = replace(
        digits,
        inputs=driven * digits.inputs,
        train=digits.train[:20],
        test=digits.test[:20],
    )
    return train(RHEL, strong, SETTINGS, out=tmp_path / "run.h5", target="numpy")


def test_large_integrals_are_no_divergence(tmp_path):
    assert trained(10, tmp_path).epochs == 1


def test_neurons_that_run_away_are(tmp_path):
    with pytest.raises(RunError, match="diverged"):
        trained(200, tmp_path)
