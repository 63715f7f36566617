"""Words for whoever still reads them: a reader that has gone stops no run."""

from __future__ import annotations

import os
import sys


def say(text: str):
    """A line on stderr."""
    try:
        print(f"neuro-ep: {text}", file=sys.stderr, flush=True)
    except OSError:
        mute_if_broken(sys.stderr)


def mute_if_broken(stream):
    """Let what a stream does not take go nowhere, instead of failing again later."""
    try:
        if stream is not None:
            stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
