"""Benchmarks: ours and a peer in turn on the same work, several rounds, in one call.

Both must first compute the same thing. Ratios are peer/ours, the median over rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib import import_module

from neuro_ep.errors import InputError
from neuro_ep.records.rule import Rule

#: Benchmark -> (module, name of its rule, what it compares).
BENCHMARKS = {
    "continual-ep": (
        *("continual_ep", "continual-ep"),
        "784-512-10, T=40, K=15, beside PyTorch",
    ),
    "continual-ep-deep": (
        *("continual_ep", "continual-ep"),
        "784-512-512-10, T=100, K=20, PyTorch",
    ),
    "dual-propagation": (
        *("dual_propagation", "dual-propagation"),
        "an epoch of 784-512-512-10, one sweep, beside backpropagation in PyTorch",
    ),
    "rhel": (
        *("rhel", "rhel"),
        "64 and 256 neurons, 1,000 and 10,000 steps, beside BPTT in PyTorch",
    ),
    "dense-step": (
        *("dense_step", "continual-ep"),
        "a step of 784-512-10 beside its bare BLAS calls",
    ),
    "stock-brian2": (
        *("stock_brian2", "continual-ep"),
        "the same network with Brian2's Synapses",
    ),
    "scaling": (
        *("scaling", "continual-ep"),
        "time and memory of 784-W-10 for growing W and batch",
    ),
    "blas-limit": (
        *("blas_limit", "continual-ep"),
        "a deep training step beside its matrix products",
    ),
    "recording": (
        *("recording", "dyadic-compartments"),
        "1,000 dyads recorded at each of 10,000 steps, beside the run alone",
    ),
}

MOST_ROUNDS = 10_000


def rule_of(name: str) -> str:
    """The name of the rule that a benchmark runs.

    Raises
    ------
    InputError
        For an unknown benchmark.
    """
    if name not in BENCHMARKS:
        raise InputError(
            f"no benchmark is called {name!r}; choose from {', '.join(BENCHMARKS)}"
        )
    return BENCHMARKS[name][1]


def run(name: str, rule: Rule, rounds: int = 5) -> dict:
    """Run one benchmark; the dict has at least ours_s, peer_s, ratio and rounds.

    ``rule`` is that of :func:`rule_of`: the machinery is given a model, it never
    imports one.

    Raises
    ------
    InputError
        For an unknown name, for no rounds at all, or where the peer is not installed.
    RunError
        If ours and the peer do not compute the same thing.
    """
    rule_of(name)
    if not 1 <= rounds <= MOST_ROUNDS:
        raise InputError(
            f"rounds = {rounds}: give a whole number from 1 to {MOST_ROUNDS}"
        )
    module = import_module(f"neuro_ep.benchmarks.{BENCHMARKS[name][0]}")
    return {"name": name, **module.run(name, rule, rounds)}


def in_turn(rounds: int, **works: Callable[[], object]) -> dict[str, list[float]]:
    """Seconds of every work in every round, after one that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def compared(seconds: dict[str, list[float]], peer: str = "peer") -> dict:
    """Medians, and the median and range of the ratio round by round."""
    ratios = [b / a for a, b in zip(seconds["ours"], seconds[peer], strict=True)]
    return {
        "ours_s": statistics.median(seconds["ours"]),
        "peer_s": statistics.median(seconds[peer]),
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "rounds": len(ratios),
    }
