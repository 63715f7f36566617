"""Folders of ours on this machine: what is kept, and what goes when it is used up."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from neuro_ep.messages import say

#: After so long, what a process has left behind is surely no longer wanted.
ABANDONED_S = 24 * 3600

SCRATCH = "neuro_ep_run_"


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


def scratch_folder() -> tempfile.TemporaryDirectory:
    """A folder that this process deletes after use, named after it.

    What processes that were killed have left goes first.
    """
    _sweep_scratch(Path(tempfile.gettempdir()))
    return tempfile.TemporaryDirectory(prefix=f"{SCRATCH}{os.getpid()}_")


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
