"""Words for whoever still reads them: a reader that has gone stops no run."""

from __future__ import annotations

import os
import re
import sys
import unicodedata

#: The longest word, and the longest message, that is shown whole.
LONGEST_WORD, LONGEST = 300, 2000

_WORDS = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")

#: Categories of characters that steer a terminal, turn text round or are half of one.
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def say(text: str):
    """A line on stderr."""
    try:
        print(f"neuro-ep: {one_line(text)}", file=sys.stderr, flush=True)
    except OSError:
        mute_if_broken(sys.stderr)


def one_line(text: str) -> str:
    """A text as one line that changes no terminal, its long words and itself cut."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    plain = printable(" / ".join(lines))
    short = _WORDS.sub(lambda word: cut(word.group(), LONGEST_WORD), plain)
    return cut(short, LONGEST)


def cut(text: str, longest: int) -> str:
    """A text whose middle is left out where it is longer."""
    if len(text) <= longest:
        return text
    half = (longest - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def printable(text: str, kept: str = "") -> str:
    """A text with all characters written out that would not be seen as they are.

    ``kept`` are some that stay, such as the end of a line.
    """
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or one in kept or unicodedata.category(one) not in _HIDDEN
        else one.encode("unicode_escape").decode()
        for one in text
    )


def mute_if_broken(stream):
    """Let what a stream does not take go nowhere, instead of failing again later."""
    try:
        if stream is not None:
            stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
