"""Command lines that no run can follow: refused at once, in a line."""

import pytest

TRAIN = ("train", "digits", "--rule", "continual-ep", "--target", "numpy")
SMALL = ("--layers", "64,4,10", "--epochs", "1", "--free", "2", "--nudged", "1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--layers 64,10000000000,10", "would take 7e+03 GiB or more"),
        ("--layers 64,1000000000,10", "GiB or more"),
        ("--layers 64,500000,10 --connections 0-1,1-1,1-2 --eta 1", "GiB or more"),
        ("--connections 0-1,0-2", "layer [1] reaches no output"),
        ("--plastic-every 99999999999999999999", "from 1 to 1e+09"),
        (f"--layers 64,{'9' * 380},10", "give whole numbers from 1 to 1e+15"),
        (f"--batch {'9' * 380}", "give a whole number from 1 to 1e+15"),
        ("--epoch 3", "unrecognized arguments: --epoch"),
        ("--batch 1_0", "'1_0' is not a whole number"),
        ("--eta 0.0_1", "'0.0_1' is not a number"),
        ("--out x/", "--out x/: name a file in this folder"),
        ("--image 1,8,8", "it is read with filters; give both or none"),
        ("--seed 99999999999999999999999", "from 0, below 2**63"),
    ],
)
def test_training_is_refused(told, here, line, message):
    status, output, said = told(*TRAIN, *line.split())
    assert (status, output, len(said)) == (2, "", 1) and message in said[0]
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bench continual-ep --rounds 0", "rounds = 0: give a whole number from 1"),
        ("bench continual-ep --rounds -1", "rounds = -1: give a whole number from 1"),
        ("bench continual-ep --rounds x", "'x' is not a whole number"),
        ("check ep --batch 999999999999", "GiB or more, and this machine has"),
        ("check ep --batch 0", "batch = 0: give a whole number from 1"),
        ("check spiking-ep --batch -3", "batch = -3: give a whole number from 1"),
        ("check dyadic --layers 2,0", "(2, 0): give whole numbers from 1"),
        ("check dyadic --layers 2", "name at least two"),
        ("check dyadic --layers 2,2", "the check joins an input and two layers"),
        (f"check ep --layers 5,{'9' * 380},3", "give whole numbers from 1 to 1e+15"),
        (f"order ep --layers {'9' * 380}", "give whole numbers from 1 to 1e+15"),
        ("check ep --layers 5,10000000000,3", "GiB or more"),
        ("check ep --seed 99999999999999999999999", "from 0 to 4294967295"),
        ("check glep-natural --seed -1", "whole number from 0"),
    ],
)
def test_checks_and_benchmarks_are_refused(told, line, message):
    status, output, said = told(*line.split())
    assert (status, output, len(said)) == (2, "", 1) and message in said[0]


@pytest.mark.parametrize("word", ["a\0b.h5", "a\udcffb.h5"])
@pytest.mark.parametrize("option", ["info", "--out", "--data", "--figure"])
def test_names_that_no_system_call_takes(told, option, word):
    words = (*TRAIN, option, word) if option.startswith("-") else (option, word)
    status, _, said = told(*words)
    assert (status, len(said)) == (2, 1)
    assert "has a NUL byte" in said[0] or "is not UTF-8" in said[0]


@pytest.mark.parametrize(
    "words",
    [
        ("info", "x" * 5000),
        (*TRAIN, "--nudging", "x" * 5000),
        (*TRAIN, "--layers", "x" * 5000),
        (*TRAIN, "--layers", ",".join(["64", *["3"] * 3000, "9"])),
        (*TRAIN, "--eta", ",".join(["0.1"] * 2000)),
        ("train", "x y " * 2000, "--rule", "ep"),
        ("x" * 5000,),
        ("list", "--rule", "x" * 5000),
        ("bench", "x" * 5000),
    ],
)
def test_long_arguments_are_cut(told, words):
    status, output, said = told(*words)
    assert (status, output, len(said)) == (2, "", 1)
    assert len(said[0]) < 2100 and "x" * 400 not in said[0]


def test_control_characters_are_written_out(told):
    status, _, said = told("info", "a\x1b[31m\nb\r")
    assert (status, len(said)) == (2, 1)
    assert said[0].isprintable() and "\\x1b[31m" in said[0]


@pytest.mark.parametrize(
    "line",
    [
        "--rule continual-ep --allow-gain --eta 1e30",
        "--rule continual-ep --allow-gain --eta 1e308,1e308 --dtype float64",
        "--rule ep --beta 1e300 --dtype float64",
        "--rule ep --eta 1e39",
    ],
)
def test_divergence_is_told_in_two_lines(told, line):
    words = ("train", "digits", "--target", "numpy", "--out", "run.h5", "--json")
    status, output, said = told(*words, *SMALL, "--step", "1", *line.split())
    assert status in (1, 2) and output == "" and len(said) <= 2
    assert "diverged" in said[-1] or "eta" in said[-1]


def test_no_memory_is_told_in_a_line(told, monkeypatch):
    from neuro_ep.training import train

    def none_left(*_):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(train, "initial_weights", none_left)
    status, _, said = told(*TRAIN)
    assert (status, len(said)) == (2, 1)
    assert "not enough memory (Unable to allocate 9 GiB)" in said[0]
