"""Folders of ours on this machine: what is kept, and what goes when it is used up."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from neuro_ep.messages import say

#: After so long, what a process has left behind is surely no longer wanted.
ABANDONED_S = 24 * 3600

SCRATCH = "neuro_ep_run_"

#: Bytes that a cache keeps, and seconds after the last use that it keeps them for.
LARGEST, OLDEST_S = 2_000_000_000, 90 * 24 * 3600

#: Names of what a cache keeps, and of what may be left of making it.
ENTRY = re.compile(
    r"(build|headers)_[0-9a-f]{24}|start_[0-9a-f]{24}\.npz(\.[0-9a-f]+)?|neuro_ep_build_\w+"
)


def cache_path() -> Path:
    """Where builds are kept: $NEURO_EP_CACHE or the user's cache folder."""
    default = (
        Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "neuro_ep"
    )
    return Path(os.environ.get("NEURO_EP_CACHE", default))


def cache_folder() -> Path:
    """The same, made where it is not there; for this process only if others may write.

    What is kept is run later, so a folder that is not the user's own, or that others
    may write, is neither read nor filled.
    """
    folder = cache_path()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder if is_private(folder) else _replacement(folder)


def is_private(path: Path) -> bool:
    """Whether a file or folder is the user's own, and nobody else may write it."""
    if sys.platform == "win32":
        return path.exists()
    try:
        found = path.lstat()
    except OSError:
        return False
    own = found.st_uid == os.getuid() and not stat.S_ISLNK(found.st_mode)
    return own and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def _replacement(folder: Path) -> Path:
    """A cache for this process alone; said once."""
    say(
        f"warning: {folder} is not yours alone, so nothing is kept there or taken from "
        "it: chmod go-w it, or name another folder in NEURO_EP_CACHE"
    )
    own = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}_"))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


@contextmanager
def scratch_folder() -> Iterator[str]:
    """A folder that this process deletes after use, named after it.

    What processes that were killed have left goes first. The name is noted before the
    folder is made, so that :func:`delete_scratch` finds it whenever a signal comes.
    """
    place = Path(tempfile.gettempdir())
    _sweep_scratch(place)
    folder = place / f"{SCRATCH}{os.getpid()}_{secrets.token_hex(6)}"
    _IN_USE.add(folder)
    folder.mkdir(mode=0o700)
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _IN_USE.discard(folder)


def delete_scratch():
    """Delete what is still there of the folders that this process made."""
    while _IN_USE:
        shutil.rmtree(_IN_USE.pop(), ignore_errors=True)


#: Folders of this process that are deleted at its end.
_IN_USE: set[Path] = set()

atexit.register(delete_scratch)


def work_folder(prefix: str, folder: Path) -> Path:
    """A folder for work in another one, which :func:`delete_scratch` deletes too."""
    work = folder / f"{prefix}{os.getpid()}_{secrets.token_hex(6)}"
    _IN_USE.add(work)
    work.mkdir(mode=0o700)
    return work


def entries(folder: Path) -> list[Path]:
    """What is kept in a cache, the least recently used first; other files are not."""
    found = []
    with suppress(OSError):
        found = [path for path in folder.iterdir() if ENTRY.fullmatch(path.name)]
    return sorted(found, key=_used)


def size_of(entry: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    files = entry.rglob("*") if entry.is_dir() else [entry]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.lstat().st_size
    return total


def clear(folder: Path) -> int:
    """Delete all that is kept in a cache, and nothing else; how many entries."""
    found = entries(folder)
    for entry in found:
        _delete(entry)
    return len(found)


def trim(folder: Path):
    """Delete what was not used for long, and the oldest of what is too much.

    What was used within a day stays: it may be running.
    """
    now, left = time.time(), LARGEST
    for entry in reversed(entries(folder)):
        idle = now - _used(entry)
        left -= size_of(entry)
        if idle > OLDEST_S or (left < 0 and idle > ABANDONED_S):
            _delete(entry)


def mark_used(entry: Path):
    """Note that an entry is used now."""
    with suppress(OSError):
        os.utime(entry)


def _used(entry: Path) -> float:
    with suppress(OSError):
        return entry.lstat().st_mtime
    return 0.0


def _delete(entry: Path):
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        with suppress(OSError):
            entry.unlink()


def sweep(folder: Path, prefix: str):
    """Delete what was abandoned in a folder: a day old, of no process that lives."""
    for found in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            old = time.time() - found.stat().st_mtime > ABANDONED_S
            if old and not _lives(found.name.removeprefix(prefix)):
                shutil.rmtree(found, ignore_errors=True)


@cache
def _sweep_scratch(folder: Path):
    """Once in a process."""
    sweep(folder, SCRATCH)


def _lives(name: str) -> bool:
    """Whether a name begins with the number of a process that runs."""
    number = name.split("_")[0]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's process, or no such number
        return True
    return True
