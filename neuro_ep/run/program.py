"""A compiled network: one program, started anew for every run, without Brian2."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuro_ep.run.bundle import Bundle, run_bundle
from neuro_ep.run.compiler import compiler_version
from neuro_ep.run.plan import Plan
from neuro_ep.run.simulation import Simulation

#: Rounds that a thread waits for more work: longer than a step of small operations.
SPINS = "20000"


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

    def _run(self, values, wanted, on_progress):
        return run_bundle(
            self.bundle,
            {**self.plan.values, **values},
            environment=threads(),
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
