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
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from brian2 import get_device, second
from brian2.core.variables import ArrayVariable, DynamicArrayVariable

from neuro_ep.build.collecting import uncollected
from neuro_ep.build.network import LayeredNetwork, floats_of
from neuro_ep.cache import cache_folder, sweep, trim, work_folder
from neuro_ep.engine.convolution.codeobjects import KERNELS as CONVOLUTION_KERNELS
from neuro_ep.engine.dense.codeobjects import KERNELS, WALL_CLOCK
from neuro_ep.run.bundle import MANIFEST, Bundle, is_built, open_bundle
from neuro_ep.run.compiler import (
    UNFINISHED,
    compile_project,
    compiler_version,
    hot_flags,
)
from neuro_ep.run.in_process import RuntimeSimulation
from neuro_ep.run.plan import ENDLESS_STEPS, plan_of
from neuro_ep.run.program import ProgramSimulation
from neuro_ep.run.simulation import Simulation


def simulation(
    network: LayeredNetwork,
    profile: bool = False,
    on_compile: Callable[[], None] | None = None,
) -> Simulation:
    """The simulation of a network built on the target chosen now.

    ``profile`` takes the time of every object, which costs time itself; ``on_compile``
    is called where a program has to be compiled, before that begins.
    """
    if "standalone" not in type(get_device()).__name__.lower():
        return RuntimeSimulation(network, profile)
    write_endless_run(network, profile)
    bundle, flags = build_bundle(network.dtype, on_compile)
    objects = _names_of_code(network) if profile else None
    return ProgramSimulation(plan_of(network), bundle, flags, network, objects)


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
    with floats_of(network.dtype), uncollected():
        network.brian2.run(ENDLESS_STEPS * step * second, namespace={}, profile=profile)


def brian2_bundle(network: LayeredNetwork, folder: Path) -> Bundle:
    """A network of stock ``Synapses``, built into a folder by Brian2's own makefile."""
    write_endless_run(network)
    device = get_device()
    with floats_of(network.dtype):
        device.build(directory=str(folder), compile=True, run=False)
    sizes = {}
    for learned in network.weights.values():
        group, variable = learned.split(".")
        synapses = network[group]
        size = len(synapses.source) * len(synapses.target)
        sizes[synapses.variables[variable]] = size
    return Bundle(folder, _manifest(device, sizes)["variables"])


def build_bundle(dtype: np.dtype, on_compile: Callable[[], None] | None = None):
    """Write the C++ project of the active device, compile it unless it is cached."""
    device = get_device()
    drop_unread_indices(device)
    sweep(cache_folder(), UNFINISHED)
    work = work_folder(UNFINISHED, cache_folder())
    try:
        with floats_of(dtype):
            device.build(directory=str(work), compile=False, run=False)
        shutil.copy(WALL_CLOCK, work)
        flags = " ".join(hot_flags(work, dtype))
        folder = cache_folder() / f"build_{_source_hash(work, flags)}"
        if not is_built(folder):
            if on_compile is not None:
                on_compile()
            compile_project(work, dtype)
            (work / MANIFEST).write_text(json.dumps(_manifest(device)))
            _publish(work, folder)
            trim(cache_folder())
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
