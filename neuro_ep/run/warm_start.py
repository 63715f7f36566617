"""Warm starts: what was built for the same command before runs without Brian2.

Importing Brian2 and writing a project only to find that it was compiled before takes
longer than an epoch of a small network. So a command leaves behind what its build led
to, as plain data and arrays with a checksum: the settings, the equations as they are
recorded, the plan of the simulation, and which program it is. A later command takes
that up if it is the same in all words that a build depends on, and if nothing else has
changed: the files of this package and of the models, versions, compiler, processor,
preferences. All else is as in a cold start.

What was left is run, so it is read only where nobody but the user could write it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from neuro_ep.cache import cache_folder, cache_path, is_private, mark_used
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.recorded import as_recorded, read_recorded
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.records.text import as_plain, parse, read_record
from neuro_ep.run.bundle import MANIFEST, is_built, open_bundle
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


#: The bytes of the checksum that a file begins with, and the texts that it holds.
CHECKSUM, TEXTS = 32, ("bundle", "flags", "program")


@dataclass(frozen=True)
class Left:
    """What a command leaves behind: ``bundle`` is the name of a folder of the cache,
    ``rule`` gives the equations and the protocol of these settings, without Brian2;
    ``dataset`` is None where it is large or read from the user's files; ``program`` is
    the hash of what is run.
    """

    rule: Rule
    settings: Settings
    dataset: Dataset | None
    plan: Plan
    bundle: str
    flags: str
    program: str


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
        self.name = f"start_{fingerprint(words, folders)}.npz"
        self.own_data = own_data
        self.left = _read(self.name)

    def fits(self, capacity: int) -> bool:
        """Whether nothing was left, or a program for that many presentations."""
        return self.left is None or self.left.plan.capacity == capacity

    def simulation(self) -> ProgramSimulation | None:
        """The program that was left."""
        if self.left is None:
            return None
        bundle = open_bundle(cache_path() / self.left.bundle)
        mark_used(cache_path() / self.name)
        return ProgramSimulation(self.left.plan, bundle, self.left.flags)

    def keep(
        self,
        rule: Rule,
        settings: Settings,
        dataset: Dataset | None,
        built: Simulation,
    ):
        """Leave behind what was built, where it is a program."""
        if not isinstance(built, ProgramSimulation):
            return
        shipped = None if self.own_data else dataset
        if shipped is not None and shipped.inputs.nbytes > SMALL_DATA:
            shipped = None
        with suppress(OSError, TypeError):  # without it the next start is a cold one
            left = Left(
                rule=rule,
                settings=settings,
                dataset=shipped,
                plan=built.plan,
                bundle=built.bundle.folder.name,
                flags=built.flags,
                program=program_hash(built.bundle.folder),
            )
            folder = cache_folder()
            temporary = folder / f"{self.name}.{secrets.token_hex(6)}"
            try:
                temporary.write_bytes(written(left))
                temporary.chmod(0o600)
                os.replace(temporary, folder / self.name)
            finally:
                temporary.unlink(missing_ok=True)


def program_hash(bundle: Path) -> str:
    """Over the program of a bundle and what is said of its variables."""
    digest = hashlib.sha256()
    for name in ("main", MANIFEST):
        digest.update((bundle / name).read_bytes())
    return digest.hexdigest()


def written(left: Left) -> bytes:
    """What is left as one file: a checksum, then JSON and arrays."""
    arrays: dict[str, np.ndarray] = {}
    plain = {
        "rule": as_recorded(left.rule, left.settings),
        "epochs": left.settings.epochs,
        "dataset": as_plain(left.dataset, arrays),
        "plan": as_plain(left.plan, arrays),
        **{name: getattr(left, name) for name in TEXTS},
    }
    text = np.frombuffer(json.dumps(plain).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, text=text, **arrays)  # type: ignore[arg-type]
    content = file.getvalue()
    return _checksum(content) + content


def understood(data: bytes) -> Left:
    """What :func:`written` wrote; any exception where it did not."""
    content = data[CHECKSUM:]
    if data[:CHECKSUM] != _checksum(content):
        raise ValueError("the checksum is another")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = dict(file)
    plain = parse(arrays.pop("text").tobytes(), "a start")
    rule, settings = read_recorded(plain["rule"], plain["epochs"])
    data_left = plain["dataset"]
    return Left(
        rule=rule,
        settings=settings,
        dataset=data_left and read_record(Dataset, data_left, "dataset", arrays),
        plan=read_record(Plan, plain["plan"], "plan", arrays),
        **{name: str(plain[name]) for name in TEXTS},
    )


def _read(name: str) -> Left | None:
    """What was left under a name; None where anything is wrong with it."""
    folder = cache_path()
    file = folder / name
    if not (is_private(folder) and is_private(file)):
        return None
    try:
        left = understood(file.read_bytes())
        bundle = folder / left.bundle
        whole = bundle.parent == folder and is_private(bundle) and is_built(bundle)
        return left if whole and program_hash(bundle) == left.program else None
    except Exception:  # whatever it is, the next start is a cold one
        return None


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


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
