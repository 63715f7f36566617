"""Progress of a training run: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from neuro_ep.messages import mute_if_broken
from neuro_ep.recording.quality import quality_of, told

#: Seconds between lines where the output is not a terminal.
EVERY = 5.0

FORM = "{l_bar}{bar}| epoch {n:.1f}/{total} [{elapsed}<{remaining}{postfix}]"


class Progress:
    """Epochs, how well the network does and time left, on stderr."""

    def __init__(self, epochs: int, quiet: bool = False):
        self.epochs, self.quiet = epochs, quiet
        self.terminal = sys.stderr.isatty()
        self.started = self.last = time.monotonic()
        self.first_epoch: int | None = None
        self.bar = None

    def __enter__(self) -> Progress:
        if self.terminal and not self.quiet:
            self.bar = tqdm(total=self.epochs, bar_format=FORM, desc="training")
        return self

    def __exit__(self, *exception):
        if self.bar is not None:
            self.bar.close()

    def compiling(self):
        """A program is compiled, once for all runs of such a network."""
        if self.bar is not None:
            self.bar.set_description("compiling (once)")
        elif not self.quiet:
            self._print("compiling (once)")

    def epoch(self, row):
        """An epoch is complete; row is its line of the log."""
        now = time.monotonic()
        if self.first_epoch is None:
            self.first_epoch, self.started = row["epoch"], now
        if self.bar is not None:
            self.bar.set_description("training")
            self.bar.set_postfix(test=f"{row[f'test_{quality_of(row)}']:.3f}")
            self.bar.update(row["epoch"] - self.bar.n)
            return
        last = row["epoch"] == self.epochs
        if not self.quiet and (last or now - self.last >= EVERY):
            self.last = now
            self._print(self._line(row, now))

    def _print(self, line: str):
        try:
            print(line, file=sys.stderr, flush=True)
        except OSError:  # nobody reads any more: train on without a word
            self.quiet = True
            mute_if_broken(sys.stderr)

    def _line(self, row, now) -> str:
        """How far it is, and the time left once an epoch has been timed."""
        text = f"epoch {row['epoch']}/{self.epochs}  {told(row, 'test')}"
        done = row["epoch"] - self.first_epoch
        if not done:
            return text
        left = (self.epochs - row["epoch"]) * (now - self.started) / done
        return f"{text}  {left:.0f} s left"

    def within(self, epoch: int, done: int, total: int):
        """Part of an epoch is complete."""
        if self.bar is not None and epoch > 0:
            self.bar.update(epoch - 1 + done / total - self.bar.n)
