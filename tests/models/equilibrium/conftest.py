"""The equations of continual EP, and the same with an error planted."""

from dataclasses import replace

import pytest

from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.settings import changed


def model_of(activation="tanh", plasticity="difference"):
    settings = changed(
        CONTINUAL_EP.defaults["digits"], activation=activation, plasticity=plasticity
    )
    return CONTINUAL_EP.model(settings)


def mutated(model, part, old, new):
    """The model with a piece of the text of one of its records replaced."""
    record = getattr(model, part)
    assert old in record.equations
    equations = record.equations.replace(old, new)
    return replace(model, **{part: replace(record, equations=equations)})


@pytest.fixture(name="model_of")
def model_of_fixture():
    return model_of


@pytest.fixture(name="mutated")
def mutated_fixture():
    return mutated
