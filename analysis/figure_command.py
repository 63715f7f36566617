"""The command line that figures share: what to read, the picture to write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping

from neuro_ep.errors import InputError


def figure_command(
    draw: Callable[[str, str], Mapping],
    about: str | None,
    source: tuple[str, str],
    arguments: list[str] | None,
) -> int:
    """Draw, print the numbers the figure shows, return the exit status.

    about is the docstring of the figure's module; source the name of what is read and
    what to say of it. Bad input gives one line on stderr and status 2.
    """
    parser = argparse.ArgumentParser(description=(about or "").split("\n")[0])
    parser.add_argument(source[0], help=source[1])
    parser.add_argument("picture", help="the picture to write, such as figure.png")
    chosen = vars(parser.parse_args(arguments))
    try:
        numbers = draw(chosen[source[0]], chosen["picture"])
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for name, value in numbers.items():
        print(f"{name}: {value}")
    return 0
