"""A file without a seal is read once in a process of its own, which HDF5 may crash.

python -m neuro_ep.recording.probe run.h5
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from neuro_ep.errors import InputError

#: Seconds after which reading hangs.
LIMIT = 120


def refuse_deadly(path: Path) -> None:
    """InputError for a file that ends the process which reads it, or never ends."""
    if not sys.executable:
        return
    command = [sys.executable, "-m", "neuro_ep.recording.probe", str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise InputError(f"{path} is damaged: reading it does not end") from None
    except OSError:  # no process can be started here
        return
    if done.returncode < 0:
        raise InputError(
            f"{path} is damaged: HDF5 crashes on it (signal {-done.returncode})"
        )


def main(path: str) -> None:
    """Read all that is read of a recording; errors do not matter here."""
    from neuro_ep.recording.reading import open_recording

    try:
        with open_recording(path, verify=False, probed=True) as recording:
            recording.tree()
            for weights in recording.weights.values():
                for name in ("initial", "final", "snapshots"):
                    getattr(weights, name)
    except InputError:
        pass


if __name__ == "__main__":
    main(sys.argv[1])
