"""One process at a time records a run: it holds the lock of the folder of parts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neuro_ep.errors import InputError


def busy(path: Path) -> InputError:
    """What is said where another process records the same run."""
    return InputError(
        f"{path} is being trained by another process; wait for it, or choose another"
        " out"
    )


def is_held(part: Path) -> bool:
    """Whether a process records into this folder now."""
    try:
        with locked(part, part):
            return False
    except InputError:
        return True
    except OSError:
        return False


@contextmanager
def locked(part: Path, path: Path) -> Iterator[None]:
    """Hold a folder of parts, which ends with the process at the latest.

    InputError when another process holds it, or has just finished and deleted it.
    Windows cannot lock a folder.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        folder = os.open(part, os.O_RDONLY)
    except FileNotFoundError as error:
        raise busy(path) from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy(path) from error
        except OSError:
            pass  # a file system without locks
        if not _is_there(folder, part):
            raise busy(path)
        yield
    finally:
        os.close(folder)


def _is_there(folder: int, part: Path) -> bool:
    """Whether the folder that is open still has its name."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(folder), os.stat(part))
    return False
