"""The reference networks, and an energy derived from its text."""

import pytest

from neuro_ep.models.trajectories.boundary_conditions import PFVP
from neuro_ep.oracle.trajectory import reference
from neuro_ep.trajectories.estimators import system_of


@pytest.fixture(scope="session")
def network():
    """6 neurons, T = 10, dt = 0.05."""
    return reference()


@pytest.fixture(scope="session")
def system(network):
    """Its energy, from the text."""
    return system_of(PFVP, network)


@pytest.fixture(scope="session")
def small():
    """Make 3 neurons, one output, periodic signals, dt = 0.1, for a duration."""

    def make(duration):
        return reference(1, neurons=3, duration=duration, dt=0.1, signals="periodic")

    return make
