"""How well a compiled network runs back: rounding is all that can keep it from it.

Rules that learn by an echo need it to return, not nudged, to where it started. Rounding
grows on the way, the more the longer the run and the more chaotic the network, and what
it reaches spoils the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neuro_ep.records.dataset import Dataset
from neuro_ep.records.rule import Rule
from neuro_ep.records.schedule import Schedule
from neuro_ep.run.plan import Plan
from neuro_ep.run.program import ProgramSimulation
from neuro_ep.run.simulation import Simulation
from neuro_ep.training.epochs import taught

#: Largest distance from the start, beside the size of the states, that goes unsaid.
LARGEST = 1e-3


def reversal_warning(
    rule: Rule,
    simulation: Simulation,
    dataset: Dataset,
    samples: Path,
    state: Mapping[str, np.ndarray],
    dtype: str,
) -> str | None:
    """What to say of the reversal of the first training batch, None if nothing.

    Nothing is measured of rules without echoes, and of networks that are not compiled:
    those are run for tests, step by step, and do not end with a presentation.
    """
    names = rule.model(simulation.plan.settings).output.returning
    if not names or not isinstance(simulation, ProgramSimulation):
        return None
    error = reversal_error(simulation, dataset, samples, state, names)
    if error <= LARGEST or not np.isfinite(error):  # what diverges is told as such
        return None
    other = " or --dtype float64" if dtype == "float32" else ""
    return (
        f"in {dtype} an echo that is not nudged misses its start by {error:.1e} of the "
        f"size of the states (more than {LARGEST:g}): rounding spoils the gradient. "
        f"Shorten the run (--free), or try a smaller --step{other}"
    )


def reversal_error(
    simulation: Simulation,
    dataset: Dataset,
    samples: Path,
    state: Mapping[str, np.ndarray],
    names: Sequence[str],
) -> float:
    """Distance of the echo from the start, over the rms at the end of the run.

    The largest of all neurons of one batch and of the variables ``names`` of the output
    layer; every one begins at rest. A program makes one step more before it stops, so
    the start is that after a run and an echo of one step each.
    """
    plan = simulation.plan
    variables = [f"{plan.layers[-1]}.{name}" for name in names]
    usual, lengths = _values(plan, state), f"{plan.presentations}.phase_steps"
    short = {lengths: np.ones_like(plan.values[lengths])}
    back, start, end = (
        simulation.run(
            _schedule(plan, dataset, samples, learn), {**usual, **other}, variables
        )
        for learn, other in ((True, {}), (True, short), (False, {}))
    )
    return max(
        float(np.abs(back[name] - start[name]).max() / np.sqrt((end[name] ** 2).mean()))
        for name in variables
    )


def _schedule(plan: Plan, dataset: Dataset, samples: Path, learn: bool) -> Schedule:
    """The first training batch, run and, where it is to learn, echoed."""
    rows = dataset.train[: plan.settings.batch]
    return Schedule(
        inputs=samples,
        samples=rows,
        **taught(dataset, rows),
        learn=learn,
        frames=dataset.frames,
    )


def _values(plan: Plan, state: Mapping[str, np.ndarray]) -> dict:
    """Neither nudged nor learned."""
    p = plan.presentations
    phases = np.zeros_like(plan.values[f"{p}.phase_steps"])
    return {plan.weights[name]: state[name] for name in plan.weights} | {
        f"{p}.phase_nudge": phases,
        f"{p}.phase_plastic": phases,
    }
