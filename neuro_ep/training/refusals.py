"""What training refuses before anything is compiled or written."""

from __future__ import annotations

from numbers import Integral

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run.memory import refuse_what_no_memory_holds
from neuro_ep.run.plan import ENDLESS_STEPS
from neuro_ep.training.epochs import presentations
from neuro_ep.training.gain import check_gains, estimated_gains

#: Below this nudging, float32 rounding spoils the updates (0.2 % at 1e-3).
SMALLEST_BETA_IN_FLOAT32 = 1e-3


def refuse_unfit(
    rule: Rule, dataset: Dataset, settings: Settings, dtype: str, seed: int
):
    """Raises InputError for settings that do not fit the data or each other."""
    if not isinstance(settings, Settings):
        raise InputError(
            f"settings = {settings!r:.60}: give Settings, such as rule.settings("
            f"{dataset.name!r}, epochs=10)"
        )
    rule.check_settings(settings)
    _check_data(dataset, settings)
    if dataset.targets is not None:
        _check_cost(rule, dataset, settings)
    edges = settings.dense_edges
    refuse_what_no_memory_holds(settings.layers, settings.batch, edges)
    whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**63:
        raise InputError(f"seed = {seed}: choose a whole number from 0, below 2**63")
    _check_numbers(settings, dtype)
    _check_length(
        rule.protocol(settings), sum(presentations(dataset, settings)), settings
    )


def _check_data(dataset: Dataset, settings: Settings):
    features, outputs = dataset.features, dataset.outputs
    ends = settings.layers[0], settings.read or settings.layers[-1]
    if ends != (features, outputs):
        taught = "classes" if dataset.targets is None else "targets"
        raise InputError(
            f"layers {','.join(map(str, settings.layers))} do not fit {dataset.name}: "
            f"it has {features} inputs and {outputs} {taught}, so layers must begin "
            f"with {features} and end with {outputs}; a single number is a hidden layer"
        )
    if settings.batch > len(dataset.train):
        raise InputError(
            f"batch = {settings.batch}: {dataset.name} has {len(dataset.train)} "
            "training samples; choose a smaller batch"
        )


def _check_cost(rule: Rule, dataset: Dataset, settings: Settings):
    """Targets are learned where the cost is their distance from what is read out."""
    cost = rule.model(settings).cost
    if cost == "squared-error":
        return
    if cost == "cross-entropy":
        raise InputError(
            f"cost = {settings.cost}: {dataset.name} has targets of a regression and "
            "no classes; choose the cost squared-error"
        )
    raise InputError(
        f"{rule.name} reads a sum over time, which is no estimate of targets: "
        f"{dataset.name} is a regression; choose another rule, such as "
        f"{'heb' if dataset.frames > 1 else 'ep'}"
    )


def _check_numbers(settings: Settings, dtype: str):
    if dtype not in ("float32", "float64"):
        raise InputError(f"dtype {dtype!r}: choose float32 or float64")
    if dtype == "float32" and abs(settings.beta) < SMALLEST_BETA_IN_FLOAT32:
        raise InputError(
            f"beta = {settings.beta} in float32: rounding spoils updates below "
            f"{SMALLEST_BETA_IN_FLOAT32}; raise beta or use --dtype float64"
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


def gain_warning(rule, dataset, settings, weights, allow_gain) -> str | None:
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
