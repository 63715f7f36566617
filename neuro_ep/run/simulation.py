"""Running a network that was built, as often as wanted, from the values given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.run.plan import Plan


class Simulation(ABC):
    """A network that can be run many times, each time from the values given.

    ``network`` holds its Brian2 objects, where there are any; ``seconds`` those of
    every object in the last run, by its name, if the simulation is profiled.
    """

    plan: Plan
    network: Any
    seconds: dict[str, float]

    @abstractmethod
    def run(
        self,
        values: Mapping[str, np.ndarray | float],
        samples: Path,
        wanted: list[str],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """Show all presentations; return the wanted variables, flat, in SI units.

        ``values`` (SI units) are set before; what is not given starts as it was built.
        ``samples`` is the raw file of the data set.
        """

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """How this was built, for the recording's provenance."""
