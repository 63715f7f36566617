"""Where a run came from: machine, command, code and versions."""

import os
import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = ("neuro_ep", "brian2", "numpy", "scipy", "h5py", "scikit-learn")


def provenance() -> dict:
    """What can be found out about this process, as JSON-able values.

    Keys: created (ISO 8601, UTC), hostname, cpu, argv (list), user_script, git_commit
    and git_dirty (of the current folder; "" outside a repository or without git),
    packages ({name: version}, "" when not installed), python, brian2_version.
    Never fails.
    """
    packages = {name: _version(name) for name in PACKAGES}
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "hostname": socket.gethostname(),
        "cpu": _cpu(),
        "argv": list(sys.argv),
        "user_script": os.path.abspath(sys.argv[0]) if sys.argv[0:1] > [""] else "",
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": _git_dirty(),
        "packages": packages,
        "python": platform.python_version(),
        "brian2_version": packages["brian2"],
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _cpu() -> str:
    """The processor's name; Python itself knows it on few systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    """The output of a git command, "" when it fails, is absent or hangs."""
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _git_dirty() -> bool | str:
    if not _git("rev-parse", "HEAD"):
        return ""
    return bool(_git("status", "--porcelain"))
