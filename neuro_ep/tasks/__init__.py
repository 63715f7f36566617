"""Tasks to learn: one file a source of data, and the table of them.

A new task is a file here that makes a :class:`~neuro_ep.records.task.Task`, and a line
in :data:`TASKS`. Options, help and `neuro-ep list` follow from the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.parameter import suggestion
from neuro_ep.records.task import Task
from neuro_ep.tasks import digits, mnist, sequences, series_files, tables

#: Name of a task -> the task.
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        digits.DIGITS,
        digits.DIGITS_ROWS,
        digits.DIGITS_PIXELS,
        sequences.SINE_FREQUENCIES,
        sequences.DELAYED_RECALL,
        series_files.UEA,
        mnist.MNIST,
    )
}


def find_task(name: str) -> Task:
    """The task of that name.

    Raises
    ------
    InputError : there is none; the message names those that there are
    """
    if name not in TASKS:
        hint = suggestion(str(name).lower(), TASKS)
        raise InputError(f"no task is called {_short(name)}{hint}")
    return TASKS[name]


def load(task: str, path: str | Path | None = None, **of_the_file: Any) -> Dataset:
    """The data set of a task, or in a file of the user's own.

    Parameters
    ----------
    task : a key of `TASKS`; or a file whose name ends in .csv, .tsv, .parquet, .npz or
        .h5
    path : files of the user's, for the tasks that read some, which say what they take
    of_the_file : ``label``, ``test``, ``scale``, ``seed`` and ``kind``, for a file of
        the user's own, see :func:`neuro_ep.tasks.tables.load`

    Raises
    ------
    InputError : unknown task; file or folder missing, malformed or contradictory;
        no path and no network

    Examples
    --------
    >>> flowers = load_dataset("flowers.csv", label="species")
    """
    if isinstance(task, (str, Path)) and tables.is_file_of_data(str(task)):
        if path is not None:
            raise InputError(f"path = {path}: {task} is a file already; leave it out")
        for name in set(of_the_file) - set(tables.CHOICES):
            raise InputError(f"no choice {name}{suggestion(name, tables.CHOICES)}")
        return tables.load(task, **of_the_file)
    if of_the_file:
        raise InputError(
            f"{', '.join(of_the_file)}: only for a file of your own, such as data.csv"
        )
    return find_task(task).load(path)


def _short(name: object) -> str:
    text = repr(name)
    return text if len(text) <= 60 else f"{text[:57]}..."
