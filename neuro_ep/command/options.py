"""What the commands may be told, and how their words become values."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

from neuro_ep.messages import LONGEST_WORD, cut, say
from neuro_ep.records.parameter import Parameter
from neuro_ep.records.settings import Settings

#: Heading in the help -> what stands there, of the declared parameters.
GROUPS = {
    "network": "layers, and the physics of neurons and synapses",
    "protocol": "what happens when",
    "plasticity": "how weights change",
    "run": "samples and epochs",
}


class Parser(argparse.ArgumentParser):
    """Wrong arguments are told in one line, without the usage above it.

    Options are written in full: what is short for one today is unclear tomorrow.
    """

    def __init__(self, *args, **keywords):
        super().__init__(*args, allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        say(f"{message}; see {self.prog} --help")
        sys.exit(2)


def add_checking(command: argparse.ArgumentParser, rules: Iterable[str]):
    """What ``check`` is told."""
    command.add_argument("rule", metavar="RULE", help=", ".join(rules))
    command.add_argument("--seed", type=_integer, help="of weights and samples")


def add_rounds(command: argparse.ArgumentParser):
    """What ``bench`` is told beside a name."""
    command.add_argument(
        "--rounds", type=_integer, default=5, help="how often both take their turn"
    )


def add_training(
    command: argparse.ArgumentParser, rules: Iterable[str], tasks: Iterable[str]
):
    """What ``train`` is told, beside the parameters of rules."""
    command.add_argument(
        "task",
        metavar="TASK",
        help=f"{', '.join(tasks)}; or FILE.csv, .parquet, .npz, .h5",
    )
    add_own_data(command)
    add_record(command)
    command.add_argument(
        "--rule",
        required=True,
        help=f"{', '.join(rules)}; or FILE.py:NAME, package.module:NAME",
    )
    command.add_argument("--preset", metavar="NAME", help="see neuro-ep list")
    command.add_argument("--seed", type=_integer, default=0)
    command.add_argument("--out", metavar="FILE", help="the recording (HDF5)")
    command.add_argument(
        "--resume", action="store_true", help="go on after a stop, or for longer"
    )
    command.add_argument(
        "--weights", metavar="FILE", help="a recording to begin with the weights of"
    )
    command.add_argument(
        "--overwrite", action="store_true", help="delete the recording that is there"
    )
    command.add_argument(
        "--figure", metavar="PNG", help="a .png, .pdf or .svg of the run"
    )
    command.add_argument("--data", metavar="PATH", help="local files of the task")
    command.add_argument("--target", help="standalone, cython or numpy")
    command.add_argument("--dtype", default="float32", help="float32 or float64")
    command.add_argument(
        "--profile", action="store_true", help="say where the time of an epoch goes"
    )
    command.add_argument("--allow-gain", action="store_true", help="see the gain law")


def add_own_data(command: argparse.ArgumentParser):
    """What is told of data in files of the user's own."""
    own = command.add_argument_group("own data", "of a file in the place of TASK")
    own.add_argument(
        "--label", metavar="COLUMN", help="what is learned; or COLUMN,COLUMN: targets"
    )
    own.add_argument("--kind", help="classes or regression, where it is not clear")
    own.add_argument(
        "--test", metavar="SHARE", type=_number, help="samples that test (default: 0.2)"
    )
    own.add_argument("--scale", help="minmax (default), standard or none")


def add_record(command: argparse.ArgumentParser):
    """What is looked at while the network runs."""
    looked = command.add_argument_group(
        "recording", "traces and spikes, in the recording, in the shapes of SONATA"
    )
    looked.add_argument(
        "--record",
        metavar="WHAT",
        help="hidden.v[0:3],input_to_hidden.w[300,7],spikes:hidden",
    )
    looked.add_argument(
        "--record-epochs",
        metavar="N,N",
        type=_integers,
        help="0 is before training, -1 the last (default: 0,1,-1)",
    )
    looked.add_argument(
        "--record-samples", metavar="PART", help="such as test[:20] (default: all)"
    )
    looked.add_argument(
        "--record-every",
        metavar="N",
        help="steps between two values, or presentation (default: 1)",
    )


def add_variant(command: argparse.ArgumentParser, rules: Iterable[str]):
    """What ``order`` and ``equations`` are told: a rule, and which form of it."""
    command.add_argument("rule", metavar="RULE", help=", ".join(rules))
    command.add_argument("--task", help="whose settings are taken; the first if none")
    command.add_argument("--preset", metavar="NAME", help="see neuro-ep list")


def add_parameters(
    command: argparse.ArgumentParser,
    parameters: Iterable[Parameter],
    defaults: Settings | None = None,
):
    """An option for each parameter, under the heading of its group.

    ``defaults`` are the settings that hold where an option is not given; without them
    the help names none, since each rule and task has its own.
    """
    groups = {
        name: command.add_argument_group(name, about) for name, about in GROUPS.items()
    }
    for parameter in parameters:
        if parameter.is_fixed:
            continue
        words = parameter.help
        if parameter.choices:
            words += f": {', '.join(parameter.choices)}"
        if defaults is not None:
            words += f" (default: {as_word(getattr(defaults, parameter.name))})"
        groups[parameter.group].add_argument(
            f"--{parameter.name.replace('_', '-')}",
            type=READERS[parameter.kind],
            metavar=METAVARS[parameter.kind],
            help=words.replace("%", "%%"),
        )


def as_word(value) -> str:
    """A value of settings as the command line takes it."""
    if not isinstance(value, tuple):
        return f"{value:g}" if isinstance(value, float) else str(value)
    parts = [
        "-".join(map(str, part)) if isinstance(part, tuple) else as_word(part)
        for part in value
    ]
    return ",".join(parts) or "none"


def _converted(convert: Callable, text: str, remedy: str):
    try:
        if "_" in text:  # which Python takes as a space between digits
            raise ValueError
        return convert(text)
    except ValueError:
        shown = cut(repr(text), LONGEST_WORD)
        raise argparse.ArgumentTypeError(f"{shown} is not {remedy}") from None


def _integer(text: str) -> int:
    return _converted(int, text, "a whole number, such as 3")


def _number(text: str) -> float:
    return _converted(float, text, "a number, such as 0.5")


def _integers(text: str) -> tuple[int, ...]:
    remedy = "whole numbers with commas between, such as 64,128,10"
    return _converted(lambda text: tuple(map(int, text.split(","))), text, remedy)


def _numbers(text: str) -> tuple[float, ...]:
    remedy = "a number, or numbers with commas between, such as 0.02,0.01"
    return _converted(lambda text: tuple(map(float, text.split(","))), text, remedy)


def _pairs(text: str) -> tuple[tuple[int, ...], ...]:
    def pair(part: str) -> tuple[int, int]:
        pre, post = part.split("-")
        return int(pre), int(post)

    remedy = "pairs of layers with commas between, such as 0-1,1-1,1-2"
    return _converted(lambda text: tuple(map(pair, text.split(","))), text, remedy)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


#: Kind of a parameter -> what reads its word, and how the help calls it.
READERS: dict[str, Callable] = {
    "number": _number,
    "count": _integer,
    "name": str,
    "numbers": _numbers,
    "counts": _integers,
    "words": _words,
    "pairs": _pairs,
}
METAVARS = {
    "number": "X",
    "count": "N",
    "name": "NAME",
    "numbers": "X,X",
    "counts": "N,N",
    "words": "WORD,WORD",
    "pairs": "N-N,N-N",
}
