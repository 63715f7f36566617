"""The only place that chooses a target, builds and runs.

``standalone`` compiles the whole network to one C++ program, kept in a cache under the
hash of its source: another seed, learning rate, beta or permutation starts the same
program. ``cython`` and ``numpy`` run in this process and serve tests and debugging.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from brian2 import get_device, prefs, second, set_device
from brian2.core.names import Nameable
from brian2.core.variables import ArrayVariable, DynamicArrayVariable

from neuro_ep.bundle import MANIFEST, Bundle, open_bundle, run_bundle
from neuro_ep.compiler import compile_project, compiler, compiler_version, hot_flags
from neuro_ep.dense.codeobjects import (
    KERNELS,
    WALL_CLOCK,
    cache_folder,
    python_headers_available,
)
from neuro_ep.errors import InputError
from neuro_ep.network import LayeredNetwork, set_all
from neuro_ep.presentation import PLACE, SAMPLES
from neuro_ep.streams import say

TARGETS = ("standalone", "cython", "numpy")

#: Multiplications in one matrix product from which a second thread pays.
LARGE_PRODUCT = 2_000_000

#: A run in C++ ends by itself after its last presentation; this many steps never come.
ENDLESS_STEPS = 10**9

#: Folders of the cache where a build is going on, and when it surely no longer is.
UNFINISHED, ABANDONED_S = "neuro_ep_build_", 24 * 3600


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
    if target == "cython" and not python_headers_available():
        raise InputError(
            "target 'cython' needs Python's headers (Python.h): install them, or use "
            "--target standalone"
        )
    return target


def activate(target: str):
    """Make a target current, before a network is built on it."""
    if target == "standalone":
        set_device("cpp_standalone", build_on_run=False)
        get_device().reinit()
        get_device().activate(build_on_run=False)
        # Generated names are part of the source and so of its hash: the objects of
        # networks built before must not number those of the next one.
        Nameable.__instances__().clear()
    else:
        set_device("runtime")
        prefs.codegen.target = target


class Simulation(ABC):
    """A network that can be run many times, each time from the values given."""

    def __init__(self, network: LayeredNetwork, profile: bool = False):
        self.network, self.profile = network, profile
        #: Seconds of every object in the last run, by its name, if profiled.
        self.seconds: dict[str, float] = {}

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

    def held_sources(self) -> str:
        """Projections whose clamped source is paid for once a presentation."""
        projections = self.network.projections.items()
        return ", ".join(name for name, synapses in projections if synapses.held)


class StandaloneSimulation(Simulation):
    """One compiled program, started anew for every run."""

    def __init__(self, network: LayeredNetwork, profile: bool = False):
        super().__init__(network, profile)
        write_endless_run(network, profile)
        self.bundle, self.flags = build_bundle(WALL_CLOCK if profile else None)

    def run(self, values, samples, wanted, on_progress=None):
        return run_bundle(
            self.bundle,
            {**self.network.values, **values},
            environment={SAMPLES: str(samples), **blas_threads(self.network)},
            wanted=wanted,
            on_progress=on_progress,
            on_results=self._read_seconds if self.profile else None,
        )

    def _read_seconds(self, results: Path):
        names = {
            item.codeobj.name: item.name
            for item in self.network.brian2.sorted_objects
            if getattr(item, "codeobj", None) is not None
        }
        lines = (results / "profiling_info.txt").read_text().splitlines()
        found = dict(line.split("\t") for line in lines)
        self.seconds = {
            names[name]: float(found[name]) for name in found if name in names
        }

    def describe(self):
        program = self.bundle.folder / "main"
        return {
            "target": "standalone",
            "held_sources": self.held_sources(),
            "compiler": compiler_version(),
            "cxxflags": self.flags,
            "build_hash": self.bundle.folder.name,
            "binary_sha256": hashlib.sha256(program.read_bytes()).hexdigest(),
        }


class RuntimeSimulation(Simulation):
    """The network in this process, on the numpy or the Cython target."""

    def __init__(self, network: LayeredNetwork, profile: bool = False):
        super().__init__(network, profile)
        learned = network.weights.values()
        self.built = {name: self._read(name) for name in learned}

    def run(self, values, samples, wanted, on_progress=None):
        os.environ["NEURO_EP_SAMPLES"] = str(samples)
        network, name = self.network, self.network.presentations.name
        set_all(network, {**self.built, **network.values, **values})
        start = (*PLACE, "diverged", "predicted", "cost")
        set_all(network, {f"{name}.{variable}": 0 for variable in start})
        steps = self._steps(values)
        step = float(network.layers[0].clock.dt)
        # Divergence is read from the network; and float32 has no 1e50, which Brian2
        # compares with.
        with np.errstate(over="ignore", invalid="ignore"):
            network.brian2.run(
                steps * step * second, namespace={}, profile=self.profile
            )
        if self.profile:
            self.seconds = {
                name: float(time) for name, time in network.brian2.profiling_info
            }
        return {variable: self._read(variable) for variable in wanted}

    def _read(self, name) -> np.ndarray:
        group, variable = name.split(".")
        return np.array(self.network[group].variables[variable].get_value()).ravel()

    def _steps(self, values) -> int:
        """Length of all presentations, and the step in which the last one is read."""
        name = self.network.presentations.name
        shown = int(values[f"{name}.n_presentations"])
        learn = np.asarray(values[f"{name}.learn"])[:shown].astype(bool)
        phases = self.network.phase_steps()
        return int(learn.sum() * sum(phases) + (~learn).sum() * phases[0] + 1)

    def describe(self):
        return {
            "target": prefs.codegen.target,
            "held_sources": self.held_sources(),
            "compiler": "",
            "cxxflags": "",
        }


def blas_threads(network: LayeredNetwork) -> dict[str, str]:
    """Threads of BLAS, unless the user has chosen them: one for small products.

    Idle BLAS threads wait in a loop; where no product is large they only take a
    processor from other runs.
    """
    if {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"} & set(os.environ):
        return {}
    largest = max(
        network.settings.batch * synapses.N_pre * synapses.N_post
        for synapses in network.projections.values()
    )
    threads = len(os.sched_getaffinity(0)) if largest >= LARGE_PRODUCT else 1
    return {"OPENBLAS_NUM_THREADS": str(threads)}


def simulation(network: LayeredNetwork, profile: bool = False) -> Simulation:
    """The simulation of a network built after :func:`activate`.

    ``profile`` takes the time of every object, which costs time itself.
    """
    standalone = "standalone" in type(get_device()).__name__.lower()
    kind = StandaloneSimulation if standalone else RuntimeSimulation
    return kind(network, profile)


def write_endless_run(network: LayeredNetwork, profile: bool = False):
    """The run of a compiled network, which ends by itself."""
    step = float(network.layers[0].clock.dt)
    network.brian2.run(ENDLESS_STEPS * step * second, namespace={}, profile=profile)


def brian2_bundle(network: LayeredNetwork, folder: Path) -> Bundle:
    """A network of stock ``Synapses``, built into a folder by Brian2's own makefile."""
    write_endless_run(network)
    device = get_device()
    device.build(directory=str(folder), compile=True, run=False)
    sizes = {}
    for learned in network.weights.values():
        group, variable = learned.split(".")
        synapses = network[group]
        size = len(synapses.source) * len(synapses.target)
        sizes[synapses.variables[variable]] = size
    return Bundle(folder, _manifest(device, sizes)["variables"])


def build_bundle(extra_source: Path | None = None):
    """Write the C++ project of the active device, compile it unless it is cached."""
    device = get_device()
    _sweep(cache_folder())
    work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=cache_folder()))
    try:
        device.build(directory=str(work), compile=False, run=False)
        if extra_source is not None:
            shutil.copy(extra_source, work)
        dtype = prefs.core.default_float_dtype
        flags = " ".join(hot_flags(work, dtype))
        folder = cache_folder() / f"build_{_source_hash(work, flags)}"
        if not _is_built(folder):
            compile_project(work, dtype)
            (work / MANIFEST).write_text(json.dumps(_manifest(device)))
            _publish(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_bundle(folder), flags


def _is_built(folder: Path) -> bool:
    try:
        open_bundle(folder)
    except (OSError, ValueError, KeyError):
        return False
    return os.access(folder / "main", os.X_OK)


def _publish(work: Path, folder: Path):
    """Give a build its name, unless another process was faster: it may be running."""
    try:
        work.rename(folder)
    except OSError:
        if _is_built(folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)


def _sweep(cache: Path):
    """Delete what builds that were killed have left behind, a day later."""
    for folder in cache.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _source_hash(folder: Path, flags: str) -> str:
    """Over everything that is compiled or loaded, and the compiler."""
    digest = hashlib.sha256(f"{compiler_version()} {flags}".encode())
    sources = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(sources) + sorted(KERNELS.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:24]


def _manifest(device, sizes: Mapping[ArrayVariable, int] | None = None) -> dict:
    """``sizes`` are those of arrays that the program makes itself, where known."""
    variables, sizes = {}, sizes or {}
    for variable in device.arrays:
        dynamic = isinstance(variable, DynamicArrayVariable)
        if dynamic and variable not in sizes:
            continue
        assert isinstance(variable, ArrayVariable)
        owner = getattr(variable.owner, "name", None)
        if owner is not None:
            variables[f"{owner}.{variable.name}"] = {
                "file": os.path.basename(device.get_array_filename(variable)),
                "dtype": np.dtype(variable.dtype).name,
                "size": int(sizes[variable] if dynamic else variable.size),
                "settable": not variable.read_only,
            }
    return {"format": "neuro_ep-bundle", "version": 1, "variables": variables}
