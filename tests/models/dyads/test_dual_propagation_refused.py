"""What dual propagation refuses: beta too small for float32, and wrong choices."""

import pytest

from neuro_ep import tasks
from neuro_ep.checking.families.dyads import (
    closed,
)
from neuro_ep.errors import InputError
from neuro_ep.models.dyads.dual_propagation import (
    DUAL_PROPAGATION,
)
from neuro_ep.records.settings import changed
from neuro_ep.run.target import select_target
from neuro_ep.training import train as training

LAYERS, BATCH = (8, 12, 11, 5), 3


@pytest.fixture(autouse=True)
def numpy_target(on_numpy):
    select_target("numpy")


# --- precision, refusals --------------------------------------------------------------


def test_training_in_single_precision_refuses_a_small_beta(tmp_path):
    digits = tasks.load("digits")
    small = DUAL_PROPAGATION.settings("digits", beta=9e-4)
    with pytest.raises(InputError, match="beta = 0.0009 in float32"):
        training.train(DUAL_PROPAGATION, digits, small, out=tmp_path / "run.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rule", "choice", "said"),
    [
        (DUAL_PROPAGATION, {"activation": "rleu"}, "did you mean 'relu'"),
        (DUAL_PROPAGATION, {"dynamics": "continous"}, "did you mean 'continuous'"),
        (DUAL_PROPAGATION, {"cost": "crossentropy"}, "did you mean 'cross-entropy'"),
        (DUAL_PROPAGATION, {"decay": 0.1}, "choose the rule dual-propagation-kolen"),
        (DUAL_PROPAGATION, {"step": 0.5}, "in discrete time the step is 1"),
        (DUAL_PROPAGATION, {"nudged": 1.5}, "whole number of sweeps"),
    ],
)
def test_refused(rule, choice, said):
    settings = changed(closed(LAYERS, BATCH), **choice)
    with pytest.raises(InputError, match=said):
        rule.model(settings)
        rule.protocol(settings)
