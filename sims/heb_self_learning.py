"""A machine of oscillators that learns by itself: present, echo, decay, again.

Claim:     parameters that have momenta descend the gradient by their own motion: one
           Brian2 run of physics learns XOR, or a curve, with no optimiser outside
Source:    Lopez-Pastor & Marquardt 2023, PRX 13, 031020, arXiv 2103.04992
Run:       python sims/heb_self_learning.py [FILE]  (90 seconds on 1 core)
           python -m neuro_ep.analysis.heb_figure FILE FIGURE
Expected:  10 of 10 seeds solve XOR, none without the kick at the mirror; the curve's
           cost between the points it learned is 1.1e-4, mean of 10 seeds

Eight neurons, all joined to all; one sample at a time, its inputs held for T = 4. A
presentation is an echo with -beta and one with +beta, each followed by decay. After
learning, parameters are held fast. XOR is solved if all four answers are nearer to
their target than to the other.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import (
    Plan,
    Schedule,
    Settings,
    Simulation,
    build_network,
    initial_weights,
    make_simulation,
    on_target,
)
from neuro_ep.models import HEB

NEURONS, TARGET_SIZE = 8, 0.5

#: Inverse mass of the parameters, and how far their momenta decay.
INVERSE_MASS, DAMPING = 1e-3, 100.0

XOR = (
    np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]),
    TARGET_SIZE * np.array([[-1.0], [1.0], [1.0], [-1.0]]),
)

#: Cost of an answer half way between the targets.
NEARER = TARGET_SIZE**2 / 2

POINTS = np.linspace(-1, 1, 17)[:, None]
CURVE = (POINTS, TARGET_SIZE * np.sin(np.pi * POINTS))

#: Presentations of XOR and of the curve, and seeds.
SIZES = {"full": (2000, 9000, 10), "smallest": (20, 18, 1)}


@dataclass(frozen=True)
class Task:
    """Inputs (n, d) and targets (n, 1), rows to learn and to test, presentations."""

    inputs: np.ndarray
    targets: np.ndarray
    learned: np.ndarray
    tested: np.ndarray
    length: int


def xor(length: int) -> Task:
    return Task(*XOR, np.arange(4), np.arange(4), length)


def curve(length: int) -> Task:
    """Learned at some points, tested at those between."""
    return Task(*CURVE, np.arange(0, 17, 2), np.arange(1, 17, 2), length)


def main(
    size: str = "full", out: str = "runs/heb_self_learning.h5", target="standalone"
) -> dict[str, np.ndarray]:
    """Learn, record; the cost after learning, by task, one a seed."""
    xor_length, curve_length, seeds = SIZES[size]
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    found = {}
    with h5py.File(out, "w") as file:
        file.attrs["source"], file.attrs["inverse_mass"] = HEB.source, INVERSE_MASS
        task = xor(xor_length)
        machine = assemble(task, target)
        for name, nudged in (("xor", True), ("xor_without_kick", False)):
            found[name] = record(file, name, machine, task, range(seeds), nudged)
            solved = (file[name]["tested"][:] < NEARER).all(axis=1)
            file[name]["solved"] = solved
            print(f"{name}: {solved.sum()} of {seeds} seeds solved", flush=True)
        task = curve(curve_length)
        machine = assemble(task, target)
        found["curve"] = record(file, "curve", machine, task, range(seeds))
        print(f"curve: cost {found['curve'].mean():.1e} between the points")
    print(f"recorded in {out}")
    return found


def assemble(task: Task, target: str) -> Simulation:
    """The machine, for runs as long as the task."""
    settings = Settings(
        layers=(task.inputs.shape[1], NEURONS),
        connections=((0, 1), (1, 1)),
        eta=(0.02,),
        beta=1e-3,
        free=4.0,
        nudged=4.0,
        step=0.1,
        batch=1,
        nudging="symmetric",
        judged=0.0,
        read=1,
    )
    with on_target(target):
        network = build_network(
            HEB,
            settings,
            capacity=task.length + len(task.tested),
            set_values=target != "standalone",
        )
        return make_simulation(network)


def record(
    file: h5py.File,
    name: str,
    machine: Simulation,
    task: Task,
    seeds: Iterable[int],
    nudged: bool = True,
) -> np.ndarray:
    """Learn a task from every seed; the mean cost of its tests (seeds,)."""
    costs = np.array([learn(machine, task, seed, nudged) for seed in seeds])
    group = file.create_group(name)
    group["cost"], group["tested"] = costs[:, : task.length], costs[:, task.length :]
    return group["tested"][:].mean(axis=1)


def learn(machine: Simulation, task: Task, seed: int, nudged: bool) -> np.ndarray:
    """The cost of every presentation of a run, and of the tests after them."""
    plan = machine.plan
    order = np.concatenate([shuffled(task, seed), task.tested])
    p = plan.presentations
    values = parameters(plan, seed)
    schedule = Schedule(
        task.inputs,
        order,
        learn=np.arange(len(order)) < task.length,
        targets=task.targets,
        target_frames=1,
    )
    if not nudged:
        values[f"{p}.phase_nudge"] = np.zeros_like(plan.values[f"{p}.phase_nudge"])
    found = machine.run(schedule, values, [f"{p}.cost"])
    return found[f"{p}.cost"]


def parameters(plan: Plan, seed: int) -> dict:
    """Where parameters start, their momenta at rest, and what governs them."""
    drawn = initial_weights(HEB, plan.settings, seed)
    values: dict[str, np.ndarray | float] = {}
    for name, start in plan.starts.items():
        first = drawn.get(name, np.full(start.shape, start.value))
        values[plan.weights[name]] = first * plan.unit
        if name != "mass_output":
            values[f"{name}.momentum"] = 0.0
            values[f"{name}.inverse_mass"] = INVERSE_MASS
            values[f"{name}.damping"] = DAMPING
    return values


def shuffled(task: Task, seed: int) -> np.ndarray:
    """Rows to learn, every one once before any comes again."""
    draw, rows = np.random.default_rng(seed), task.learned
    turns = [draw.permutation(rows) for _ in range(-(-task.length // len(rows)))]
    return np.concatenate(turns)[: task.length]


if __name__ == "__main__":
    main("full", *sys.argv[1:])
