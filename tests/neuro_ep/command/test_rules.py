"""A rule of a user's own, in a file: every command takes it, and says what is wrong."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_ep import Dataset, find_rule, open_recording, train
from neuro_ep.command.main import main
from neuro_ep.errors import InputError
from neuro_ep.testing import check_rule

FILE = Path(__file__).parents[3] / "sims" / "my_rules.py"
DECAY = f"{FILE}:DECAY"
SHORT = ("--layers", "64,8,10", "--batch", "120", "--epochs", "1", "--target", "numpy")


def test_it_is_short_and_keeps_the_contracts():
    assert len(FILE.read_text().splitlines()) <= 40
    check_rule(find_rule(DECAY))


@pytest.mark.parametrize("command", ["equations", "order"])
def test_it_is_printed(command, capsys):
    assert main([command, DECAY, "--layers", "64,8,10"]) == 0
    assert "w" in capsys.readouterr().out


def test_it_is_listed_with_what_it_reads(capsys):
    assert main(["list", "--rule", DECAY, "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)["rules"].values()
    assert "decay" in rule["parameters"] and "alpha" not in rule["parameters"]


def test_its_weights_fade(tmp_path):
    def size(decay):
        out = tmp_path / f"{decay}.h5"
        words = ("train", "digits", "--rule", DECAY, "--decay", decay, "--json")
        assert main([*words, *SHORT, "--out", str(out)]) == 0
        with h5py.File(out) as file:
            return np.linalg.norm(file["neuro_ep/weights/input_to_hidden/final"])

    assert size("0.2") < 0.5 * size("0")


@pytest.mark.parametrize(
    "choice",
    [{}, {"nudging": "symmetric"}, {"plastic_every": 3}, {"nudged": 0.5}],
)
def test_the_share_that_fades_is_that_of_a_presentation(choice, tmp_path):
    """However many phases and steps a presentation has in which weights may change."""
    rule, rows = find_rule(f"{FILE}:DECAY"), np.arange(100)
    nothing = np.zeros((100, 6), np.float32)
    data = Dataset("nothing", nothing, rows % 3, rows[:80], rows[80:], 3, (6,), "none")
    settings = rule.settings(
        "digits", layers=(6, 8, 3), epochs=1, eta=0, decay=1e-2, batch=20, **choice
    )
    out = tmp_path / "run.h5"
    train(rule, data, settings, out=out, target="numpy", on_warning=str)
    with open_recording(out) as run:
        weights = run.weights["input_to_hidden"]
        kept = weights.final / weights.initial
    np.testing.assert_allclose(kept, (1 - 1e-2) ** 4, rtol=5e-4)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("nowhere.py:X", "no such file"),
        (str(FILE), "name the rule in this file too"),
        ("glep-pfvp", "only check takes it"),
        (f"{FILE}:NONE", "its rules: CONTINUAL_EP, DECAY"),
        (f"{FILE}:FADING", "not a Rule"),
        ("neuro_ep_nowhere.rules:X", "cannot be imported: ModuleNotFoundError"),
        ("continual-eq", "did you mean 'continual-ep'"),
    ],
)
def test_what_is_wrong_is_said(word, message):
    with pytest.raises(InputError, match=message):
        find_rule(word)


def test_a_file_with_an_error_is_told_in_one_line(tmp_path):
    (tmp_path / "broken.py").write_text("1/0\n")
    with pytest.raises(InputError, match="ZeroDivisionError") as refused:
        find_rule(f"{tmp_path / 'broken.py'}:X")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "digits --rule continual-ep --alpha 0.3",
        "digits-rows --rule rhel --tolerance 0.1",
        "digits --rule ep --optimiser adam",
        "digits --rule ep --judged 0.5",
        "digits --rule ep --image 1,8,8",
        "digits --rule dual-propagation --nudging symmetric",
        "digits --rule ep --layers 64,10000000000,10",
        "digits --rule ep --layers 64,5,10 --connections 0-1,0-2",
    ],
)
def test_what_has_no_effect_is_refused(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *line.split()]) == 2
    assert len(capsys.readouterr().err.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []
