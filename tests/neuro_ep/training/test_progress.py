"""Progress: a bar on a terminal, lines elsewhere, nothing when quiet or unread."""

import io
import re
import sys

import pytest

from neuro_ep.training import progress
from neuro_ep.training.progress import Progress


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def row(epoch):
    return {"epoch": epoch, "test_accuracy": epoch / 10}


def show(clock, epochs, seconds, quiet=False):
    """Epoch 0, then the others, each after so many seconds."""
    with Progress(epochs, quiet=quiet) as shown:
        for epoch in range(epochs + 1):
            shown.within(epoch, 1, 2)
            shown.epoch(row(epoch))
            clock.now += seconds


def test_lines_where_there_is_no_terminal(clock, capsys):
    show(clock, epochs=4, seconds=6)
    assert capsys.readouterr().err.splitlines() == [
        "epoch 1/4  test accuracy 0.1000  18 s left",
        "epoch 2/4  test accuracy 0.2000  12 s left",
        "epoch 3/4  test accuracy 0.3000  6 s left",
        "epoch 4/4  test accuracy 0.4000  0 s left",
    ]


def test_no_more_than_a_line_every_five_seconds(clock, capsys):
    show(clock, epochs=10, seconds=1)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["5/10", "10/10"]


def test_time_left_is_unknown_before_an_epoch_was_timed(clock, capsys):
    with Progress(4) as shown:
        clock.now += 60  # a build
        shown.epoch(row(0))
    assert capsys.readouterr().err == "epoch 0/4  test accuracy 0.0000\n"


def test_time_left_of_a_resumed_run_counts_its_own_epochs(clock, capsys):
    with Progress(10) as shown:
        for epoch in (7, 8):
            clock.now += 6
            shown.epoch(row(epoch))
    assert capsys.readouterr().err.splitlines() == [
        "epoch 7/10  test accuracy 0.7000",
        "epoch 8/10  test accuracy 0.8000  12 s left",
    ]


def test_quiet_says_nothing(clock, capsys):
    show(clock, epochs=3, seconds=60, quiet=True)
    assert capsys.readouterr() == ("", "")


def test_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(2) as shown:
        for epoch in range(3):
            shown.within(epoch, 1, 2)
            at = shown.bar.n
            shown.epoch(row(epoch))
            assert (at, shown.bar.n) == (max(0, epoch - 0.5), epoch)
    bar = sys.stderr.getvalue().split("\r")[-1]
    assert re.search(r"training: 100%\|.*\| epoch 2.0/2 \[.*test=0\.200", bar)


def test_quiet_shows_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(2, quiet=True) as shown:
        shown.within(1, 1, 2)
        shown.epoch(row(1))
    assert sys.stderr.getvalue() == ""


class Gone(io.StringIO):
    """A reader that has left."""

    attempts = 0

    def write(self, text):
        self.attempts += 1
        raise BrokenPipeError


def test_training_goes_on_when_nobody_reads(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone())
    show(clock, epochs=5, seconds=60)
    assert sys.stderr.attempts == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_compiling_is_told(clock, monkeypatch, terminal):
    said = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    with Progress(2) as progress:
        progress.compiling()
        told = said.getvalue()
        progress.epoch(row(0))
    assert "compiling (once)" in told
    assert "compiling" not in said.getvalue().removeprefix(told).split("\r")[-1]
