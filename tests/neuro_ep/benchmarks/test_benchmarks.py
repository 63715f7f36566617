"""Benchmarks compare like with like: nothing here asserts a time."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuro_ep import benchmarks
from neuro_ep.benchmarks import compared, memory, scaling, work
from neuro_ep.benchmarks.continual_ep import SETTINGS
from neuro_ep.errors import InputError, RunError
from neuro_ep.models.dyads.dual_propagation import DUAL_PROPAGATION
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.settings import changed

ROOT = Path(__file__).parents[3]
SMALL = replace(
    SETTINGS["continual-ep"], layers=(30, 12, 10), free=6, nudged=4, batch=1
)
SHOWN = 3


@pytest.fixture
def ours(build_cache, monkeypatch, tmp_path):
    """The small network, one sample at a time."""
    monkeypatch.setenv("NEURO_EP_CACHE", str(build_cache))
    return work.ours(CONTINUAL_EP, work.make_work(SMALL, SHOWN + 2), tmp_path)


# --- the peers ---


@pytest.mark.exhaustive
def test_stock_synapses_compute_the_same(ours, tmp_path):
    from neuro_ep.benchmarks import stock_brian2

    peer = stock_brian2.stock(CONTINUAL_EP, SMALL, SHOWN, tmp_path / "peer")
    assert stock_brian2.compare(ours, peer) < 1e-3
    peer.weights["input_to_hidden"] = peer.weights["input_to_hidden"] * 1.1
    with pytest.raises(RunError, match="do not compute the same thing"):
        stock_brian2.compare(ours, peer)


def test_torch_computes_the_same(ours):
    pytest.importorskip("torch")
    from neuro_ep.benchmarks import continual_ep

    learned, batches = ours.run(), continual_ep._batches(ours.work)
    for kind in continual_ep._kinds().values():
        error = continual_ep.checked_difference(kind, ours, batches, learned)
        assert error < 1e-3


def test_a_wrong_torch_peer_is_found_out(ours):
    pytest.importorskip("torch")
    from neuro_ep.benchmarks import continual_ep, peer_torch

    class Wrong(peer_torch.DiscreteContinualEP):
        def present(self, inputs, targets, beta):
            super().present(inputs, targets, -beta)

    batches = continual_ep._batches(ours.work)
    with pytest.raises(RunError, match="Wrong differ by"):
        continual_ep.checked_difference(Wrong, ours, batches, ours.run())


def test_backpropagation_does_the_work_of_dyads(build_cache, monkeypatch, tmp_path):
    pytest.importorskip("torch")
    from neuro_ep.benchmarks import dual_propagation

    monkeypatch.setenv("NEURO_EP_CACHE", str(build_cache))
    settings = changed(dual_propagation.SETTINGS, layers=(30, 12, 10), batch=2)
    dyads = work.ours(DUAL_PROPAGATION, work.make_work(settings, 5), tmp_path)
    train = dual_propagation._peer()
    learned, theirs = dyads.run(), train(dyads)
    assert work.same(learned, theirs, dyads.weights, "backpropagation") < 1e-3
    dyads.weights["hidden_to_output"] = -dyads.weights["hidden_to_output"]
    with pytest.raises(RunError, match="do not compute the same thing"):
        work.same(learned, train(dyads), dyads.weights, "backpropagation")


def test_same_is_relative_to_the_change_of_the_peer():
    before, theirs = {"w": np.zeros(4)}, {"w": np.ones(4)}
    near, far = {"w": np.full(4, 1.001)}, {"w": np.full(4, 1.1)}
    assert work.same(near, theirs, before, "it") == pytest.approx(1e-3)
    with pytest.raises(RunError, match="ours and it differ by 1.0e-01"):
        work.same(far, theirs, before, "it")
    with pytest.raises(RunError):
        work.same({"w": np.full(4, np.nan)}, theirs, before, "it")


# --- the work ---


def test_longer_work_begins_with_shorter():
    short, long = work.make_work(SMALL, 2), work.make_work(SMALL, 5)
    for part in ("order", "labels", "signs"):
        assert np.array_equal(getattr(short, part), getattr(long, part)[:2])
    assert np.array_equal(short.inputs, long.inputs)


# --- what is measured ---


def test_memory_counts_weights_and_states(ours, tmp_path):
    """Of the neurons: x; s, s_last, three currents; s, s_last, two and the target."""
    synapses = 30 * 12 + 12 * 10 + 12 + 10
    assert scaling.needed_bytes(ours) == 4 * (synapses + 30 + 5 * 12 + 5 * 10)
    peak = scaling.peak_bytes(ours)
    assert 1e6 < peak < 100e6


def test_memory_is_measured_on_linux_only(monkeypatch, tmp_path):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    with pytest.raises(InputError, match="on Linux only"):
        memory.environment(tmp_path / "peak")


@pytest.mark.parametrize("size", scaling.SIZES)
def test_updates_of_wide_networks_stay_small(size):
    inputs, hidden = size.settings.eta
    assert hidden * size.width <= 0.0028 * max(size.width, scaling.WIDTH)
    assert scaling.FEWEST < size.presentations <= scaling.MOST + 1


def test_compared_takes_ratios_round_by_round():
    result = compared({"ours": [1.0, 2.0, 1.0], "peer": [2.0, 6.0, 5.0]})
    assert result["ratio"] == 3 and result["ratio_range"] == [2, 5]
    assert (result["ours_s"], result["peer_s"], result["rounds"]) == (1, 5, 3)


def test_every_benchmark_is_run_by_make():
    lines = (ROOT / "Makefile").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("BENCHMARKS :=")]
    assert set(line.split()[2:]) == set(benchmarks.BENCHMARKS)


def test_unknown_benchmark():
    with pytest.raises(InputError, match="no benchmark is called 'nonesuch'; choose"):
        benchmarks.run("nonesuch", CONTINUAL_EP)


# --- the picture ---


def test_scaling_figure(tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import scaling_figure

    keys = {"synapses": 1, "us_per_step": 2.0, "peak_bytes": 3}
    rows = [{"width": w, "replicas": r, **keys} for w, r in [(8, 2), (16, 2), (8, 4)]]
    result = tmp_path / "scaling.json"
    result.write_text(json.dumps({"rows": rows, "growth": 1.1, "memory_ratio": 1.2}))
    numbers = scaling_figure.draw(result, tmp_path / "scaling.png")
    assert (numbers["growth"], numbers["memory_ratio"]) == (1.1, 1.2)
    assert (tmp_path / "scaling.png").stat().st_size > 1000
    result.write_text("{}")
    with pytest.raises(InputError, match="no rows"):
        scaling_figure.draw(result, tmp_path / "scaling.png")
