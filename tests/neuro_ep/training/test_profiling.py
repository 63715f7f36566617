"""Where the time of an epoch goes: every object is named, and the shares add up."""

from types import SimpleNamespace

import pytest

from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.tasks import load
from neuro_ep.training import profiling
from neuro_ep.training import train as training
from neuro_ep.training.profiling import REST, Share, profile_epoch, table

#: What a network with one hidden layer computes, in the words of its equations.
COMPUTED = {
    "presentations: samples, phases, predictions",
    "hidden: dv/dt",
    "output: dv/dt",
    "hidden: rho",
    "output: rho",
    "input_to_hidden: dw/dt",
    "hidden_to_output: dw/dt",
    "hidden_to_output: I_feedback_pre, I_forward_post",
    "bias_hidden: db/dt",
    "bias_output: db/dt",
    "bias_hidden: I_bias_post",
    "bias_output: I_bias_post",
    "input_to_hidden: I_forward_post",
}
HELD = {"input_to_hidden: dw/dt", "input_to_hidden: I_forward_post"}


@pytest.fixture
def epochs(monkeypatch):
    """An epoch of four seconds whose objects took three, and their words."""
    seconds = {"fast": 0.5, "slow": 2.0, "middle": 0.5}
    words = {name: f"{name}: dv/dt" for name in seconds}
    monkeypatch.setattr(profiling, "described", lambda network: words)
    return SimpleNamespace(
        show=lambda epoch, state: (state, {"wall_s": 4.0}, {}),
        simulation=SimpleNamespace(network=None, seconds=seconds),
    )


def test_slowest_first_and_the_rest_last(epochs):
    shares = profile_epoch(epochs, {})
    assert shares[0] == Share("slow: dv/dt", 2.0, 0.5)
    assert {share.what for share in shares[1:3]} == {"fast: dv/dt", "middle: dv/dt"}
    assert shares[3] == Share(REST, 1.0, 0.25)


def test_rest_is_never_negative(epochs):
    epochs.simulation.seconds["slow"] = 5.0
    assert profile_epoch(epochs, {})[-1] == Share(REST, 0.0, 0.0)


def test_table_has_a_line_for_each_share():
    lines = table([Share("a: dv/dt", 1.5, 0.75), Share(REST, 0.5, 0.25)]).splitlines()
    assert len(lines) == 3
    assert lines[1].split() == ["a:", "dv/dt", "1.500", "75.0", "%"]
    assert len({len(line) for line in lines}) == 1


def test_every_object_is_named_in_this_process():
    settings = CONTINUAL_EP.settings(
        "digits", layers=(64, 8, 10), step=1, free=3, nudged=2, batch=300, eta=(0.01,)
    )
    shares = training.profile(CONTINUAL_EP, load("digits"), settings, target="numpy")
    assert {share.what for share in shares} == COMPUTED | {REST}
    check(shares)


@pytest.mark.exhaustive
def test_command_line_profiles_the_compiled_program(train, tmp_path):
    printed, _ = train(tmp_path / "run.h5", "--profile")
    shares = [Share(**row) for row in printed["profile"]]
    held = {f"{what} (held)" for what in HELD}
    assert {share.what for share in shares} == (COMPUTED - HELD) | held | {REST}
    check(shares)


def test_profile_is_printed_below_the_result(command, tmp_path):
    small = "--layers 64,8,10 --epochs 1 --free 2 --nudged 1 --step 1 --batch 300"
    process = command(
        *("train", "digits", "--rule", "continual-ep", *small.split()),
        *("--eta", "0.01", "--target", "numpy", "--profile"),
        *("--out", tmp_path / "run.h5"),
    )
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    result, where = output.split("\n\n")
    assert "test accuracy" in result
    assert where.startswith("where the time goes") and "hidden: dv/dt" in where


def check(shares):
    """Every object took time, no time is counted twice, and none is missing."""
    assert shares[-1].what == REST
    assert all(share.seconds > 0 for share in shares[:-1])
    assert sum(share.share for share in shares) == pytest.approx(1)
    seconds = [share.seconds for share in shares[:-1]]
    assert seconds == sorted(seconds, reverse=True)
