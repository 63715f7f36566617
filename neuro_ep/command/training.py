"""The command ``train``: from what it is told to a recording, and what it prints."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from neuro_ep.command.stopping import plain_words
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule, source_folders
from neuro_ep.messages import say
from neuro_ep.recording.parts import epoch_files, part_folder
from neuro_ep.recording.quality import QUALITIES
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.parameter import DECLARED
from neuro_ep.records.probe import read_probes
from neuro_ep.records.task import Task
from neuro_ep.tasks import find_task, tables
from neuro_ep.tasks.tables import is_file_of_data
from neuro_ep.training import train as training
from neuro_ep.training.epochs import presentations
from neuro_ep.training.progress import Progress

#: What a build does not depend on, of all that train is told.
UNBUILT = (
    *(
        "run",
        "json",
        "debug",
        "seed",
        "out",
        "resume",
        "weights",
        "overwrite",
        "figure",
        "profile",
    ),
    "allow_gain",
)


def _warn(text: str):
    say(f"warning: {text}")


def train(options) -> int:
    """The command ``train``."""
    task, own = _task(options)
    start = warm_start(options)
    rule, settings = _chosen(options, start, own)
    out, figure = _checked_out(options, task, rule), _checked_figure(options.figure)
    dataset = (start.left and start.left.dataset) or task.load(options.data)
    chosen = _chosen_names(options)
    fitted = task.fitted(settings, dataset, chosen)
    shown = sum(presentations(dataset, fitted))
    if fitted != settings or not start.fits(shown):
        start.left = None
        rule, settings = _chosen(options, start, own)
        settings = task.fitted(settings, dataset, chosen)
    part = part_folder(Path(os.path.abspath(out)))  # Brian2 may change the folder
    try:
        with plain_words():
            result = _trained(options, rule, dataset, settings, out, start)
    except KeyboardInterrupt:
        going = epoch_files(part)
        raise KeyboardInterrupt(*["--resume goes on from here"][: len(going)]) from None
    if figure:
        from neuro_ep.analysis import training_figure

        figure.parent.mkdir(parents=True, exist_ok=True)
        training_figure.draw(result.file, figure)
    shares = _profile(dataset, settings, options) if options.profile else []
    _print_result(result, figure, shares, options.json)
    return 0


def _task(options) -> tuple[Task, Dataset | None]:
    """The task that is named, and the data of a file in its place."""
    given = {
        name: getattr(options, name) for name in ("label", "kind", "test", "scale")
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    if not is_file_of_data(options.task):
        for name, value in chosen.items():
            raise InputError(
                f"--{name} {value}: the task {options.task} says that itself; it is "
                "for files of your own"
            )
        return find_task(options.task), None
    if options.data is not None:
        raise InputError(f"--data {options.data}: {options.task} has the data already")
    own = tables.load(options.task, **chosen)
    return Task(own.name, own.source, lambda path: own), own


def _trained(options, rule, dataset, settings, out: Path, start):
    """The result of training, told on the way."""
    with Progress(settings.epochs, quiet=options.json) as progress:
        return training.train(
            rule,
            dataset,
            settings,
            out=out,
            seed=options.seed,
            target=options.target,
            dtype=options.dtype,
            resume=options.resume,
            overwrite=options.overwrite,
            allow_gain=options.allow_gain,
            on_epoch=progress.epoch,
            on_progress=progress.within,
            on_warning=_warn,
            on_compile=progress.compiling,
            start=start,
            weights=options.weights,
            on_record=_tell_size,
            **_looked(options),
        )


def _looked(options) -> dict:
    """What is to be recorded while the network runs."""
    if options.record is None:
        for name in ("epochs", "samples", "every"):
            if (value := getattr(options, f"record_{name}")) is not None:
                raise InputError(
                    f"--record-{name} {value}: nothing is recorded; say what with "
                    "--record"
                )
        return {}
    return {
        "record": read_probes(options.record, options.record_every or 1),
        "record_epochs": options.record_epochs,
        "record_samples": options.record_samples,
    }


def _tell_size(size: int):
    say(f"recording up to {size / 1e6:.1f} MB of traces and spikes")


def _checked_out(options, task: Task, rule) -> Path:
    """Where the recording will be; a name that ends like a folder's is refused."""
    if options.out is None:
        return Path(f"runs/{task.name}_{rule.name}_{options.seed}.h5")
    if options.out.endswith(("/", os.sep)):
        raise InputError(f"--out {options.out}: name a file in this folder")
    return Path(options.out)


def warm_start(options):
    """Where this command finds what was built for it before."""
    from neuro_ep.run.warm_start import WarmStart

    words = {key: value for key, value in vars(options).items() if key not in UNBUILT}
    own = is_file_of_data(options.task)
    if own:
        words["content"] = hashlib.sha256(Path(options.task).read_bytes()).hexdigest()
    changing = own or options.data is not None
    return WarmStart(words, source_folders(), own_data=changing)


def _chosen(options, start, own: Dataset | None):
    """The rule and its settings, as they were left or, where nothing was, anew."""
    if start.left is not None:
        return start.left.rule, start.left.settings
    rule = find_rule(options.rule)
    task = options.task if own is None else own
    return rule, rule.settings(task, options.preset, **_choices(options))


def _chosen_names(options) -> set[str]:
    """The settings that the command names."""
    return {name for name, value in _choices(options).items() if value is not None}


def _profile(dataset, settings, options) -> list:
    """Where the time of one more epoch goes, which is not recorded."""
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
    both = ("test", "train")
    quality = "accuracy" if result.test_r2 is None else "r2"
    reached = {
        f"{kind}_{quality}": getattr(result, f"{kind}_{quality}") for kind in both
    }
    values = {
        **reached,
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
    for kind, remark in zip(both, ("", "  (last epoch, before updates)"), strict=True):
        value = reached[f"{kind}_{quality}"]
        print(f"{kind + ' ' + QUALITIES[quality]:16}{value:.4f}{remark}")
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
