"""A deep training step beside its irreducible matrix products alone."""

from __future__ import annotations

from pathlib import Path

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.continual_ep import SETTINGS
from neuro_ep.benchmarks.products import compiled, of_presentation
from neuro_ep.benchmarks.work import make_work, ours, scratch
from neuro_ep.records.rule import Rule

PRESENTATIONS = 40
FEW = 4


def run(name: str, rule: Rule, rounds: int) -> dict:
    """``times_limit`` is ours over the products; starting a program is taken off."""
    settings = SETTINGS["continual-ep-deep"]
    work = make_work(settings, PRESENTATIONS)
    products = compiled(
        of_presentation(
            settings.layers, settings.batch, int(settings.free), int(settings.nudged)
        )
    )
    counted = PRESENTATIONS - FEW
    with scratch() as folder:
        program = ours(rule, work, Path(folder))
        program.run()
        seconds = in_turn(
            rounds,
            start=lambda: program.run(FEW),
            whole=program.run,
            peer=lambda: products(counted),
        )
    seconds["ours"] = [
        whole - start
        for whole, start in zip(seconds["whole"], seconds["start"], strict=True)
    ]
    result = compared(seconds)
    steps = counted * int(settings.free + settings.nudged)
    return {
        **result,
        "times_limit": 1 / result["ratio"],
        "ours_us_per_step": result["ours_s"] / steps * 1e6,
        "products_us_per_step": result["peer_s"] / steps * 1e6,
    }
