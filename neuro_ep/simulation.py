"""Running a network that was built, as often as wanted, each time from other values.

What that takes is in a :class:`Plan`: names, sizes and numbers. A compiled program is
run by its plan alone, so that it can be started without Brian2.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.bundle import Bundle, run_bundle
from neuro_ep.compiler import compiler, compiler_version
from neuro_ep.errors import InputError
from neuro_ep.settings import Settings
from neuro_ep.streams import say

TARGETS = ("standalone", "cython", "numpy")

#: The environment variable that names the file with the samples, raw, one row each.
SAMPLES = "NEURO_EP_SAMPLES"

#: A run in C++ ends by itself after its last presentation; this many steps never come.
ENDLESS_STEPS = 10**9

#: Rounds that a thread waits for more work: longer than a step of small operations.
SPINS = "20000"


@dataclass(frozen=True)
class Start:
    """How a learned variable begins where nothing else is said: its shape, its value
    in units of the weights.
    """

    shape: tuple[int, int]
    value: float


@dataclass(frozen=True)
class Plan:
    """What running a network takes.

    layers
        Their names, from input to output.
    activity
        The variable of a layer that is its activity, None where none is stored.
    weights
        Projection -> ``"group.variable"`` that is learned.
    starts
        Projection -> how it begins.
    unit
        Of the weights, in SI units.
    presentations, capacity, random_sign
        The name of the group that shows samples, how many batches one run can show,
        and whether each draws the sign of beta.
    values
        ``"group.variable"`` -> value in SI units, for all that does not change.
    held
        Projections whose clamped source is paid for once a presentation.
    symmetric
        Learned variables that must equal their transpose.
    carried
        ``"group.variable"`` that is not learned, but goes on from epoch to epoch.
    """

    settings: Settings
    layers: tuple[str, ...]
    activity: str | None
    weights: Mapping[str, str]
    starts: Mapping[str, Start]
    unit: float
    presentations: str
    capacity: int
    random_sign: bool
    values: Mapping[str, np.ndarray | float]
    held: tuple[str, ...]
    symmetric: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()


#: Between a weight and the one of the other direction, beside the largest: rounding.
SYMMETRIC = 1e-4


def refuse_directed(plan: Plan, values: Mapping):
    """Raises InputError for values that differ from their transpose and must not."""
    for name in plan.symmetric:
        if name not in values:
            continue
        flat = np.asarray(values[name])
        matrix = flat.reshape(math.isqrt(flat.size), -1)
        gap = np.abs(matrix - matrix.T)
        if gap.max() > SYMMETRIC * np.abs(matrix).max():
            i, j = np.unravel_index(gap.argmax(), gap.shape)
            raise InputError(
                f"{name}[{i}, {j}] = {matrix[i, j]:g} and {name}[{j}, {i}] = "
                f"{matrix[j, i]:g}: a pair of neurons has one weight, give a symmetric "
                "matrix, such as (w + w.T)/2"
            )


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


class ProgramSimulation(Simulation):
    """One compiled program, started anew for every run.

    flags
        The compiler's, for the record.
    objects
        Name of a code object -> of its Brian2 object, where the program was compiled
        to take the time of each.
    """

    def __init__(
        self,
        plan: Plan,
        bundle: Bundle,
        flags: str,
        network: Any = None,
        objects: Mapping[str, str] | None = None,
    ):
        self.plan, self.bundle, self.flags = plan, bundle, flags
        self.network, self.objects = network, objects
        self.seconds = {}

    def run(self, values, samples, wanted, on_progress=None):
        refuse_directed(self.plan, values)
        return run_bundle(
            self.bundle,
            {**self.plan.values, **values},
            environment={SAMPLES: str(samples), **threads()},
            wanted=wanted,
            on_progress=on_progress,
            on_results=self._read_seconds if self.objects else None,
        )

    def _read_seconds(self, results: Path):
        lines = (results / "profiling_info.txt").read_text().splitlines()
        found = dict(line.split("\t") for line in lines)
        names = self.objects or {}
        self.seconds = {
            names[name]: float(found[name]) for name in found if name in names
        }

    def describe(self):
        program = self.bundle.folder / "main"
        return {
            "target": "standalone",
            "held_sources": ", ".join(self.plan.held),
            "compiler": compiler_version(),
            "cxxflags": self.flags,
            "build_hash": self.bundle.folder.name,
            "binary_sha256": hashlib.sha256(program.read_bytes()).hexdigest(),
        }


def threads() -> dict[str, str]:
    """One thread a processor, unless the user has chosen how many.

    They share what is large enough to pay for it (see ``kernels/dense.hpp``) and wait
    for more for some microseconds before they sleep; BLAS itself has one.
    """
    chosen = os.environ.get("OMP_NUM_THREADS") or os.environ.get("OPENBLAS_NUM_THREADS")
    return {
        "OMP_NUM_THREADS": chosen or str(len(os.sched_getaffinity(0))),
        "OPENBLAS_NUM_THREADS": "1",
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", SPINS),
    }


def choose_target(target: str | None) -> str:
    """The target asked for, or the fastest that this machine can do."""
    found = shutil.which(compiler())
    if target is None:
        if not found:
            say("no C++ compiler (g++) found: running on the slow numpy target")
        return "standalone" if found else "numpy"
    if target not in TARGETS:
        raise InputError(f"target {target!r}: choose one of {', '.join(TARGETS)}")
    if target != "numpy" and not found:
        raise InputError(
            f"target {target!r} needs a C++ compiler: install g++, or use "
            "--target numpy"
        )
    if target == "cython":
        _require_python_headers()
    return target


def _require_python_headers():
    from neuro_ep.dense.codeobjects import python_headers_available

    if not python_headers_available():
        raise InputError(
            "target 'cython' needs Python's headers (Python.h): install them, or use "
            "--target standalone"
        )
