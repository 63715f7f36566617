"""Where the time of an epoch goes, by the equations that are computed.

The times are those of Brian2's own profiling. In C++ standalone that is a second build,
whose clock is the wall's (``wall_clock.cpp``): Brian2's would add up the threads of
BLAS. Each reading is cut to a microsecond, so times are right on average over the many
steps of an epoch, not for a few. What is in no object, such as starting the program, is
in the last row.
"""

from __future__ import annotations

from dataclasses import dataclass

from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import StateUpdater, SubexpressionUpdater

from neuro_ep.build.network import LayeredNetwork
from neuro_ep.engine.dense.operations import PlasticityOperation, SummedOperation
from neuro_ep.presentation.presentations import PresentationOperation
from neuro_ep.training.epochs import Epochs, State

#: All that no object accounts for.
REST = "start, end, the loop over steps"


@dataclass(frozen=True)
class Share:
    """What was computed, its seconds, and the share of the epoch."""

    what: str
    seconds: float
    share: float


def profile_epoch(epochs: Epochs, state: State) -> list[Share]:
    """Run one epoch on a simulation that takes the time; the slowest first."""
    _, row = epochs.show(1, state)
    total = row["wall_s"]
    names = described(epochs.simulation.network)
    found = epochs.simulation.seconds.items()
    shares = [
        Share(names[name], time, time / total) for name, time in found if name in names
    ]
    rest = max(0.0, total - sum(share.seconds for share in shares))
    shares.sort(key=lambda share: -share.seconds)
    return [*shares, Share(REST, rest, rest / total)]


def described(network: LayeredNetwork) -> dict[str, str]:
    """Name of every object that computes something -> what it computes, in words."""
    objects = network.brian2.sorted_objects
    words = {
        item.name: _words(item) for item in objects if isinstance(item, CodeRunner)
    }
    return {name: what for name, what in words.items() if what}


def _words(item) -> str:
    if isinstance(item, PresentationOperation):
        return f"{item.group.name}: samples, phases, predictions"
    if isinstance(item, (SummedOperation, PlasticityOperation)):
        held = " (held)" if item.group.held else ""
        return f"{item.group.name}: {', '.join(_computed(item))}{held}"
    if isinstance(item, (StateUpdater, SubexpressionUpdater)):
        computed = ", ".join(_computed(item))
        return computed and f"{item.group.name}: {computed}"
    return item.name


def _computed(item) -> list[str]:
    """The left-hand sides of the equations of an object."""
    if isinstance(item, SummedOperation):
        return [equation.varname for equation in item.equations]
    if isinstance(item, PlasticityOperation):
        return [f"d{equation.varname}/dt" for equation in item.equations]
    if isinstance(item, StateUpdater):
        return [f"d{name}/dt" for name in sorted(item.group.equations.diff_eq_names)]
    frozen = item.group.user_equations.values()
    return [eq.varname for eq in frozen if "constant over dt" in eq.flags]


def table(shares: list[Share]) -> str:
    """The shares as lines of text."""
    width = max(len(share.what) for share in shares)
    lines = [f"{'where the time goes':{width}}  {'seconds':>8}  {'share':>6}"]
    for share in shares:
        lines.append(
            f"{share.what:{width}}  {share.seconds:8.3f}  {100 * share.share:4.1f} %"
        )
    return "\n".join(lines)
