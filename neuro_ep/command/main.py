"""The command line: ``neuro-ep list``, ``train``, ``check``, ``order``, ``equations``,
``bench``, ``info``, ``report``, ``rerun``, ``watch``, ``predict``, ``cache``.

Exit status: 0 done, 1 a run or a claim failed, 2 bad arguments or input. Errors are one
or two lines on stderr; ``--debug`` shows where they came from.
"""

from __future__ import annotations

import argparse
import errno
import json
import sys
from collections.abc import Sequence

from neuro_ep import __version__
from neuro_ep.command.options import (
    Parser,
    add_checking,
    add_own_data,
    add_parameters,
    add_rounds,
    add_training,
    add_variant,
)
from neuro_ep.command.stopping import stoppable
from neuro_ep.errors import InputError, RunError
from neuro_ep.finding import find_checked, find_rule
from neuro_ep.messages import cut, mute_if_broken, say
from neuro_ep.models import CONDITIONS, RULES, SECOND_RUNS, load
from neuro_ep.records.parameter import DECLARED
from neuro_ep.tasks import TASKS

ABOUT_CACHE = (
    "where builds are kept, NEURO_EP_CACHE or the user's cache folder, and how much "
    "they take: at most 2 GB, for 90 days after their last use"
)

#: The network that most rules are checked on.
LAYERS_OF_CHECKS = (5, 12, 3)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        with stoppable():
            return _status(words)
    except KeyboardInterrupt:  # between the commands and here
        say("interrupted")
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            mute_if_broken(stream)


def _status(words: Sequence[str]) -> int:
    """Run the command of these words; tell its errors, return its exit status."""
    debug = "--debug" in words
    try:
        _refuse_unwritable(words)
        options = _parser(words).parse_args(words)
        status = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of our output has gone: nobody to tell
        return 0
    except (InputError, RunError, OSError, MemoryError) as error:
        if debug:
            raise
        told = _explained(error)
        say(str(told))
        return 2 if isinstance(told, InputError) else 1
    except KeyboardInterrupt as stopped:
        say("; ".join(["interrupted", *map(str, stopped.args)]))
        return 1


def _refuse_unwritable(words: Sequence[str]):
    """Raises InputError for words that no recording and no system call can hold."""
    for word in words:
        lone = any("\ud800" <= one <= "\udfff" for one in word)
        if lone or "\0" in word:
            what = "is not UTF-8" if lone else "has a NUL byte"
            raise InputError(f"{cut(ascii(word), 60)} {what}; name it otherwise")


def _explained(error: Exception) -> Exception:
    """What an error of the system says, with the ways out."""
    if isinstance(error, MemoryError):
        said = f" ({error})" if str(error) else ""
        return InputError(f"there is not enough memory{said}; choose smaller sizes")
    if not isinstance(error, OSError):
        return error
    where = f"{error.filename}: " if error.filename else ""
    return InputError(f"{where}{error.strerror or error}; {_remedy(error)}")


def _remedy(error: OSError) -> str:
    """What to do about an error of the system."""
    if isinstance(error, FileNotFoundError):
        return "check the path, and make the folder that it names"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return ("free space there, or " if full else "") + (
        "choose another place with --out, or TMPDIR and NEURO_EP_CACHE in the "
        "environment"
    )


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
    add_rounds(benching)
    info = commands.add_parser("info", help="what is in a recording")
    info.set_defaults(run=_info)
    info.add_argument("file", metavar="FILE")
    info.add_argument(
        "--no-verify",
        action="store_true",
        help="look although the file was changed after it was finished",
    )
    reporting = commands.add_parser("report", help="figures of a recording, one page")
    reporting.set_defaults(run=_report)
    reporting.add_argument("file", metavar="FILE")
    reporting.add_argument(
        "-o", "--out", metavar="HTML", help="the page (run.html for run.h5)"
    )
    again = commands.add_parser("rerun", help="make a run again: is it the same?")
    again.set_defaults(run=_rerun)
    again.add_argument("file", metavar="FILE", help="a recording")
    again.add_argument("--data", metavar="FILE", help="the data, where a file had them")
    again.add_argument("--weights", metavar="FILE", help="what the run began with")
    again.add_argument("--target", help="standalone, cython or numpy")
    add_own_data(again)
    watching = commands.add_parser("watch", help="a run as it goes")
    watching.set_defaults(run=_watch)
    watching.add_argument("file", metavar="FILE", help="the recording it will be")
    predicting = commands.add_parser("predict", help="labels or targets of new samples")
    predicting.set_defaults(run=_predict)
    predicting.add_argument("file", metavar="FILE", help="a recording")
    predicting.add_argument("data", metavar="DATA", help="samples: .csv, .npz, .h5")
    predicting.add_argument("-o", "--out", metavar="CSV", help="stdout if not given")
    predicting.add_argument("--overwrite", action="store_true", help="replace CSV")
    predicting.add_argument("--target", help="standalone, cython or numpy")
    caching = commands.add_parser("cache", help=ABOUT_CACHE, description=ABOUT_CACHE)
    caching.set_defaults(run=_cache)
    caching.add_argument("--clear", action="store_true", help="delete all of them")
    for command in commands.choices.values():
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
    tasks = {} if options.rule else {name: task.summary for name, task in TASKS.items()}
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

    verify = not options.no_verify
    if options.json:
        with recording.open_recording(options.file, verify) as opened:
            print(json.dumps(opened.tree(), indent=2))
    else:
        print(recording.describe(options.file, verify))
    return 0


def _cache(options) -> int:
    from neuro_ep.command import caching

    return caching.show(options)


def _rerun(options) -> int:
    from neuro_ep.command import rerunning

    return rerunning.run(options)


def _watch(options) -> int:
    from neuro_ep.command import watching

    return watching.watch(options.file)


def _predict(options) -> int:
    from neuro_ep.command import predicting

    return predicting.predict(options)


def _report(options) -> int:
    from neuro_ep.analysis import report

    path = report.write(options.file, options.out)["path"]
    print(json.dumps({"path": path}) if options.json else path)
    return 0


def _train(options) -> int:
    from neuro_ep.command import training

    return training.train(options)


if __name__ == "__main__":
    sys.exit(main())
