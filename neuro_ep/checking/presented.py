"""Presentations to a built network, and what they leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from neuro_ep.errors import RunError
from neuro_ep.records.schedule import Schedule
from neuro_ep.run.simulation import Simulation


@dataclass(frozen=True)
class Presented:
    """update: change of the learned variables over eta, by projection; values: what
    else was read, by "group.variable". All in SI units."""

    update: dict[str, np.ndarray]
    values: dict[str, np.ndarray]


def present(
    simulation: Simulation,
    weights: Mapping[str, np.ndarray],
    inputs: np.ndarray,
    labels: np.ndarray,
    *,
    eta: float,
    beta: float | None = None,
    sign: int = 1,
    learn: bool = True,
    wanted: Iterable[str] = (),
) -> Presented:
    """Present batches one after another.

    weights in SI units, by projection; inputs (rows, n), labels (rows,), as many rows
    as the network has capacity for; ``learn`` False shows them without a target;
    ``sign`` is that of beta where the protocol draws it.

    Raises
    ------
    RunError
        If the network diverges.
    """
    network = simulation.network
    names, p = network.weights, network.presentations.name
    values: dict = {names[name]: weights[name] for name in names}
    values |= {f"{name}.eta": eta for name in names}
    schedule = Schedule(inputs, np.arange(len(labels)), labels, learn, float(sign))
    if beta is not None:
        values[f"{p}.strength"] = beta
    read = [*names.values(), f"{p}.diverged", *wanted]
    result = simulation.run(schedule, values, read)
    if result[f"{p}.diverged"][0]:
        raise RunError(f"the network diverged with beta = {beta}, eta = {eta:g}")
    update = {}
    for name, variable in names.items():
        start = weights[name].astype(result[variable].dtype)
        change = result[variable].reshape(start.shape).astype(float) - start
        update[name] = change / (eta or 1.0)
    return Presented(update, {name: result[name] for name in wanted})
