"""Warm starts: what was built for the same command before runs without Brian2.

Importing Brian2 and writing a project only to find that it was compiled before takes
longer than an epoch of a small network. So a command leaves behind what its build led
to: the settings, the equations as they are recorded, the plan of the simulation, and
which program it is. A later command takes that up if it is the same in all words that
a build depends on, and if nothing else has changed: the files of this package and of
the models, versions, compiler, processor, preferences. All else is as in a cold start.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from neuro_ep.cache import cache_folder, cache_path
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.model import Shown
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.bundle import is_built, open_bundle
from neuro_ep.run.compiler import compiler_version
from neuro_ep.run.plan import Plan
from neuro_ep.run.program import ProgramSimulation
from neuro_ep.run.simulation import Simulation

PACKAGES = ("brian2", "numpy", "scipy-openblas32", "sympy", "jinja2", "scikit-learn")

#: The largest inputs that are left behind, in bytes.
SMALL_DATA = 1_000_000

#: What Brian2 reads of a user's wishes, and of the environment, when it compiles.
PREFERENCES = ("~/.brian/user_preferences", "brian_preferences")
VARIABLES = ("CXX", "CXXFLAGS", "LDFLAGS")


@dataclass(frozen=True)
class Always:
    """A function of the settings that gives what it gave for those of one command."""

    value: Any

    def __call__(self, settings: Settings):
        return self.value


@dataclass(frozen=True)
class Left:
    """What a command leaves behind: ``bundle`` is the name of a folder of the cache,
    ``rule`` gives the equations and the protocol of these settings, without Brian2;
    ``dataset`` is None where it is large or read from the user's files.
    """

    rule: Rule
    settings: Settings
    dataset: Dataset | None
    plan: Plan
    bundle: str
    flags: str


class WarmStart:
    """The place of one command in the cache.

    words
        What the command says that its build depends on, as JSON takes it.
    folders
        The source code that it depends on.
    own_data
        Whether the data are files of the user's, which may change.
    """

    def __init__(
        self, words: Mapping[str, Any], folders: Sequence[Path], own_data: bool = False
    ):
        self.name = f"start_{fingerprint(words, folders)}.pickle"
        self.own_data = own_data
        self.left = self._read()

    def _read(self) -> Left | None:
        try:
            left = pickle.loads((cache_path() / self.name).read_bytes())
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            return None
        return left if is_built(cache_path() / left.bundle) else None

    def fits(self, capacity: int) -> bool:
        """Whether nothing was left, or a program for that many presentations."""
        return self.left is None or self.left.plan.capacity == capacity

    def simulation(self) -> ProgramSimulation | None:
        """The program that was left."""
        if self.left is None:
            return None
        bundle = open_bundle(cache_path() / self.left.bundle)
        return ProgramSimulation(self.left.plan, bundle, self.left.flags)

    def keep(self, rule: Rule, settings: Settings, dataset: Dataset, built: Simulation):
        """Leave behind what was built, where it is a program."""
        if not isinstance(built, ProgramSimulation):
            return
        plain = replace(
            rule,
            model=Always(without_brian2(rule.model(settings))),
            protocol=Always(rule.protocol(settings)),
            defaults={},
            presets={},
        )
        small = dataset.inputs.nbytes <= SMALL_DATA and not self.own_data
        left = Left(
            rule=plain,
            settings=settings,
            dataset=dataset if small else None,
            plan=built.plan,
            bundle=built.bundle.folder.name,
            flags=built.flags,
        )
        content, folder = pickle.dumps(left), cache_folder()
        with suppress(OSError):  # without it the next start is a cold one
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(content)
            os.replace(file.name, folder / self.name)


def without_brian2(value):
    """A record with its quantities as plain numbers that know how they are written."""
    if hasattr(value, "get_best_unit"):
        unit = value.get_best_unit()
        return Shown(float(value), float(value / unit), str(unit))
    if is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: getattr(value, item.name) for item in fields(value)}
        return replace(
            value, **{name: without_brian2(part) for name, part in parts.items()}
        )
    if isinstance(value, Mapping):
        return {key: without_brian2(part) for key, part in value.items()}
    return value


def fingerprint(words: Mapping[str, Any], folders: Sequence[Path]) -> str:
    """The hash of all that a build depends on."""
    digest = hashlib.sha256()
    around = [
        *(sys.version, sys.prefix, compiler_version(), _processor()),
        *(f"{name} {_version(name)}" for name in PACKAGES),
        *(os.environ.get(name, "") for name in VARIABLES),
        *(_text(Path(path).expanduser()) for path in PREFERENCES),
    ]
    digest.update(json.dumps([dict(words), around], sort_keys=True).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = str(path.relative_to(folder)).encode()
                digest.update(name + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    """What code for this very processor may use; "" where nothing tells."""
    wanted = ("model name", "flags", "Features")
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
