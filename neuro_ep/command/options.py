"""What the commands may be told, and how their words become values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import NoReturn

NUMBERS = (
    *("beta", "alpha", "decay", "free", "nudged", "step", "tolerance"),
    *("weight_angle", "judged", "friction"),
)
COUNTS = ("batch", "epochs", "plastic_every", "read")
NAMES = ("nudging", "activation", "dynamics", "plasticity", "cost", "optimiser")

HELP = {
    "beta": "strength of nudging",
    "alpha": "weight of the first state of a dyad in its mean",
    "decay": "share of a weight lost in every presentation",
    "free": "length of the free phase, in time constants",
    "nudged": "length of the nudged phase, in time constants",
    "step": "Euler step, in time constants",
    "tolerance": "end phases once no neuron moves faster, per time constant",
    "plastic_every": "steps from one opening of plasticity to the next",
    "batch": "samples presented together",
    "epochs": "passes over the training samples",
    "nudging": "random-sign, symmetric or one-sided",
    "activation": "sigmoid, hard-sigmoid or tanh; of dyads also relu, linear",
    "dynamics": "continuous or discrete (a step of one time constant); of dyads also "
    "stream (neurons go on from sample to sample)",
    "plasticity": "difference or product-rule",
    "cost": "squared-error or cross-entropy; of dyads also proximal",
    "judged": "share of a run, at its end, in which the cost counts (0: its end)",
    "read": "units of the last layer that are the output (0: all)",
    "friction": "rate at which momenta are lost, of rhel-friction",
    "optimiser": "of echoes: gradient-descent or adam",
    "weight_angle": "degrees between forward and backward weights at the start",
}


class Parser(argparse.ArgumentParser):
    """Wrong arguments are told in one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"neuro-ep: {message}; see {self.prog} --help\n")


def add_checking(command: argparse.ArgumentParser, rules: Iterable[str]):
    """What ``check`` is told."""
    command.add_argument("rule", metavar="RULE", help=", ".join(rules))
    command.add_argument("--layers", type=_integers, help="units, such as 784,512,10")
    command.add_argument("--batch", type=_integer, help="samples presented together")
    command.add_argument("--seed", type=_integer, help="of weights and samples")


def add_training(command: argparse.ArgumentParser, rules: Iterable[str]):
    """What ``train`` is told."""
    command.add_argument("task", metavar="TASK", help="digits, mnist")
    command.add_argument("--rule", required=True, help=", ".join(rules))
    command.add_argument("--seed", type=_integer, default=0)
    command.add_argument("--out", metavar="FILE", help="the recording (HDF5)")
    command.add_argument("--resume", action="store_true", help="go on after a stop")
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
    add_settings(command)


def add_variant(command: argparse.ArgumentParser, rules: Iterable[str]):
    """What ``order`` and ``equations`` are told: a rule, and which form of it."""
    command.add_argument("rule", metavar="RULE", help=", ".join(rules))
    command.add_argument("--task", help="whose settings are taken; the first if none")
    add_settings(command)


def add_settings(command: argparse.ArgumentParser):
    """What chooses the settings of a rule."""
    command.add_argument("--preset", metavar="NAME", help="see neuro-ep list")
    command.add_argument("--layers", type=_integers, help="units, such as 64,128,10")
    command.add_argument(
        "--connections",
        type=_pairs,
        metavar="PAIRS",
        help="layers to join, such as 0-1,1-1,1-2,0-2 (0 is the input)",
    )
    command.add_argument(
        "--filters",
        type=lambda text: tuple(text.split(",")),
        metavar="WORDS",
        help="one a projection, such as 16c3p1,a2,all: 16 channels with a kernel of 3 "
        "and padding 1, the average over 2 x 2, all to all",
    )
    command.add_argument(
        "--image", type=_integers, help="channels, height, width, such as 1,8,8"
    )
    command.add_argument("--eta", type=_numbers, help="learning rates, input to output")
    for name in NUMBERS:
        flag = f"--{name.replace('_', '-')}"
        command.add_argument(flag, type=_number, help=HELP[name])
    for name in COUNTS:
        flag = f"--{name.replace('_', '-')}"
        command.add_argument(flag, type=_integer, help=HELP[name])
    for name in NAMES:
        command.add_argument(f"--{name}", help=HELP[name])


def _converted(convert: Callable, text: str, remedy: str):
    try:
        return convert(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {remedy}") from None


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
