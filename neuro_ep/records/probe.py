"""What is looked at while a network runs: states of neurons, synapses and spikes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_ep.errors import InputError

#: Steps between two values, or "presentation", or "10 presentations".
Every = int | str

#: One number, several, or a slice of them.
Units = int | slice | Iterable[int] | None

#: Steps and presentations that are counted by, at most.
LONGEST = 10**9


@dataclass(frozen=True)
class Probe:
    """Variables of one population, or of one projection, over time.

    group
        Its name in the network, such as "hidden", "hidden_apical", "input_to_hidden".
    variables
        Names of states, parameters and subexpressions of neurons; of synapses, what
        they store.
    units
        Which neurons, by their number in the layer: one, several, a slice, or None for
        all. Each sample of a batch has neurons of its own, which are all recorded.
    pairs
        Which synapses, as (presynaptic, postsynaptic) numbers; None for all.
    every
        Steps between two values; or "presentation", or "10 presentations", for one
        value where every one, or every tenth, begins.

    Values are those that a step begins from. Raises InputError for what cannot be.

    >>> Probe("hidden", ["v", "rho"], units=range(3), every=5)
    Probe(group='hidden', variables=('v', 'rho'), units=(0, 1, 2), pairs=None, every=5)
    """

    group: str
    variables: tuple[str, ...]
    units: Units = None
    pairs: Iterable[Sequence[int]] | None = None
    every: Every = 1

    def __post_init__(self):
        names = self.variables
        names = (names,) if isinstance(names, str) else tuple(names)
        if not names or not all(isinstance(n, str) and n.isidentifier() for n in names):
            raise InputError(
                f"variables = {self.variables!r}: give names, such as ['v', 'rho']"
            )
        if self.units is not None and self.pairs is not None:
            raise InputError(
                "units choose neurons and pairs synapses: give one of them"
            )
        object.__setattr__(self, "variables", tuple(dict.fromkeys(names)))
        object.__setattr__(self, "units", _numbers(self.group, self.units))
        object.__setattr__(self, "pairs", _pairs(self.group, self.pairs))
        stride(self.every)


@dataclass(frozen=True)
class Spikes:
    """All events of a population, or of some of its neurons, over time.

    group, units
        As for :class:`Probe`.

    >>> Spikes("hidden")
    Spikes(group='hidden', units=None)
    """

    group: str
    units: Units = None

    def __post_init__(self):
        object.__setattr__(self, "units", _numbers(self.group, self.units))


def stride(every: Every) -> tuple[int, int]:
    """(steps, presentations) between two values, of which one is 0.

    Raises InputError for what says neither.
    """
    found = re.fullmatch(r"(?:(\d+) )?presentations?", str(every))
    steps = every if isinstance(every, (int, np.integer)) else None
    if isinstance(every, str) and every.isdecimal():
        steps = int(every)
    if steps is not None and not isinstance(every, bool) and 0 < steps < LONGEST:
        return int(steps), 0
    if found and 0 < int(found[1] or 1) < LONGEST:
        return 0, int(found[1] or 1)
    raise InputError(
        f"every = {every!r:.40}: give steps, such as 5, or 'presentation', or "
        "'10 presentations'"
    )


def _numbers(group: str, units):
    """Numbers of neurons, or a slice of them, as plain data."""
    if units is None or isinstance(units, slice):
        return units
    given = np.atleast_1d(np.asarray(units))
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu":
        raise InputError(
            f"units = {units!r:.60} of '{group}': give whole numbers, such as [0, 3]"
        )
    return tuple(given.tolist())


def _pairs(group: str, pairs):
    if pairs is None:
        return None
    given = np.asarray(list(pairs))
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
        raise InputError(
            f"pairs = {pairs!r:.60} of '{group}': give pairs of whole numbers, "
            "(presynaptic, postsynaptic), such as [(0, 3)]"
        )
    return tuple(map(tuple, given.tolist()))


def chosen_units(group: str, units, size: int) -> np.ndarray:
    """Numbers from 0 to size - 1, each once, in the order in which they are given.

    Raises InputError for neurons that the population does not have.
    """
    if units is None or isinstance(units, slice):
        found = np.arange(size)[units if units is not None else slice(None)]
    else:
        found = np.array(units)
        wrong = found[(found < -size) | (found >= size)]
        if wrong.size:
            raise InputError(
                f"neuron {wrong[0]} of '{group}': it has {size}, numbered from 0"
            )
        found = found % size
    if not found.size or len(set(found.tolist())) < found.size:
        raise InputError(
            f"units of '{group}' name {found.size} neurons of {size}: name some, each "
            "once"
        )
    return found


def chosen_pairs(group: str, pairs, shape: tuple[int, int]) -> np.ndarray:
    """Numbers of synapses, presynaptic neuron first.

    Raises InputError for synapses that the projection does not have.
    """
    if pairs is None:
        return np.arange(shape[0] * shape[1])
    i, j = np.array(pairs).T
    wrong = np.flatnonzero((i < 0) | (i >= shape[0]) | (j < 0) | (j >= shape[1]))
    if wrong.size:
        raise InputError(
            f"synapse {pairs[wrong[0]]} of '{group}': it joins {shape[0]} neurons to "
            f"{shape[1]}, numbered from 0"
        )
    return chosen_units(group, (i * shape[1] + j).tolist(), shape[0] * shape[1])


# --- as words -------------------------------------------------------------------------

#: One thing to record: ``hidden.v[0:3]``, ``input_to_hidden.w[300,7]``, ``spikes:out``.
WORD = re.compile(r"(?:(spikes):)?(\w+)(?:\.(\w+))?(?:\[([^\[\]]*)\])?")


def as_probes(record) -> tuple[Probe | Spikes, ...]:
    """One probe or several, or a text that names them, see :func:`read_probes`.

    Raises InputError for anything else.
    """
    if isinstance(record, str):
        return tuple(read_probes(record))
    if isinstance(record, (Probe, Spikes)):
        return (record,)
    try:
        return tuple(record)
    except TypeError:
        raise InputError(
            f"record {record!r:.60}: give Probe(...) or Spikes(...)"
        ) from None


def read_probes(words: str, every: Every = 1) -> list[Probe | Spikes]:
    """What is named in one text, separated by commas.

    >>> read_probes("hidden.m[0:3],spikes:hidden")[1]
    Spikes(group='hidden', units=None)

    Raises InputError for what cannot be understood.
    """
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", words)]
    return [_probe(part, every) for part in parts]


def _probe(word: str, every: Every) -> Probe | Spikes:
    found = WORD.fullmatch(word)
    if not found or (found[1] is None) == (found[3] is None):
        raise InputError(
            f"record {word!r}: write population.variable, such as hidden.v or "
            "hidden.v[0:3]; projection.variable[i,j] for a synapse; or "
            "spikes:population"
        )
    spikes, group, variable, inside = found.groups()
    numbers = None if inside is None else [_index(word, n) for n in inside.split(",")]
    if spikes:
        return Spikes(group, None if numbers is None else _one(word, numbers))
    if numbers is not None and len(numbers) == 2:
        i, j = numbers
        if isinstance(i, slice) or isinstance(j, slice):
            raise InputError(f"record {word!r}: name one synapse by its two numbers")
        return Probe(group, (variable,), pairs=[(i, j)], every=every)
    units = None if numbers is None else _one(word, numbers)
    return Probe(group, (variable,), units=units, every=every)


def _one(word: str, numbers: list):
    if len(numbers) != 1:
        raise InputError(f"record {word!r}: name neurons by a number or a slice")
    return numbers[0]


def _index(word: str, text: str) -> int | slice:
    try:
        parts = [int(part) if part.strip() else None for part in text.split(":")]
    except ValueError:
        parts = [None] * 4
    if len(parts) == 1 and parts[0] is not None:
        return parts[0]
    if not 1 < len(parts) < 4 or parts[2:] == [0]:
        raise InputError(
            f"record {word!r}: '{text}' is no number and no slice, such as 0:10"
        )
    return slice(*parts)


# --- in a network ---------------------------------------------------------------------


@dataclass(frozen=True)
class Track:
    """What a network writes of one probe while it runs.

    number
        Of the track among those of the network, from 1; 0 are the phases.
    group, names
        The population or projection, and its variables; of events, their name.
    kind
        "states", "synapses" or "events".
    chosen
        Which neurons of a layer, or which synapses, by their numbers.
    size, replicas
        Neurons of the layer, and how many samples have neurons of their own; synapses
        are the same for all samples.
    steps, presentations
        Between two values; one of them is 0.
    units, factors
        The unit of every variable in words, and what one of it is in SI units.
    """

    number: int
    group: str
    names: tuple[str, ...]
    kind: str
    chosen: tuple[int, ...]
    size: int
    replicas: int
    steps: int = 1
    presentations: int = 0
    units: tuple[str, ...] = ()
    factors: tuple[float, ...] = ()

    def bytes_of(self, steps: int, presentations: int, item: int) -> int:
        """How much is written of so many steps; for events, if every one has one."""
        columns = len(self.columns)
        if self.kind == "events":
            return 16 * steps * columns
        frames = steps // self.steps if self.steps else presentations
        return item * (frames + 1) * columns * len(self.names)

    @property
    def columns(self) -> np.ndarray:
        """Numbers of what is recorded in the group, where samples follow each other."""
        if self.kind == "synapses":
            return np.array(self.chosen)
        starts = self.size * np.arange(self.replicas)
        return (starts[:, None] + np.array(self.chosen)).ravel()


def stream(folder: Path, number: int) -> Path:
    """The raw file that a track is written to."""
    return folder / f"track_{number}.raw"
