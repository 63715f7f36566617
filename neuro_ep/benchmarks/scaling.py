"""How time and memory grow with the width of the hidden layer and with replicas.

Layers 784-W-10 of discrete continual EP. Time is that of a step: of a whole
presentation, divided by its steps; starting a program is taken off by running it at two
lengths. Memory is the most that the program held, less what it holds with one hidden
unit and one replica, which is the program and its libraries; the blocks that BLAS
copies and what is kept of held sources are in it. It is compared with weights and
states alone.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neuro_ep.benchmarks import in_turn, memory
from neuro_ep.benchmarks.continual_ep import SETTINGS
from neuro_ep.benchmarks.work import Program, make_work, ours, scratch
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

WIDTHS = (256, 512, 1024, 2048, 4096, 8192)
REPLICAS = (1, 4, 16, 64, 256)
BATCH, WIDTH = 20, 512
SAMPLES = 20

#: Widths whose times per synapse are compared.
GROWTH = (1024, 8192)

#: How long the work is: about so many synapses times replicas times presentations.
EVALUATED = 1e9

#: Fewest and most presentations timed.
FEWEST, MOST = 10, 400


@dataclass(frozen=True)
class Size:
    """A network to measure."""

    width: int
    replicas: int

    @property
    def settings(self) -> Settings:
        """Learning rates fall with the width, so that updates stay as they are."""
        chosen = SETTINGS["continual-ep"]
        inputs, outputs = chosen.layers[0], chosen.layers[-1]
        return replace(
            chosen,
            layers=(inputs, self.width, outputs),
            eta=(chosen.eta[0], chosen.eta[1] * WIDTH / max(self.width, WIDTH)),
            batch=self.replicas,
        )

    @property
    def synapses(self) -> int:
        inputs, hidden, outputs = self.settings.layers
        return inputs * hidden + hidden * outputs

    @property
    def presentations(self) -> int:
        """One that takes off the start, and those that are timed."""
        enough = round(EVALUATED / (self.synapses * self.replicas))
        return 1 + min(max(enough, FEWEST), MOST)


SIZES = (
    *(Size(width, BATCH) for width in WIDTHS),
    *(Size(WIDTH, replicas) for replicas in REPLICAS),
)


def run(name: str, rule: Rule, rounds: int, sizes=SIZES) -> dict:
    """``rows``, one a size; ``growth`` is the time per synapse of the widest network
    over that of one of width 1024, ``memory_ratio`` the worst of the rows.
    """
    start = measured(rule, Size(1, 1), 1, 0)["peak_bytes"]
    rows = [measured(rule, size, rounds, start) for size in sizes]
    by_width = {row["width"]: row for row in rows if row["replicas"] == BATCH}
    cost = {width: row["ps_per_synapse"] for width, row in by_width.items()}
    narrow, wide = GROWTH
    return {
        "rows": rows,
        "growth": cost[wide] / cost[narrow] if {narrow, wide} <= set(cost) else None,
        "memory_ratio": max(row["memory_ratio"] for row in rows),
        "program_bytes": start,
        "rounds": rounds,
    }


def measured(rule: Rule, size: Size, rounds: int, program_bytes: int) -> dict:
    """One row: what a network of this size costs."""
    work = make_work(size.settings, size.presentations, SAMPLES)
    with scratch() as folder:
        program = ours(rule, work, Path(folder))
        seconds = in_turn(rounds, start=lambda: program.run(1), whole=program.run)
        peak = peak_bytes(program)
    pairs = zip(seconds["whole"], seconds["start"], strict=True)
    steps = (size.presentations - 1) * int(size.settings.free + size.settings.nudged)
    step = statistics.median(whole - start for whole, start in pairs) / steps
    needed = needed_bytes(program)
    return {
        "width": size.width,
        "replicas": size.replicas,
        "synapses": size.synapses,
        "us_per_step": step * 1e6,
        "ps_per_synapse": step / size.synapses * 1e12,
        "ps_per_synapse_and_replica": step / size.synapses / size.replicas * 1e12,
        "peak_bytes": peak,
        "needed_bytes": needed,
        "memory_ratio": (peak - program_bytes) / needed,
    }


def needed_bytes(program: Program) -> int:
    """Weights, and all that the neurons store: a value a replica, neuron, variable."""
    network = program.network
    neurons = {layer.name: len(layer) for layer in network.layers}
    total = 0
    for name, found in program.bundle.variables.items():
        group = name.split(".")[0]
        state = found["size"] == neurons.get(group) and found["settable"]
        if state or name in network.weights.values():
            total += found["size"] * np.dtype(found["dtype"]).itemsize
    return total


def peak_bytes(program: Program) -> int:
    """The most memory that the program held in a run of two presentations."""
    file = program.samples.with_name("peak")
    program.run(2, **memory.environment(file))
    return memory.peak_bytes(file)
