"""Where the time of an epoch goes, by the equations that are computed.

The times are those of Brian2's own profiling. In C++ standalone that is a second build,
whose clock is the wall's (``wall_clock.cpp``): Brian2's would add up the threads of
BLAS. Each reading is cut to a microsecond, so times are right on average over the many
steps of an epoch, not for a few. What is in no object, such as starting the program, is
in the last row.
"""

from __future__ import annotations

from dataclasses import dataclass

from neuro_ep.build.order import described
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
    _, row, _ = epochs.show(1, state)
    total = row["wall_s"]
    names = described(epochs.simulation.network)
    found = epochs.simulation.seconds.items()
    shares = [
        Share(names[name], time, time / total) for name, time in found if name in names
    ]
    rest = max(0.0, total - sum(share.seconds for share in shares))
    shares.sort(key=lambda share: -share.seconds)
    return [*shares, Share(REST, rest, rest / total)]


def table(shares: list[Share]) -> str:
    """The shares as lines of text."""
    width = max(len(share.what) for share in shares)
    lines = [f"{'where the time goes':{width}}  {'seconds':>8}  {'share':>6}"]
    for share in shares:
        lines.append(
            f"{share.what:{width}}  {share.seconds:8.3f}  {100 * share.share:4.1f} %"
        )
    return "\n".join(lines)
