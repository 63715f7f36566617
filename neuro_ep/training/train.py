"""Train a network: epochs, evaluation, checkpoints, resume.

An epoch is one run of the simulation: all training samples in a new order, then all
held-out samples with plasticity closed. What it leaves behind is the checkpoint.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuro_ep import recording
from neuro_ep.cache import scratch_folder
from neuro_ep.errors import InputError, RunError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.moment import as_rows
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.plan import ENDLESS_STEPS, Plan
from neuro_ep.run.simulation import Simulation
from neuro_ep.run.target import choose_target
from neuro_ep.run.warm_start import WarmStart
from neuro_ep.training.epochs import Epochs, presentations
from neuro_ep.training.gain import check_gains, estimated_gains
from neuro_ep.training.header import run_header
from neuro_ep.training.initial_weights import initial_weights
from neuro_ep.training.reversal import reversal_warning

if TYPE_CHECKING:
    from neuro_ep.training.profiling import Share

#: Below this nudging, float32 rounding spoils the updates (0.2 % at 1e-3).
SMALLEST_BETA_IN_FLOAT32 = 1e-3

#: Above this, nudging pulls harder than neurons leak, and is what makes runs diverge.
LARGE_BETA = 1.0

OnEpoch = Callable[[Mapping[str, float]], None]
OnProgress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class TrainingResult:
    """Accuracies are fractions of 1; train_accuracy is the last epoch's, each sample
    judged before its update; seconds is the wall time of this call, building included.
    """

    test_accuracy: float
    train_accuracy: float
    epochs: int
    seconds: float
    file: Path


def train(
    rule: Rule,
    dataset: Dataset,
    settings: Settings,
    *,
    out: str | Path,
    seed: int = 0,
    target: str | None = None,
    dtype: str = "float32",
    resume: bool = False,
    allow_gain: bool = False,
    on_epoch: OnEpoch | None = None,
    on_progress: OnProgress | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
    start: WarmStart | None = None,
) -> TrainingResult:
    """Train and record; everything is checked before anything is compiled or written.

    out
        The recording. An unfinished run is kept in ``out + ".part"``.
    target
        "standalone", "cython", "numpy", or None for the best this machine has.
    resume
        Go on from the last complete epoch of an unfinished run.
    allow_gain
        Train although the gain of continual plasticity is known to run away.
    on_epoch, on_progress
        Called with the row of the log after every epoch, and with (epoch, presentation,
        presentations) during one.
    on_warning
        Called with the text of a warning.
    start
        Where the build for this very rule, data and settings is found, or kept.

    Raises
    ------
    InputError
        For settings that do not fit the data or each other, and unusable files.
    RunError
        If the run diverges; what was recorded until then is kept.
    """
    started = time.monotonic()
    _check(rule, dataset, settings, dtype)
    _check_seed(seed)
    target = choose_target(target)
    weights = initial_weights(rule, settings, seed)
    warning = _gain_warning(rule, dataset, settings, weights, allow_gain)
    begin = recording.resume if resume else recording.create
    writer = begin(out, run_header(rule, dataset, settings, seed, target, dtype))
    if warning:
        on_warning(warning)

    def simulate(folder: Path):
        """The epochs that are still to come."""
        samples = _samples(folder, dataset, dtype)
        left = start.simulation() if start is not None else None
        simulation = left or _simulation(rule, dataset, settings, target, dtype)
        if start is not None and left is None:
            start.keep(rule, settings, dataset, simulation)
        writer.header["provenance"].update(simulation.describe())
        writer.header["provenance"]["order"] = as_rows(simulation.plan.order)
        state = writer.state or _start(simulation.plan, weights, dtype)
        if writer.last_epoch < 0:  # said once, when a run begins
            told = reversal_warning(rule, simulation, dataset, samples, state, dtype)
            if told:
                on_warning(told)
        run = Epochs(simulation, dataset, seed, samples, on_progress)
        for epoch in range(writer.last_epoch + 1, settings.epochs + 1):
            state, row = run.show(epoch, state)
            writer.checkpoint(epoch, _in_units(simulation.plan, state), row, state)
            if row["diverged"]:
                _stop_diverged(writer, row, started, settings)
            if on_epoch is not None:
                on_epoch(row)

    with writer.alone():
        try:
            with scratch_folder() as folder:
                simulate(Path(folder))
        except BaseException:
            if writer.last_epoch < 0:  # nothing was recorded: leave nothing behind
                writer.discard()
            raise
        last = writer.log[-1]
        seconds = time.monotonic() - started
        file = writer.finish(duration_s=seconds)
    return TrainingResult(
        test_accuracy=last["test_accuracy"],
        train_accuracy=last["train_accuracy"],
        epochs=last["epoch"],
        seconds=seconds,
        file=file,
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
    from neuro_ep.training.profiling import profile_epoch

    target = choose_target(target)
    weights = initial_weights(rule, settings, seed)
    simulation = _simulation(rule, dataset, settings, target, dtype, profile=True)
    with scratch_folder() as folder:
        samples = _samples(Path(folder), dataset, dtype)
        state = _start(simulation.plan, weights, dtype)
        return profile_epoch(Epochs(simulation, dataset, seed, samples), state)


def _samples(folder: Path, dataset: Dataset, dtype: str) -> Path:
    """The inputs in a raw file, as the simulation reads them."""
    samples = folder / "samples.raw"
    samples.write_bytes(dataset.inputs.astype(dtype).tobytes())
    return samples


def _check(rule: Rule, dataset: Dataset, settings: Settings, dtype: str):
    features, classes = dataset.features, dataset.classes
    if (settings.layers[0], settings.read or settings.layers[-1]) != (
        features,
        classes,
    ):
        raise InputError(
            f"layers {','.join(map(str, settings.layers))} do not fit {dataset.name}: "
            f"it has {features} inputs and {classes} classes, so layers must begin "
            f"with {features} and end with {classes}"
        )
    if settings.batch > len(dataset.train):
        raise InputError(
            f"batch = {settings.batch}: {dataset.name} has {len(dataset.train)} "
            "training samples; choose a smaller batch"
        )
    if dtype not in ("float32", "float64"):
        raise InputError(f"dtype {dtype!r}: choose float32 or float64")
    if dtype == "float32" and abs(settings.beta) < SMALLEST_BETA_IN_FLOAT32:
        raise InputError(
            f"beta = {settings.beta} in float32: rounding spoils updates below "
            f"{SMALLEST_BETA_IN_FLOAT32}; raise beta or use --dtype float64"
        )
    model = rule.model(settings)
    if settings.weight_angle and model.backward is None:
        raise InputError(
            f"weight_angle = {settings.weight_angle}: {rule.name} has one weight for "
            "both directions; leave it out, or choose the rule continual-vf"
        )
    if settings.friction and "friction" not in model.output.parameters:
        raise InputError(
            f"friction = {settings.friction}: neurons of {rule.name} have none; leave "
            "it out, or choose the rule rhel-friction"
        )
    _check_length(
        rule.protocol(settings), sum(presentations(dataset, settings)), settings
    )


def _check_length(protocol, shown: int, settings: Settings):
    """An epoch is one run, and a run has so many steps at most."""
    times = sum(phase.duration for phase in protocol.phases)
    steps = shown * times / settings.step
    if steps > ENDLESS_STEPS:
        raise InputError(
            f"free = {settings.free}, nudged = {settings.nudged}, step = "
            f"{settings.step}: an epoch would take {steps:.1e} steps; shorten the "
            f"phases or raise step, for at most {ENDLESS_STEPS:.0e}"
        )


def _check_seed(seed: int):
    if not 0 <= seed < 2**63:
        raise InputError(f"seed = {seed}: choose a whole number from 0, below 2**63")


def _gain_warning(rule, dataset, settings, weights, allow_gain) -> str | None:
    """What to say of the gain of continual plasticity, where the rule has one."""
    if not rule.gain:
        return None
    batch = dataset.inputs[dataset.train[: settings.batch]]
    forward = list(weights.values())[: len(settings.eta)]
    protocol = rule.protocol(settings)
    gains = estimated_gains(settings, protocol, forward, batch)
    try:
        return check_gains(settings, protocol, gains)
    except InputError:
        if not allow_gain:
            raise
        return "the gain of continual plasticity is above 0.5: it may run away"


def _simulation(rule, dataset, settings, target, dtype, profile=False) -> Simulation:
    from neuro_ep.build.network import build_network
    from neuro_ep.run import build as device
    from neuro_ep.run.target import on_target

    with on_target(target, dtype):
        network = build_network(
            rule,
            settings,
            capacity=sum(presentations(dataset, settings)),
            dtype=np.dtype(dtype),
            set_values=target != "standalone",
        )
        return device.simulation(network, profile)


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
