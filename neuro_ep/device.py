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
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from brian2 import get_device, prefs, second, set_device
from brian2.core.names import Nameable
from brian2.core.variables import ArrayVariable, DynamicArrayVariable

from neuro_ep.bundle import MANIFEST, Bundle, is_built, open_bundle
from neuro_ep.cache import cache_folder, sweep
from neuro_ep.compiler import compile_project, compiler_version, hot_flags
from neuro_ep.convolution.codeobjects import KERNELS as CONVOLUTION_KERNELS
from neuro_ep.dense.codeobjects import KERNELS, WALL_CLOCK
from neuro_ep.dense.matrix import MatrixVariable
from neuro_ep.network import LayeredNetwork, set_all
from neuro_ep.presentation import PLACE
from neuro_ep.simulation import (
    ENDLESS_STEPS,
    SAMPLES,
    Plan,
    ProgramSimulation,
    Simulation,
    Start,
    refuse_directed,
)
from neuro_ep.wiring import wiring

#: Folders of the cache where a build is going on.
UNFINISHED = "neuro_ep_build_"


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


class RuntimeSimulation(Simulation):
    """The network in this process, on the numpy or the Cython target."""

    def __init__(self, network: LayeredNetwork, profile: bool = False):
        self.plan, self.network, self.profile = plan_of(network), network, profile
        self.seconds = {}
        self.built = {name: self._read(name) for name in synaptic(network)}

    def run(self, values, samples, wanted, on_progress=None):
        refuse_directed(self.plan, values)
        os.environ[SAMPLES] = str(samples)
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
            "held_sources": ", ".join(self.plan.held),
            "compiler": "",
            "cxxflags": "",
        }


def synaptic(network: LayeredNetwork) -> set[str]:
    """All that synapses keep, learned or gathered, as ``"group.variable"``."""
    made = [*network.projections.values(), *network.biases.values()]
    gathered = {
        f"{synapses.name}.{variable.name}"
        for synapses in made
        for variable in synapses.variables.values()
        if isinstance(variable, MatrixVariable)
    }
    return gathered | set(network.weights.values())


def simulation(network: LayeredNetwork, profile: bool = False) -> Simulation:
    """The simulation of a network built after :func:`activate`.

    ``profile`` takes the time of every object, which costs time itself.
    """
    if "standalone" not in type(get_device()).__name__.lower():
        return RuntimeSimulation(network, profile)
    write_endless_run(network, profile)
    bundle, flags = build_bundle()
    objects = _names_of_code(network) if profile else None
    return ProgramSimulation(plan_of(network), bundle, flags, network, objects)


def plan_of(network: LayeredNetwork) -> Plan:
    """What running a built network takes."""
    model, settings = network.model, network.settings
    group = network.presentations
    edges = {edge.name: edge for edge in wiring(model, settings)}
    return Plan(
        settings=settings,
        layers=tuple(layer.name for layer in network.layers),
        activity=model.activity,
        weights=network.weights,
        starts={
            name: Start(edges[name].shape, edges[name].kind.initial)
            for name in network.weights
        },
        unit=float(model.synapse.parameters["v_unit"]),
        presentations=group.name,
        capacity=group.shape["capacity"],
        random_sign=network.protocol.random_sign,
        values=network.values,
        held=tuple(
            name
            for name, synapses in network.projections.items()
            if getattr(synapses, "held", None)
        ),
        symmetric=tuple(
            network.weights[name]
            for name in network.weights
            if edges[name].kind.symmetric
        ),
        carried=network.carried,
    )


def _names_of_code(network: LayeredNetwork) -> dict[str, str]:
    """Name of a code object -> of the Brian2 object that it belongs to."""
    return {
        item.codeobj.name: item.name
        for item in network.brian2.sorted_objects
        if getattr(item, "codeobj", None) is not None
    }


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


def build_bundle():
    """Write the C++ project of the active device, compile it unless it is cached."""
    device = get_device()
    drop_unread_indices(device)
    sweep(cache_folder(), UNFINISHED)
    work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=cache_folder()))
    try:
        device.build(directory=str(work), compile=False, run=False)
        shutil.copy(WALL_CLOCK, work)
        dtype = prefs.core.default_float_dtype
        flags = " ".join(hot_flags(work, dtype))
        folder = cache_folder() / f"build_{_source_hash(work, flags)}"
        if not is_built(folder):
            compile_project(work, dtype)
            (work / MANIFEST).write_text(json.dumps(_manifest(device)))
            _publish(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_bundle(folder), flags


def drop_unread_indices(device):
    """Leave out the numbers 0, 1, 2, ... of neurons that no generated code reads.

    Brian2 makes them for every group, and makes them twice: as much memory as two
    variables of its neurons.
    """
    blocks = device.code_objects.values()
    read = {id(variable) for code in blocks for variable in code.variables.values()}
    unread = {id(found[0]) for found in device.arange_arrays} - read
    for table in (device.zero_arrays, device.arange_arrays):
        table[:] = [found for found in table if id(found[0]) not in unread]
    for variable in [found for found in device.arrays if id(found) in unread]:
        del device.arrays[variable]


def _publish(work: Path, folder: Path):
    """Give a build its name, unless another process was faster: it may be running."""
    try:
        work.rename(folder)
    except OSError:
        if is_built(folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)


def _source_hash(folder: Path, flags: str) -> str:
    """Over everything that is compiled or loaded, and the compiler."""
    digest = hashlib.sha256(f"{compiler_version()} {flags}".encode())
    sources = [path for path in folder.rglob("*") if path.is_file()]
    headers = [*KERNELS.iterdir(), *CONVOLUTION_KERNELS.iterdir()]
    for path in sorted(sources) + sorted(headers):
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
