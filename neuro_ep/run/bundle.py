"""A compiled simulation, frozen: run it again and again with other values.

A bundle is a folder with the program ``main`` and ``manifest.json``, which says for
every variable its file, type and size. Running one needs neither Brian2 nor a compiler.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_ep.cache import mark_used, scratch_folder
from neuro_ep.errors import InputError, RunError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """folder, and variable -> {"file", "dtype", "size", "settable"}."""

    folder: Path
    variables: Mapping[str, Mapping]


def open_bundle(folder: Path) -> Bundle:
    """The bundle in a folder."""
    manifest = json.loads((folder / MANIFEST).read_text())
    return Bundle(folder, manifest["variables"])


def is_built(folder: Path) -> bool:
    """Whether a folder holds a bundle that can be run."""
    try:
        open_bundle(folder)
    except (OSError, ValueError, KeyError):
        return False
    return os.access(folder / "main", os.X_OK)


def run_bundle(
    bundle: Bundle,
    values: Mapping[str, np.ndarray | float],
    *,
    environment: Mapping[str, str],
    wanted: list[str],
    on_progress: Callable[[int, int], None] | None = None,
    on_results: Callable[[Path], None] | None = None,
) -> dict[str, np.ndarray]:
    """Run the program once from these values (SI units); return the wanted variables.

    on_results
        Called with the folder of all that the program wrote, before it is deleted.

    Raises
    ------
    InputError
        For a variable that the program does not have, of another size or not finite.
    RunError
        If the program fails or complains: it reports most errors with status 0.
    """
    for name in wanted:
        if name not in bundle.variables:
            raise InputError(f"the compiled network has no variable '{name}' to read")
    mark_used(bundle.folder)
    with scratch_folder() as name:
        folder = Path(name)
        arguments = [_argument(bundle, folder, *item) for item in values.items()]
        results = folder / "results"
        results.mkdir()
        with subprocess.Popen(
            ["./main", "--results_dir", f"{results}/", *arguments],
            cwd=bundle.folder,
            env={**os.environ, **environment, "NEURO_EP_PROGRESS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            messages = _follow(process, on_progress)
        if process.returncode or messages:
            said = "\n".join(messages[-10:]) or f"exit status {process.returncode}"
            raise RunError(f"the compiled simulation failed: {said}")
        if on_results is not None:
            on_results(results)
        return {name: _result(bundle, results, name) for name in wanted}


def _follow(process, on_progress) -> list[str]:
    """Pass progress on; collect everything else the program says."""
    messages = []
    try:
        for line in process.stdout:
            if line.startswith("{"):
                if on_progress is not None:
                    report = json.loads(line)
                    on_progress(report["presentation"], report["of"])
            elif line.strip():
                messages.append(line.strip())
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return messages


def _argument(bundle: Bundle, folder: Path, name: str, value) -> str:
    """``variable=number`` or ``variable=/path``; the program checks no sizes loudly."""
    found = bundle.variables.get(name)
    if found is None or not found["settable"]:
        raise InputError(f"the compiled network has no variable '{name}' to set")
    given = np.atleast_1d(value)
    with np.errstate(invalid="ignore", over="ignore"):
        array = np.ascontiguousarray(given, dtype=found["dtype"])
    wrong = given[~(np.isfinite(given) & np.isfinite(array))]
    if wrong.size:
        raise InputError(f"{name} = {wrong[0]}: give finite {found['dtype']} numbers")
    if array.size == 1:
        return f"{name}={array.item()!r}"
    if array.size != found["size"]:
        raise InputError(
            f"'{name}' has {found['size']} values but {array.size} were given"
        )
    path = folder / f"{name}.dat"
    array.tofile(path)
    return f"{name}={path}"


def _result(bundle: Bundle, results: Path, name: str) -> np.ndarray:
    found = bundle.variables[name]
    path = results / found["file"]
    array = np.fromfile(path, dtype=found["dtype"]) if path.exists() else np.empty(0)
    if array.size != found["size"]:
        raise RunError(
            f"the compiled simulation wrote {array.size} of {found['size']} values of "
            f"'{name}'"
        )
    return array
