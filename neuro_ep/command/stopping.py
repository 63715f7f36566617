"""How a command is stopped from outside: one way for Ctrl-C and for SIGTERM."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from neuro_ep.cache import delete_scratch
from neuro_ep.messages import say

SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: What Brian2 says of states that diverge, which training tells in a line of its own.
DIVERGENCE = "brian2.groups.group.invalid_values"


@contextmanager
def stoppable() -> Iterator[None]:
    """The first signal raises KeyboardInterrupt; what is left on the way out goes.

    Further signals are ignored from then on, so that nothing interrupts the clearing
    up. Signals that are ignored already stay so, and all of them where a command does
    not run in the main thread.
    """
    before = _changeable()
    for number in before:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        _ignore(before)
        delete_scratch()
        for number, handler in before.items():
            signal.signal(number, handler)


def _changeable() -> dict[int, Any]:
    """Signal -> what it does now, for those that a command may take over."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in SIGNALS}
    kept = (None, signal.SIG_IGN)
    return {number: does for number, does in found.items() if does not in kept}


def _ignore(numbers: Iterable[int]):
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _stop(number, frame):
    _ignore(SIGNALS)
    raise KeyboardInterrupt


@contextmanager
def plain_words() -> Iterator[None]:
    """Warnings of ours in a line each; of numbers that overflow training tells itself.

    Warnings of other packages stay as they are.
    """
    logger = logging.getLogger(DIVERGENCE)
    level, show = logger.level, warnings.showwarning

    def told(message, category, filename, lineno, file=None, line=None):
        if issubclass(category, RuntimeWarning) and "neuro_ep" in filename:
            say(f"warning: {message}")
        else:
            show(message, category, filename, lineno, file, line)

    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.showwarning = told
        try:
            yield
        finally:
            logger.setLevel(level)
