"""The contract of a family: what is measured of rules of one kind, and what is asked.

A file of :mod:`neuro_ep.checking.families` writes a :class:`Family`; the table of what
is measured, the bounds and the refusals follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from neuro_ep.errors import InputError
from neuro_ep.oracle.trajectory import Problem
from neuro_ep.records.parameter import BATCH, DECLARED, LAYERS, checked
from neuro_ep.records.settings import Settings, memory_needed
from neuro_ep.run.memory import refuse_size

#: Seeds are from 0 to this.
LARGEST_SEED = 2**32 - 1

#: What a record of settings must name though a check sets it, and what only training
#: reads.
ALWAYS_FIXED = ("layers", "eta", "beta", "free", "nudged", "step", "batch", "epochs")

Bounds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Asked:
    """What a check shall measure on, the family's own where the caller says nothing.

    layers are units from the input on, () where the network is not layered; batch is 0
    where it depends on the layers. choices are settings by name. problem and
    duration are those of trajectories, None where the family has its own.
    """

    layers: tuple[int, ...] = ()
    batch: int = 0
    seed: int = 0
    choices: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    duration: float | None = None


@dataclass(frozen=True)
class Family:
    """How one kind of rules is checked.

    name
        What a rule calls its ``family``.
    quantities
        Name -> what it means, one sentence, in the order in which tables show them. A
        quantity is a number, or a number for each part: class, projection, layer.
    seed
        Of weights and samples, where the caller names none.
    bounds
        Quantity -> (lowest, highest), for rules that do not say otherwise.
    measure
        (rule, :class:`Asked`) -> (what was measured, how), both by name.
    layers, batch
        Those of the check, where the caller names none; see :class:`Asked`.
    reads
        What a caller may choose: names of :class:`Asked` and of settings. All else is
        refused.
    controls
        Quantities that are wrong on purpose, and have to be.
    memory
        (layers, batch) -> bytes that the check takes, or more.
    """

    name: str
    quantities: Mapping[str, str]
    seed: int
    bounds: Bounds
    measure: Callable[[Any, Asked], tuple[dict, dict]]
    layers: tuple[int, ...] = ()
    batch: int = 0
    reads: tuple[str, ...] = ("layers", "batch", "seed")
    controls: tuple[str, ...] = ()
    memory: Callable[[tuple[int, ...], int], float] = memory_needed

    def asked(self, subject, choices: Mapping[str, Any]) -> Asked:
        """What the caller chose, None for nothing, and the family's own for the rest.

        Raises InputError for what the family or the rule does not read, for values that
        are out of range, and for networks that this machine cannot hold.
        """
        chosen = {name: value for name, value in choices.items() if value is not None}
        for name, value in chosen.items():
            if name not in self.reads:
                raise InputError(
                    f"{name} = {_short(value)}: the check of {subject.name} sets it "
                    f"itself; leave it out. It reads {', '.join(self.reads)}"
                )
        if "problem" in chosen:
            _check_alone(chosen)
        own = {name: chosen.pop(name, None) for name in ("problem", "duration")}
        seed = _seed(chosen.pop("seed", self.seed))
        layers = checked(LAYERS, chosen.pop("layers", self.layers))
        batch = checked(BATCH, chosen.pop("batch")) if "batch" in chosen else self.batch
        self._check_size(layers, batch)
        if chosen:
            subject.check_choices(chosen)
        return Asked(layers, batch, seed, chosen, **own)

    def _check_size(self, layers: tuple[int, ...], batch: int):
        """Raises InputError for what is no network, or larger than the machine."""
        if not self.layers:
            return
        if len(layers) < 2:
            raise InputError(f"layers = {layers}: name at least two, such as 6,9,4")
        refuse_size(self.memory(layers, batch or 1), layers, batch or 1)


def choices_of(settings: Settings, reads: Container[str]) -> dict[str, Any]:
    """What a record of settings chooses: what is read, and all that is not default."""
    return {
        name: getattr(settings, name)
        for name, parameter in DECLARED.items()
        if name not in ALWAYS_FIXED
        and (name in reads or getattr(settings, name) != parameter.default)
    }


def _check_alone(chosen: Mapping):
    """Raises InputError for what a problem already says."""
    for name in ("seed", "duration"):
        if name in chosen:
            raise InputError(
                f"{name} = {_short(chosen[name])}: a problem has a {name} of its own; "
                "leave one of both out"
            )


def _seed(seed) -> int:
    whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= LARGEST_SEED:
        raise InputError(
            f"seed = {_short(seed)}: choose a whole number from 0 to {LARGEST_SEED}"
        )
    return int(seed)


def _short(value) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
