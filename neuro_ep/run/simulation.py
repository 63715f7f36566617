"""Running a network that was built, as often as wanted, from the values given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.cache import scratch_folder
from neuro_ep.records.schedule import Schedule
from neuro_ep.run.plan import Plan, refuse_directed
from neuro_ep.run.scheduled import Values, scheduled

OnProgress = Callable[[int, int], None]


class Simulation(ABC):
    """A network that can be run many times, each time from the values given.

    ``network`` holds its Brian2 objects, where there are any; ``seconds`` those of
    every object in the last run, by its name, if the simulation is profiled.
    """

    plan: Plan
    network: Any
    seconds: dict[str, float]

    def run(
        self,
        schedule: Schedule,
        values: Values,
        wanted: Iterable[str],
        on_progress: OnProgress | None = None,
    ) -> dict[str, np.ndarray]:
        """Show all presentations; return the wanted variables, flat, in SI units.

        ``values`` (SI units, by ``"group.variable"``) are set before; what is not given
        starts as it was built. ``on_progress`` is called with how many presentations
        have been shown, and of how many, where the target can tell.

        Raises
        ------
        InputError
            For a schedule that the network cannot show, and for values that no network
            of this kind can have.
        RunError
            If the program fails.
        """
        refuse_directed(self.plan, values)
        with scratch_folder() as folder:
            shown = scheduled(self.plan, schedule, Path(folder))
            return self._run({**shown, **values}, list(wanted), on_progress)

    @abstractmethod
    def _run(self, values: Values, wanted: list[str], on_progress: OnProgress | None):
        """The same from all values, those of the schedule included."""

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """How this was built, for the recording's provenance."""
