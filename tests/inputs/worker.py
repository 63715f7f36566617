"""A process that runs mutants, one after another, until one of them ends it.

A line on stdin names the kind and the number of a mutant and its folder; a line on
stdout says what came of it. What is compiled, checked or timed for minutes is not
reached: a command that comes that far has taken what it was given, status 0.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path


class Reached(Exception):
    """All was accepted, and the long work would begin."""


def reached(*_, **__):
    raise Reached


def stubbed():
    """Nothing takes long, and no network is asked."""
    import sklearn.datasets

    from neuro_ep import benchmarks, checking
    from neuro_ep.training import train

    def unreachable(*_, **__):
        raise OSError("no network here")

    train._built = reached
    checking.check = reached
    benchmarks.import_module = reached
    sklearn.datasets.fetch_openml = unreachable


def planted():
    """A fault that the suite must find: labels are not looked at."""
    from neuro_ep.records import dataset
    from neuro_ep.tasks import mnist

    mnist._check_labels = lambda labels, place: None
    sound = dataset._integers
    dataset._integers = lambda name, what, values, end: sound(name, what, values, 2**40)


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def run(words: list[str]) -> dict:
    """The status of a command, what it said on stderr, and what it raised."""
    from neuro_ep.command.main import main

    said = io.StringIO()
    with tempfile.TemporaryFile() as raw:
        kept = os.dup(2)
        os.dup2(raw.fileno(), 2)  # other packages keep the stderr they began with
        trouble = ""
        try:
            with (
                redirect_stderr(said),
                redirect_stdout(io.StringIO()),
            ):
                status = main(words)
        except SystemExit as left:
            status = left.code
        except Reached:
            status = 0
        except BaseException:
            status, trouble = -1, traceback.format_exc()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        raw.seek(0)
        errors = said.getvalue() + raw.read().decode(errors="replace")
    return {"status": status or 0, "errors": errors, "trouble": trouble}


def tried(kind: str, number: int, folder: Path) -> dict:
    """What came of a mutant, and which files it left."""
    from mutants import make

    home = os.getcwd()
    os.chdir(folder)
    try:
        mutant = make(kind, number, folder)
        before = listing(folder)
        found = run(mutant.words)
        left = sorted(listing(folder) - before)
        scratch = [path.name for path in Path(tempfile.gettempdir()).glob("neuro_ep_*")]
    finally:
        os.chdir(home)
    about = {"words": mutant.words, "must_refuse": mutant.must_refuse}
    return {**found, **about, "left": left, "scratch": scratch}


def main():
    stubbed()
    if "--planted" in sys.argv:
        planted()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        kind, number, folder = json.loads(line)
        found = tried(kind, number, Path(folder))
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
