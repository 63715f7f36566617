"""The same network with Brian2's own Synapses, built as Brian2 builds it.

Stock Synapses have no batch: a presentation is one sample. Both programs run the same
equation text in float32, in C++ standalone, and the same schedule of presentations. The
time to start and end a program is taken off by running it at two lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from brian2 import Equations, Synapses

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.continual_ep import SETTINGS
from neuro_ep.benchmarks.work import (
    Program,
    make_work,
    network_for,
    ours,
    same,
    scratch,
)
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.training.initial_weights import initial_weights

#: Presentations timed, of one sample for the peer and of a batch for ours, beyond the
#: first that takes off the start.
COUNTED = {"peer": 20, "batch1": 600, "ours": 400}


def run(
    name: str,
    rule: Rule,
    rounds: int,
    settings: Settings = SETTINGS["continual-ep"],
    counted: dict[str, int] = COUNTED,
) -> dict:
    """Seconds are per sample: the peer's, ours in a batch, ours one at a time."""
    single = replace(settings, batch=1)
    with scratch() as folder:
        programs = {
            "peer": stock(rule, single, 1 + counted["peer"], Path(folder, "peer")),
            "batch1": _ours(rule, single, 1 + counted["batch1"], Path(folder, "one")),
            "ours": _ours(rule, settings, 1 + counted["ours"], Path(folder, "batch")),
        }
        error = compare(programs["batch1"], programs["peer"])
        works: dict[str, Callable[[], object]] = {}
        for key, program in programs.items():
            works[f"{key}_start"] = partial(program.run, 1)
            works[key] = program.run
        seconds = in_turn(rounds, **works)
    for key, program in programs.items():
        samples = counted[key] * program.work.settings.batch
        starts = seconds.pop(f"{key}_start")
        pairs = zip(seconds[key], starts, strict=True)
        seconds[key] = [(whole - start) / samples for whole, start in pairs]
    alone = compared({"ours": seconds["batch1"], "peer": seconds["peer"]})
    return {
        **compared(seconds),
        "ours_batch1_s": alone["ours_s"],
        "ratio_batch1": alone["ratio"],
        "difference": error,
    }


def compare(one: Program, peer: Program) -> float:
    """Difference of the weights after the peer's samples; RunError if there is any.

    The work of ``one`` begins with the peer's.
    """
    return same(
        one.run(peer.work.presentations), peer.run(), peer.weights, "stock Brian2"
    )


def _ours(rule, settings, presentations, folder: Path) -> Program:
    folder.mkdir()
    return ours(rule, make_work(settings, presentations), folder)


def stock(rule: Rule, settings: Settings, presentations: int, folder: Path) -> Program:
    """The network with stock Synapses, compiled with Brian2's own makefile."""
    folder.mkdir()
    work = make_work(settings, presentations)
    network = network_for(rule, work, connect=stock_synapses)
    bundle = device.brian2_bundle(network, folder / "project")
    for name in set(network.values) - set(bundle.variables):
        del network.values[name]  # left out, see stock_synapses
    return Program(network, bundle, work, initial_weights(rule, settings, 0), folder)


def stock_synapses(pre, post, model, *, clock, when, order, name, **of_dense):
    """``Synapses`` from all to all, called like ``DenseSynapses`` with one replica.

    A parameter that the postsynaptic neurons have too is left out: stock Synapses allow
    no second one, and read that of the neurons, which has the same value.
    """
    own = [eq for eq in model.values() if eq.varname not in post.equations.names]
    synapses = Synapses(
        *(pre, post, Equations(own)),
        method="euler",
        clock=clock,
        order=order,
        name=name,
    )
    synapses.state_updater.when = when
    synapses.connect()
    return synapses
