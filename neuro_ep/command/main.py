"""The command line: ``neuro-ep list``, ``train``, ``check``, ``order``, ``equations``,
``bench``, ``info``, ``report``.

Exit status: 0 done, 1 a run or a claim failed, 2 bad arguments or input. Errors are one
or two lines on stderr; ``--debug`` shows where they came from.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from neuro_ep import __version__
from neuro_ep.command.options import (
    Parser,
    add_checking,
    add_parameters,
    add_training,
    add_variant,
)
from neuro_ep.command.rules import find_checked, find_rule
from neuro_ep.errors import InputError, RunError
from neuro_ep.messages import mute_if_broken, say
from neuro_ep.models import CONDITIONS, RULES, SECOND_RUNS, load
from neuro_ep.records.parameter import DECLARED, suggestion
from neuro_ep.tasks import TASKS

ROOT = Path(__file__).parents[1]

#: What a build does not depend on, of all that train is told.
UNBUILT = (
    *("run", "json", "debug", "seed", "out", "resume", "figure", "profile"),
    "allow_gain",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        return _status(_parser(words).parse_args(words))
    finally:
        for stream in (sys.stdout, sys.stderr):
            mute_if_broken(stream)


def _status(options) -> int:
    """Run the command that was parsed; tell its errors, return its exit status."""
    try:
        status = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of our output has gone: nobody to tell
        return 0
    except (InputError, RunError, OSError) as error:
        if options.debug:
            raise
        if isinstance(error, OSError):
            error = _explained(error)
        say(str(error))
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        goes_on = "; --resume goes on from here" if options.run is _train else ""
        say(f"interrupted{goes_on}")
        return 1


def _explained(error: OSError) -> InputError:
    """What an error of the system says, with the ways to other places."""
    where = f"{error.filename}: " if error.filename else ""
    return InputError(
        f"{where}{error.strerror or error}; free space there, or choose another place "
        "with --out, or TMPDIR and NEURO_EP_CACHE in the environment"
    )


def _warn(text: str):
    say(f"warning: {text}")


def _parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    parser = Parser(
        prog="neuro-ep", description="Networks that learn by their own physics."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="tasks and rules, with sources")
    listing.set_defaults(run=_list)
    listing.add_argument("--rule", metavar="RULE", help="one rule, of your own too")
    training = commands.add_parser("train", help="train a network and record the run")
    training.set_defaults(run=_train)
    add_training(training, RULES, TASKS)
    add_parameters(training, *_told(words))
    checking = commands.add_parser("check", help="is it the gradient?")
    checking.set_defaults(run=_check)
    add_checking(checking, [*RULES, *CONDITIONS, *SECOND_RUNS])
    add_parameters(checking, DECLARED.values())
    ordering = commands.add_parser("order", help="what a step does, in its order")
    ordering.set_defaults(run=_order)
    add_variant(ordering, RULES)
    add_parameters(ordering, DECLARED.values())
    printing = commands.add_parser("equations", help="the text of every group")
    printing.set_defaults(run=_equations)
    add_variant(printing, RULES)
    add_parameters(printing, DECLARED.values())
    benching = commands.add_parser("bench", help="time ours and a peer in turn")
    benching.set_defaults(run=_bench)
    benching.add_argument("name", metavar="NAME", help="see neuro_ep/benchmarks")
    benching.add_argument("--rounds", type=int, default=5)
    info = commands.add_parser("info", help="what is in a recording")
    info.set_defaults(run=_info)
    info.add_argument("file", metavar="FILE")
    reporting = commands.add_parser("report", help="figures of a recording, one page")
    reporting.set_defaults(run=_report)
    reporting.add_argument("file", metavar="FILE")
    reporting.add_argument(
        "-o", "--out", metavar="HTML", help="the page (run.html for run.h5)"
    )
    every = (listing, training, checking, ordering, printing, benching, info, reporting)
    for command in every:
        command.add_argument("--json", action="store_true", help="print JSON on stdout")
        command.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _told(words: Sequence[str]) -> tuple:
    """The parameters that help speaks of: those of the rule, if one is named."""
    words = [part for word in words for part in word.split("=", 1)]
    asked = {"-h", "--help"} & set(words) and "--rule" in words[:-1]
    if not asked:
        return (DECLARED.values(),)
    try:
        rule = find_rule(words[words.index("--rule") + 1])
    except InputError:
        return (DECLARED.values(),)
    tasks = [task for task in rule.defaults if task in words] or list(rule.defaults)
    defaults = rule.defaults[tasks[0]] if tasks else None
    return rule.reads.values(), defaults


def _list(options) -> int:
    from neuro_ep.command import listing

    names = RULES if options.rule is None else [options.rule]
    rules = {rule.name: rule for rule in map(find_rule, names)}
    tables = {"boundary_conditions": CONDITIONS, "second_runs": SECOND_RUNS}
    others = {
        heading: {} if options.rule else {n: load(at) for n, at in table.items()}
        for heading, table in tables.items()
    }
    tasks = {} if options.rule else TASKS
    if options.json:
        print(json.dumps(listing.as_json(tasks, rules, others), indent=2))
    else:
        print(listing.as_text(tasks, rules, others))
    return 0


def _bench(options) -> int:
    from neuro_ep import benchmarks

    rule = find_rule(benchmarks.rule_of(options.name))
    result = benchmarks.run(options.name, rule, options.rounds)
    if options.json:
        print(json.dumps(result))
        return 0
    for row in _table(result.pop("rows", [])):
        print(row)
    for key, value in result.items():
        print(f"{key:24} {_short(value)}")
    return 0


def _table(rows: list[dict]) -> list[str]:
    """Rows of one kind as lines of text, under their keys."""
    lines = [list(row) for row in rows[:1]]
    lines += [[_short(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]


def _short(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _check(options) -> int:
    from neuro_ep import checking

    names = ("seed", *DECLARED)
    found = checking.check(
        find_checked(options.rule), **{name: getattr(options, name) for name in names}
    )
    print(json.dumps(found) if options.json else checking.table(found))
    return 0 if found["passed"] else 1


def _order(options) -> int:
    from neuro_ep.command import printing

    return printing.print_order(options)


def _equations(options) -> int:
    from neuro_ep.command import printing

    return printing.print_equations(options)


def _info(options) -> int:
    from neuro_ep import recording

    if options.json:
        with recording.open_recording(options.file) as opened:
            print(json.dumps(opened.tree(), indent=2))
    else:
        print(recording.describe(options.file))
    return 0


def _report(options) -> int:
    from neuro_ep.analysis import report

    path = report.write(options.file, options.out)["path"]
    print(json.dumps({"path": path}) if options.json else path)
    return 0


def _train(options) -> int:
    from neuro_ep.tasks import datasets
    from neuro_ep.training import train as training
    from neuro_ep.training.progress import Progress

    if options.task not in TASKS:
        raise InputError(
            f"no task is called {options.task!r}{suggestion(options.task, TASKS)}"
        )
    start = _warm_start(options)
    rule, settings = _chosen(options, start)
    name = f"runs/{options.task}_{rule.name}_{options.seed}.h5"
    out = Path(name if options.out is None else options.out)
    figure = _checked_figure(options.figure)
    left = start.left and start.left.dataset
    dataset = left or datasets.load(options.task, options.data)
    fitted = _fitted(options, settings, dataset)
    shown = sum(training.presentations(dataset, fitted))
    if fitted != settings or not start.fits(shown):
        start.left = None
        rule, settings = _chosen(options, start)
        settings = _fitted(options, settings, dataset)
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
            start=start,
        )
    if figure:
        from neuro_ep.analysis import training_figure

        figure.parent.mkdir(parents=True, exist_ok=True)
        training_figure.draw(result.file, figure)
    shares = _profile(dataset, settings, options) if options.profile else []
    _print_result(result, figure, shares, options.json)
    return 0


def _warm_start(options):
    """Where this command finds what was built for it before."""
    from neuro_ep.run.warm_start import WarmStart

    words = {key: value for key, value in vars(options).items() if key not in UNBUILT}
    models = find_spec("neuro_ep.models")
    folders = [ROOT, Path(str(models and models.origin)).parent]
    return WarmStart(words, folders, own_data=options.data is not None)


def _chosen(options, start):
    """The rule and its settings, as they were left or, where nothing was, anew."""
    if start.left is not None:
        return start.left.rule, start.left.settings
    rule = find_rule(options.rule)
    return rule, rule.settings(options.task, options.preset, **_choices(options))


def _fitted(options, settings, dataset):
    """The settings with the sizes of the data, where a task has none of its own."""
    if options.task != "uea":
        return settings
    from neuro_ep.tasks.series_files import fitted

    chosen = {name for name, value in _choices(options).items() if value is not None}
    return fitted(settings, dataset, chosen)


def _profile(dataset, settings, options) -> list:
    """Where the time of one more epoch goes, which is not recorded."""
    from neuro_ep.training import train as training

    return training.profile(
        find_rule(options.rule),
        dataset,
        settings,
        seed=options.seed,
        target=options.target,
        dtype=options.dtype,
    )


def _choices(options) -> dict:
    return {name: getattr(options, name, None) for name in DECLARED}


def _print_result(result, figure, shares, as_json: bool):
    values = {
        "test_accuracy": result.test_accuracy,
        "train_accuracy": result.train_accuracy,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 2),
        "file": str(result.file),
    }
    if figure:
        values["figure"] = str(figure)
    if shares:
        values["profile"] = [asdict(share) for share in shares]
    if as_json:
        print(json.dumps(values))
        return
    print(f"test accuracy   {result.test_accuracy:.4f}")
    print(f"train accuracy  {result.train_accuracy:.4f}  (last epoch, before updates)")
    print(f"time            {result.seconds:.1f} s for {result.epochs} epochs")
    print(f"recording       {result.file}")
    if figure:
        print(f"figure          {figure}")
    if shares:
        from neuro_ep.training.profiling import table

        print(f"\n{table(shares)}")


def _checked_figure(path: str | None) -> Path | None:
    """The figure's path, refused before training if it could not be drawn."""
    if path is None:
        return None
    from neuro_ep.analysis import training_figure

    figure = Path(path)
    if figure.suffix.lower() not in training_figure.FORMATS or figure.is_dir():
        raise InputError(f"--figure {path}: name a .png, .pdf or .svg file")
    training_figure.require_matplotlib()
    folder = next(folder for folder in figure.absolute().parents if folder.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(
            f"--figure {path}: {folder} cannot be written ({error.strerror}); "
            "name a file elsewhere"
        ) from error
    return figure


if __name__ == "__main__":
    sys.exit(main())
