"""The simulations as modules."""

from pathlib import Path

import pytest

SIMS = Path(__file__).parents[2] / "sims"


@pytest.fixture
def sim(module_at):
    """The module of a simulation, by its name."""
    return lambda name: module_at(SIMS / f"{name}.py")
