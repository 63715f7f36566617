"""The command line: ``neuro-ep list``, ``train``, ``info``.

Exit status: 0 done, 1 a run or a claim failed, 2 bad arguments or input. Errors are one
or two lines on stderr; ``--debug`` shows where they came from.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import fields
from pathlib import Path

from neuro_ep import __version__
from neuro_ep.errors import InputError, RunError

#: Where the rules live: name -> (module, attribute). Read when a rule is used.
RULES = {"continual-ep": ("neuro_ep.models.continual_ep", "CONTINUAL_EP")}

NUMBERS = ("beta", "free", "nudged", "step")
COUNTS = ("batch", "epochs")
NAMES = ("nudging", "activation", "plasticity")

HELP = {
    "beta": "strength of nudging",
    "free": "length of the free phase, in time constants",
    "nudged": "length of the nudged phase, in time constants",
    "step": "Euler step, in time constants",
    "batch": "samples presented together",
    "epochs": "passes over the training samples",
    "nudging": "random-sign, symmetric or one-sided",
    "activation": "sigmoid, hard-sigmoid or tanh",
    "plasticity": "difference or product-rule",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (InputError, RunError) as error:
        if options.debug:
            raise
        print(f"neuro-ep: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except BrokenPipeError:  # the reader of our output has gone: nobody to tell
        sys.stdout = None  # type: ignore[assignment]
        return 0
    except OSError as error:
        if options.debug:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"neuro-ep: {where}{error.strerror or error}; choose another place with "
            "--out, or free space there",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\nneuro-ep: interrupted; --resume goes on from here", file=sys.stderr)
        return 1


def _warn(text: str):
    print(f"neuro-ep: warning: {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="neuro-ep", description="Networks that learn by their own physics."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="tasks and rules, with sources")
    listing.set_defaults(run=_list)
    training = commands.add_parser("train", help="train a network and record the run")
    training.set_defaults(run=_train)
    _training_options(training)
    info = commands.add_parser("info", help="what is in a recording")
    info.set_defaults(run=_info)
    info.add_argument("file", metavar="FILE")
    for command in (listing, training, info):
        command.add_argument("--json", action="store_true", help="print JSON on stdout")
        command.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _training_options(command: argparse.ArgumentParser):
    command.add_argument("task", metavar="TASK", help="digits, mnist")
    command.add_argument("--rule", required=True, help=", ".join(RULES))
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", metavar="FILE", help="the recording (HDF5)")
    command.add_argument("--resume", action="store_true", help="go on after a stop")
    command.add_argument("--figure", metavar="PNG", help="draw the run when it is done")
    command.add_argument("--data", metavar="PATH", help="local files of the task")
    command.add_argument("--target", help="standalone, cython or numpy")
    command.add_argument("--dtype", default="float32", help="float32 or float64")
    command.add_argument("--allow-gain", action="store_true", help="see the gain law")
    command.add_argument("--layers", type=_integers, help="units, such as 64,128,10")
    command.add_argument("--eta", type=_numbers, help="learning rates, input to output")
    for name in NUMBERS:
        command.add_argument(f"--{name}", type=float, help=HELP[name])
    for name in COUNTS:
        command.add_argument(f"--{name}", type=int, help=HELP[name])
    for name in NAMES:
        command.add_argument(f"--{name}", help=HELP[name])


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _list(options) -> int:
    from neuro_ep.datasets import TASKS

    rules = {name: _rule(name) for name in RULES}
    if options.json:
        described = {
            name: {
                "summary": rule.summary,
                "source": rule.source,
                "claims": dict(rule.claims),
                "tasks": list(rule.defaults),
            }
            for name, rule in rules.items()
        }
        print(json.dumps({"tasks": dict(TASKS), "rules": described}, indent=2))
        return 0
    print("tasks")
    for name, description in TASKS.items():
        print(f"  {name:14} {description}")
    print("\nrules")
    for name, rule in rules.items():
        print(f"  {name:14} {rule.summary}\n  {'':14} {rule.source}")
        for claim, promise in rule.claims.items():
            print(f"  {'':14} {claim}: {promise}")
    return 0


def _info(options) -> int:
    from neuro_ep import recording

    if options.json:
        with recording.open_recording(options.file) as opened:
            print(json.dumps(opened.tree(), indent=2))
    else:
        print(recording.describe(options.file))
    return 0


def _train(options) -> int:
    from neuro_ep import datasets, training
    from neuro_ep.progress import Progress
    from neuro_ep.rule import changed

    rule = _rule(options.rule)
    _check_known(options.task, datasets.TASKS, "task")
    settings = changed(rule.defaults[options.task], **_choices(options))
    out = Path(options.out or f"runs/{options.task}_{rule.name}_{options.seed}.h5")
    figure = _checked_figure(options.figure)
    dataset = datasets.load(options.task, options.data)
    with Progress(settings.epochs, quiet=options.json) as progress:
        result = training.train(
            rule,
            dataset,
            settings,
            out=out,
            seed=options.seed,
            target=options.target,
            dtype=options.dtype,
            resume=options.resume,
            allow_gain=options.allow_gain,
            on_epoch=progress.epoch,
            on_progress=progress.within,
            on_warning=_warn,
        )
    if figure:
        from neuro_ep.analysis import training_figure

        training_figure.draw(result.file, figure)
    _print_result(result, figure, options.json)
    return 0


def _choices(options) -> dict:
    from neuro_ep.rule import Settings

    names = {item.name for item in fields(Settings)}
    return {name: value for name, value in vars(options).items() if name in names}


def _print_result(result, figure, as_json: bool):
    values = {
        "test_accuracy": result.test_accuracy,
        "train_accuracy": result.train_accuracy,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 2),
        "file": str(result.file),
    }
    if figure:
        values["figure"] = str(figure)
    if as_json:
        print(json.dumps(values))
        return
    print(f"test accuracy   {result.test_accuracy:.4f}")
    print(f"train accuracy  {result.train_accuracy:.4f}  (last epoch, before updates)")
    print(f"time            {result.seconds:.1f} s for {result.epochs} epochs")
    print(f"recording       {result.file}")
    if figure:
        print(f"figure          {figure}")


def _checked_figure(path: str | None) -> Path | None:
    """The figure's path, refused before training if it could not be written."""
    if path is None:
        return None
    figure = Path(path)
    if figure.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"--figure {path}: name a .png, .pdf or .svg file")
    figure.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(figure.parent, os.W_OK):
        raise InputError(f"--figure {path}: {figure.parent} cannot be written")
    return figure


def _check_known(name: str, known, what: str):
    if name not in known:
        from neuro_ep.rule import suggestion

        raise InputError(f"no {what} is called {name!r}{suggestion(name, known)}")


def _rule(name: str):
    _check_known(name, RULES, "rule")
    from importlib import import_module

    module, attribute = RULES[name]
    return getattr(import_module(module), attribute)


if __name__ == "__main__":
    sys.exit(main())
