"""A task to learn: where its samples come from, and which settings they ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.settings import Settings

Load = Callable[[str | Path | None], Dataset]
Fit = Callable[[Settings, Dataset, Collection[str]], Settings]


@dataclass(frozen=True)
class Task:
    """A task as users name it.

    summary
        What it is, and the source of its data.
    load
        Path to files of the user's, None where none is given -> the data set. It
        raises InputError for files that are missing, malformed or contradictory, and
        for a path where the task takes none.
    fit
        (settings, data set, names of the settings that the user chose) -> settings
        with the sizes of the data; None where those of the rule fit as they are.
    """

    name: str
    summary: str
    load: Load
    fit: Fit | None = None

    def fitted(
        self, settings: Settings, dataset: Dataset, chosen: Collection[str] = ()
    ) -> Settings:
        """The settings that these data ask for, except for those that were chosen."""
        return settings if self.fit is None else self.fit(settings, dataset, chosen)


def refuse_path(task: str, origin: str, path: str | Path | None):
    """Raises InputError where a task that brings its data is given files."""
    if path is not None:
        raise InputError(
            f"{path}: {task} comes with {origin} and takes no data; leave --data out"
        )
