"""A run of 10,000 steps recorded at every one of them, beside the same run alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuro_ep.benchmarks import compared, in_turn, memory
from neuro_ep.benchmarks.work import Program as Unrecorded
from neuro_ep.benchmarks.work import Work, make_work, network_for, same, scratch
from neuro_ep.records.probe import Probe
from neuro_ep.records.rule import Rule
from neuro_ep.run import build as device
from neuro_ep.run.recorded import told
from neuro_ep.training.initial_weights import initial_weights

LAYERS, STEPS = (64, 990, 10), 10_000

RECORD = (Probe("hidden", ("m",)), Probe("output", ("m",)))


class Recorded(Unrecorded):
    """The same program, told to write what is looked at into its folder."""

    def _values(self, shown: int) -> dict[str, np.ndarray | float]:
        chosen = np.ones(self.network.presentations.shape["capacity"])
        looked = told(self.network.tracks, self.samples.parent, chosen)
        return super()._values(shown) | looked


def run(name: str, rule: Rule, rounds: int) -> dict:
    """``ratio``: the time alone over the time recorded; and what memory it adds."""
    usual = rule.settings("digits", layers=LAYERS, batch=1)
    settings = rule.settings(
        "digits", layers=LAYERS, batch=1, free=STEPS * usual.step, nudged=usual.step
    )
    work = make_work(settings, presentations=1)
    with scratch() as folder:
        place = Path(folder)
        alone = _program(Unrecorded, rule, work, place / "alone", ())
        recorded = _program(Recorded, rule, work, place / "recorded", RECORD)
        before = initial_weights(rule, settings, 0)
        same(recorded.run(), alone.run(), before, "the run alone")
        seconds = in_turn(rounds, ours=recorded.run, peer=alone.run)
        peaks = [_peak(program, place / "peak") for program in (recorded, alone)]
        tracks = recorded.network.tracks
        written = sum(
            (place / "recorded" / f"track_{t.number}.raw").stat().st_size
            for t in tracks
        )
    return {
        **compared(seconds),
        "neurons": sum(len(track.columns) for track in tracks),
        "steps": sum(recorded.network.phase_steps()),
        "written_bytes": written,
        "added_memory_bytes": peaks[0] - peaks[1],
    }


def _program(kind, rule: Rule, work: Work, folder: Path, record) -> Unrecorded:
    folder.mkdir()
    network = network_for(rule, work, record=record)
    device.write_endless_run(network)
    bundle, _ = device.build_bundle(network.dtype)
    weights = initial_weights(rule, work.settings, 0)
    return kind(network, bundle, work, weights, folder)


def _peak(program: Unrecorded, file: Path) -> int:
    program.run(None, **memory.environment(file))
    return memory.peak_bytes(file)
