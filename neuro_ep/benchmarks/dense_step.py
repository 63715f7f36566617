"""A nudged step of 784-512-10 with every product computed, beside bare BLAS calls."""

from __future__ import annotations

from pathlib import Path

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.products import Product, compiled
from neuro_ep.benchmarks.work import make_work, ours, scratch
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SETTINGS = Settings(
    layers=(784, 512, 10),
    eta=(1e-4,),
    beta=0.5,
    free=1,
    nudged=199,
    step=1,
    dynamics="discrete",
)

PRESENTATIONS = 12
FEW = 2


def run(name: str, rule: Rule, rounds: int) -> dict:
    """``times_limit``: the plain path over its BLAS calls; and with held input."""
    work = make_work(SETTINGS, PRESENTATIONS)
    counted = (PRESENTATIONS - FEW) * int(SETTINGS.free + SETTINGS.nudged)
    inputs, hidden, outputs = SETTINGS.layers
    products = compiled(_products(inputs, hidden, outputs, SETTINGS.batch))
    with scratch() as folder:
        plain = ours(rule, work, Path(folder), hold=False)
        held = ours(rule, work, Path(folder))
        seconds = in_turn(
            rounds,
            start=lambda: plain.run(FEW),
            whole=plain.run,
            held_start=lambda: held.run(FEW),
            held_whole=held.run,
            peer=lambda: products(counted),
        )
    seconds["ours"] = _difference(seconds["whole"], seconds["start"])
    result = compared(seconds)
    seconds["ours"] = _difference(seconds["held_whole"], seconds["held_start"])
    return {
        **result,
        "times_limit": 1 / result["ratio"],
        "held_times_limit": 1 / compared(seconds)["ratio"],
        "ours_us_per_step": result["ours_s"] / counted * 1e6,
        "products_us_per_step": result["peer_s"] / counted * 1e6,
    }


def _difference(whole: list[float], start: list[float]) -> list[float]:
    return [a - b for a, b in zip(whole, start, strict=True)]


def _products(inputs: int, hidden: int, outputs: int, batch: int) -> list[Product]:
    return [
        Product(batch, hidden, inputs, 0, 1, 2),
        Product(batch, outputs, hidden, 2, 3, 4),
        Product(batch, hidden, outputs, 4, 3, 5, transpose_right=True),
        Product(
            *(inputs, hidden, batch, 0, 6, 1), transpose_left=True, accumulate=True
        ),
        Product(
            *(hidden, outputs, 2 * batch, 7, 8, 3),
            transpose_left=True,
            accumulate=True,
        ),
    ]
