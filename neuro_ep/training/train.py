"""Train a network: epochs, evaluation, checkpoints, resume.

An epoch is one run of the simulation: all training samples in a new order, then all
held-out samples with plasticity closed. What it leaves behind is the checkpoint.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuro_ep import recording
from neuro_ep.build import failures
from neuro_ep.cache import scratch_folder
from neuro_ep.errors import InputError, RunError
from neuro_ep.finding import find_dataset, find_rule
from neuro_ep.recording.parts import epoch_files
from neuro_ep.recording.traces import as_header
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.moment import as_rows
from neuro_ep.records.probe import Probe, Spikes, as_probes
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.plan import Plan
from neuro_ep.run.simulation import Simulation
from neuro_ep.run.target import choose_target
from neuro_ep.run.warm_start import WarmStart
from neuro_ep.training.continuing import longer, take_history
from neuro_ep.training.epochs import Epochs, presentations
from neuro_ep.training.header import run_header
from neuro_ep.training.initial_weights import initial_weights
from neuro_ep.training.rebuild import Rebuilt, rebuild, with_quantities
from neuro_ep.training.refusals import gain_warning, refuse_unfit
from neuro_ep.training.reversal import reversal_warning
from neuro_ep.training.starting import is_heterogeneous, network_start
from neuro_ep.training.transfer import Source, transferred
from neuro_ep.training.watching import watched

if TYPE_CHECKING:
    from neuro_ep.training.profiling import Share

#: Above this, nudging pulls harder than neurons leak, and is what makes runs diverge.
LARGE_BETA = 1.0

OnEpoch = Callable[[Mapping[str, float]], None]
OnProgress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class TrainingResult:
    """How well a run ended: accuracies are fractions of 1, None in a regression; R2 is
    None elsewhere. Those of training are the last epoch's, each sample judged before
    its update; seconds is the wall time of this call, building included.
    """

    test_accuracy: float | None
    train_accuracy: float | None
    epochs: int
    seconds: float
    file: Path
    test_r2: float | None = None
    train_r2: float | None = None


def train(
    rule: Rule | str,
    dataset: Dataset | str,
    settings: Settings | None = None,
    *,
    out: str | Path,
    seed: int = 0,
    target: str | None = None,
    dtype: str = "float32",
    resume: bool = False,
    overwrite: bool = False,
    allow_gain: bool = False,
    on_epoch: OnEpoch | None = None,
    on_progress: OnProgress | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
    on_compile: Callable[[], None] | None = None,
    start: WarmStart | None = None,
    after: Rebuilt | str | Path | None = None,
    weights: Source | None = None,
    record: Probe | Spikes | Iterable[Probe | Spikes] | str = (),
    record_epochs: Iterable[int] | None = None,
    record_samples: str | ArrayLike | None = None,
    on_record: Callable[[int], None] | None = None,
) -> TrainingResult:
    """Train and record; everything is checked before anything is compiled or written.

    rule, dataset
        Or their names, as on the command line: ``train("ep", "digits", out="run.h5")``.
    settings
        None for those of the rule for this data set.
    out
        The recording. An unfinished run is kept in ``out + ".part"``.
    target
        "standalone", "cython", "numpy", or None for the best this machine has.
    resume
        Go on from the last complete epoch of an unfinished run, or of a finished one
        that has fewer epochs; its recording stays until the longer one is there.
    overwrite
        Delete a recording, or an unfinished run, that ``out`` names; False refuses.
    allow_gain
        Train although the gain of continual plasticity is known to run away.
    on_epoch, on_progress
        Called with the row of the log after every epoch, and with (epoch, presentation,
        presentations) during one.
    on_warning
        Called with the text of a warning.
    on_compile
        Called where a program has to be compiled, before that begins.
    start
        Where the build for this very rule, data and settings is found, or kept.
    after
        A recording to go on from, or what :func:`neuro_ep.rebuild` made of it; ``out``
        is a new one.
    weights
        A recording to begin with the weights of, on other data or by another rule:
        transfer. What an optimiser remembers is not taken. Or projection -> weights in
        mV, such as some of ``load_network(file).weights``; others are drawn.
    record
        What is looked at while the network runs: :class:`neuro_ep.Probe` and
        :class:`neuro_ep.Spikes`, or words as on the command line.
    record_epochs, record_samples
        Of which epochs, 0 is before training and -1 the last, by default (0, 1, -1);
        and of which samples: rows of the data, or words such as "test[:20]".
    on_record
        Called with how many bytes what is recorded may need, before anything is run.

    Raises
    ------
    InputError
        For settings that do not fit the data or each other, and unusable files.
    RunError
        If the run diverges; what was recorded until then is kept.
    """
    started = time.monotonic()
    rule, dataset = find_rule(rule), find_dataset(dataset)
    settings = rule.settings(dataset) if settings is None else settings
    after = rebuild(after) if isinstance(after, (str, Path)) else after
    refuse_unfit(rule, dataset, settings, dtype, seed)
    finished = None
    if resume and after is None and isinstance(out, (str, Path)):
        more = longer(out, settings.epochs)
        if more is not None:
            finished, after, out = Path(out), rebuild(out), more
    target = choose_target(target)
    record = as_probes(record)
    looked = record, record_epochs, record_samples
    watch = watched(rule, dataset, settings, dtype, *looked)
    begun = drawn = initial_weights(rule, settings, seed)
    header = run_header(rule, dataset, settings, seed, target, dtype)
    if weights is not None:
        if after is not None:
            raise InputError("weights and after: choose one recording to begin from")
        unit = float(rule.model(settings).synapse.parameters["v_unit"])
        begun = transferred(weights, header, unit, drawn)
    forward = {name: begun[name] for name in drawn}
    warning = gain_warning(rule, dataset, settings, forward, allow_gain)
    if watch is not None:
        header["recorder"] = as_header(watch.recorder)
        start = None  # what is left behind for warm starts records nothing
        if on_record is not None:
            on_record(watch.recorder.size)
    if is_heterogeneous(rule.model(settings)):
        start = None  # and has the values of one seed
    writer = _writer(header, out, settings.epochs, after, resume, overwrite)
    with (
        writer.alone(),
        _nothing_left(writer),
        failures.told(rule.name),
        scratch_folder() as folder,
    ):
        if warning:
            on_warning(warning)
        samples = _samples(Path(folder), dataset, dtype)
        asked = rule, dataset, settings, target, dtype, seed
        simulation = _built(*asked, start, on_compile, record)
        writer.header["provenance"].update(simulation.describe())
        writer.header["provenance"]["order"] = as_rows(simulation.plan.order)
        state = writer.state or _start(simulation.plan, begun, dtype)
        if after is not None and writer.last_epoch < after.epoch:
            state = _go_on(writer, simulation.plan, after, finished is not None)
        if writer.last_epoch < 0:  # said once, when a run begins
            told = reversal_warning(rule, simulation, dataset, samples, state, dtype)
            if told:
                on_warning(told)
        watching = watch, writer.part
        run = Epochs(simulation, dataset, seed, samples, on_progress, *watching)
        _record(run, writer, state, settings.epochs, on_epoch, started)
    if finished is None:
        return _result(writer, started)
    os.replace(writer.path, finished)
    return replace(_result(writer, started), file=finished.absolute())


def _writer(
    header: dict, out, epochs: int, after: Rebuilt | None, resume: bool, overwrite: bool
) -> recording.RunWriter:
    """The recording that is begun or taken up."""
    if not isinstance(out, (str, Path)):
        raise InputError(f"out = {out!r:.60}: name the file of the recording")
    if after is not None:
        after.refuse_other(header)
        if Path(out).absolute() == Path(after.file).absolute():
            raise InputError(
                f"{out} is the recording to go on from; choose another out"
            )
        if epochs <= after.epoch:
            raise InputError(
                f"epochs = {epochs}: {after.epoch} are done already in {after.file}; "
                "ask for more"
            )
        header["provenance"]["goes_on_from"] = str(after.file)
    if resume and overwrite:
        raise InputError("resume and overwrite: choose one, to go on or to begin anew")
    if resume:
        return recording.resume(out, header)
    return recording.create(out, header, overwrite=overwrite)


@contextmanager
def _nothing_left(writer: recording.RunWriter) -> Iterator[None]:
    """Leaves no trace of a run that ends before anything was recorded."""
    try:
        yield
    except BaseException:
        if writer.last_epoch < 0 and not epoch_files(writer.part):
            writer.discard()
        raise


def _built(
    rule, dataset, settings, target, dtype, seed, start, on_compile, record
) -> Simulation:
    """The simulation that was left by an earlier command, or a new one."""
    left = start.simulation() if start is not None else None
    if left is not None:
        return left
    asked = rule, dataset, settings, target, dtype, seed
    simulation = _simulation(*asked, on_compile=on_compile, record=record)
    if start is not None:
        start.keep(rule, settings, dataset, simulation)
    if target == "standalone" and not record:
        own = network_start(rule, settings, simulation.plan.capacity, dtype)
        if own is not None:
            own.keep(rule, settings, None, simulation)
    return simulation


def _go_on(writer: recording.RunWriter, plan: Plan, after: Rebuilt, whole: bool):
    """The state of an earlier recording, noted as where this one begins; with all that
    it recorded before, where it is to be the ``whole`` of a run.
    """
    after.refuse_misfit(plan)
    if whole:
        take_history(writer, after)
    state = dict(after.state)
    writer.checkpoint(after.epoch, _in_units(plan, state), dict(after.row), state)
    return state


def _record(run: Epochs, writer, state, epochs: int, on_epoch, started):
    """The epochs that are still to come."""
    for epoch in range(writer.last_epoch + 1, epochs + 1):
        state, row, tested = run.show(epoch, state)
        writer.checkpoint(epoch, _in_units(run.plan, state), row, state, tested)
        if row["diverged"]:
            _stop_diverged(writer, row, started, run.settings)
        if on_epoch is not None:
            on_epoch(row)
    writer.finish(duration_s=time.monotonic() - started)


def _result(writer: recording.RunWriter, started: float) -> TrainingResult:
    last = writer.log[-1]
    return TrainingResult(
        test_accuracy=last.get("test_accuracy"),
        train_accuracy=last.get("train_accuracy"),
        test_r2=last.get("test_r2"),
        train_r2=last.get("train_r2"),
        epochs=last["epoch"],
        seconds=time.monotonic() - started,
        file=writer.path,
    )


def profile(
    rule: Rule,
    dataset: Dataset,
    settings: Settings,
    *,
    seed: int = 0,
    target: str | None = None,
    dtype: str = "float32",
) -> list[Share]:
    """Where the time of one epoch goes; it runs from new weights, unrecorded."""
    from neuro_ep.run.target import on_target
    from neuro_ep.training.profiling import profile_epoch

    target = choose_target(target)
    weights = initial_weights(rule, settings, seed)
    asked = rule, dataset, settings, target, dtype, seed
    simulation = _simulation(*asked, profile=True)
    with scratch_folder() as folder:
        samples = _samples(Path(folder), dataset, dtype)
        state = _start(simulation.plan, weights, dtype)
        run = Epochs(simulation, dataset, seed, samples)
        with on_target(target, dtype):  # what is held has its name from the target
            return profile_epoch(run, state)


def _samples(folder: Path, dataset: Dataset, dtype: str) -> Path:
    """The inputs in a raw file, as the simulation reads them."""
    samples = folder / "samples.raw"
    samples.write_bytes(dataset.inputs.astype(dtype).tobytes())
    return samples


def _simulation(
    rule,
    dataset,
    settings,
    target,
    dtype,
    seed=0,
    profile=False,
    on_compile=None,
    record=(),
) -> Simulation:
    from neuro_ep.build.network import build_network
    from neuro_ep.run import build as device
    from neuro_ep.run.target import on_target

    with on_target(target, dtype):
        network = build_network(
            with_quantities(rule, settings),
            settings,
            capacity=sum(presentations(dataset, settings)),
            dtype=np.dtype(dtype),
            set_values=target != "standalone",
            record=record,
            seed=seed,
        )
        return device.simulation(network, profile, on_compile)


def _start(plan: Plan, weights, dtype) -> dict[str, np.ndarray]:
    """The learned variables before training, in SI units, as they are simulated."""
    state = {}
    for name, start in plan.starts.items():
        value = weights.get(name, np.full(start.shape, start.value))
        state[name] = (value * plan.unit).astype(dtype)
    return state


def _in_units(plan: Plan, state) -> dict[str, np.ndarray]:
    """The learned variables in mV, for the recording."""
    return {name: state[name] * 1e3 for name in plan.weights}


def _stop_diverged(writer, row, started, settings: Settings):
    file = writer.finish(1, "divergence", duration_s=time.monotonic() - started)
    raise RunError(
        f"the run diverged in epoch {row['epoch']}: potentials or weights left the "
        f"range where the physics means anything. {_advice(settings)}. What was "
        f"recorded until then is in {file}"
    )


def _advice(settings: Settings) -> str:
    """What makes a run of these settings calmer."""
    if settings.beta > LARGE_BETA:
        return f"Lower beta, {settings.beta:g} is large; or lower eta or the step"
    return "Lower eta or the step, or raise beta"
