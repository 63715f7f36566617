"""The command ``watch``: a run as it goes, read from its files alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuro_ep.errors import InputError
from neuro_ep.messages import printable, say
from neuro_ep.recording import open_recording
from neuro_ep.recording.bounds import DAMAGE
from neuro_ep.recording.lock import is_held
from neuro_ep.recording.parts import epoch_files, part_folder, read_epoch

#: Seconds between two looks at the files.
EVERY = 0.5

#: Epochs that tell how long one takes.
RECENT = 5

#: From nothing to all, for a curve in one line.
BARS = "▁▂▃▄▅▆▇█"

#: Characters of a curve.
WIDTH = 48


@dataclass(frozen=True)
class Going:
    """A run at one moment: what it is, how far it is, and its log."""

    rule: str
    task: str
    epochs: int
    samples: int
    log: Sequence[dict]
    running: bool
    complete: bool = False

    @property
    def epoch(self) -> int:
        return self.log[-1]["epoch"] if self.log else -1

    @property
    def seconds(self) -> float | None:
        """Of an epoch, None before the first."""
        recent = [row["wall_s"] for row in self.log if row["epoch"] > 0][-RECENT:]
        return sum(recent) / len(recent) if recent else None

    @property
    def left(self) -> float | None:
        """Seconds that training still needs."""
        each = self.seconds
        return None if each is None else each * (self.epochs - self.epoch)


def watch(file: str, every: float = EVERY) -> int:
    """Show a run until it ends; 0 if it is complete, 1 if nobody goes on with it."""
    path = Path(file)
    path = path.with_suffix("") if path.suffix == ".part" else path
    with _shown() as show:
        seen = None
        while True:
            going = look(path)
            if going != seen:
                show(going)
            if going.complete:
                return 0
            if not going.running:
                break
            seen = going
            time.sleep(every)
    say(
        f"nobody trains {path} now: epoch {max(going.epoch, 0)} of {going.epochs} is "
        f"done; neuro-ep train ... --out {path} --resume goes on"
    )
    return 1


def look(path: Path) -> Going:
    """A run as it stands.

    Raises InputError where there is none.
    """
    part = part_folder(path)
    if not part.is_dir():
        with open_recording(path) as run:
            columns = {name: column.tolist() for name, column in run.training.items()}
            rows = [
                dict(zip(columns, row, strict=True))
                for row in zip(*columns.values(), strict=True)
            ]
            size = run.dataset.get("train", 0) + run.dataset.get("test", 0)
            known = run.rule, run.task, run.epochs, size
            return Going(*known, rows, running=False, complete=True)
    running = is_held(part)  # before its files are read: it may end meanwhile
    try:
        header = json.loads((part / "header.json").read_bytes())
        size = header["dataset"]["train"] + header["dataset"]["test"]
        known = (
            str(header["rule"]),
            str(header["task"]),
            int(header["epochs"]),
            int(size),
        )
    except DAMAGE as error:
        if not part.is_dir():
            return look(path)
        raise InputError(f"{part}/header.json cannot be read ({error})") from error
    return Going(*known, _newest_log(part), running)


def _newest_log(part: Path) -> list[dict]:
    """The log of the newest epoch that can be read; files come and go meanwhile."""
    for file in reversed(epoch_files(part).values()):
        try:
            return read_epoch(file)[0]
        except DAMAGE:
            continue
    return []


# --- what is shown --------------------------------------------------------------------


@contextmanager
def _shown() -> Iterator[Callable[[Going], None]]:
    """Shows a run: a page that changes on a terminal, else a line an epoch."""
    if not sys.stdout.isatty():
        yield lambda going: print(line(going), flush=True)
        return
    try:
        from rich.live import Live
    except ImportError:
        say("pip install rich shows a page; without it, lines")
        yield lambda going: print(line(going), flush=True)
        return
    with Live(auto_refresh=False) as live:
        yield lambda going: live.update(_page(going), refresh=True)


def line(going: Going) -> str:
    """A run in one line."""
    parts = [f"epoch {max(going.epoch, 0)}/{going.epochs}"]
    parts += [f"{name} {value}" for name, value in _numbers(going).items()]
    return printable("  ".join(parts))


def _numbers(going: Going) -> dict[str, str]:
    """What the newest row of the log says, and how fast it goes."""
    row = going.log[-1] if going.log else {}
    kept = [
        name
        for name in row
        if name.startswith(("test_", "train_", "gain_")) and row[name] == row[name]
    ]
    found = {name.replace("_", " "): f"{row[name]:.4g}" for name in kept}
    if going.seconds:
        found["samples/s"] = f"{going.samples / going.seconds:,.0f}"
    if going.left is not None and not going.complete:
        found["left"] = f"{going.left:.0f} s"
    return found


def curve(values: Sequence[float], width: int = WIDTH) -> str:
    """Numbers as a line of bars, from the least to the largest; the newest ones."""
    sound = [value for value in values if value == value][-width:]
    if not sound:
        return ""
    low, span = min(sound), max(sound) - min(sound)
    steps = [(value - low) / span if span else 0 for value in sound]
    return "".join(BARS[min(int(step * len(BARS)), len(BARS) - 1)] for step in steps)


def _page(going: Going) -> Any:
    """The same as a page: how far it is, curves, numbers."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in _numbers(going).items():
        values = [row.get(name.replace(" ", "_"), float("nan")) for row in going.log]
        table.add_row(name, Text(value, justify="right"), Text(curve(values)))
    bar = Table.grid()
    done = max(going.epoch, 0)
    bar.add_row(ProgressBar(total=going.epochs, completed=done, width=WIDTH))
    title = printable(f"{going.rule} on {going.task}, epoch {done}")
    return Panel(Group(bar, table), title=f"{title} of {going.epochs}", width=90)
