"""Warm starts: the same results without Brian2, and never those of another build."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from neuro_ep.command import main as cli
from neuro_ep.command import training
from neuro_ep.finding import find_rule
from neuro_ep.recording import open_recording
from neuro_ep.run import warm_start as warm
from neuro_ep.run.bundle import MANIFEST, Bundle
from neuro_ep.run.plan import Plan, Start
from neuro_ep.run.program import ProgramSimulation
from neuro_ep.tasks import load
from neuro_ep.training.header import run_header

SMALL = [
    *("--layers", "64,16,10", "--step", "1", "--free", "8", "--nudged", "3"),
    *("--eta", "0.05", "--batch", "10", "--epochs", "2"),
]
DIGITS = load("digits")
WORDS = {"rule": "continual-ep", "layers": (64, 16, 10), "beta": None}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a cache, source code and no preferences."""
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code" / "models").mkdir(parents=True)
    (tmp_path / "code" / "models" / "page.py").write_text("dw/dt = 1")
    return tmp_path


def start(here, **words):
    return warm.WarmStart({**WORDS, **words}, [here / "code"])


@pytest.fixture
def rule():
    return find_rule("continual-ep")


@pytest.fixture
def settings(rule):
    return rule.settings("digits", layers=(64, 16, 10))


@pytest.fixture
def built(here, settings):
    """A program that was built, and its plan."""
    folder = here / "cache" / "build_1"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps({"variables": {}}))
    (folder / "main").touch(mode=0o755)
    plan = Plan(
        settings=settings,
        layers=("input", "hidden", "output"),
        activity="rho",
        weights={"input_to_hidden": "input_to_hidden.w"},
        starts={"input_to_hidden": Start((64, 16), 0.0)},
        unit=1e-3,
        presentations="presentations",
        capacity=90,
        random_sign=True,
        values={"hidden.tau": 0.01, "presentations.phase_steps": np.array([25, 12])},
        held=("input_to_hidden",),
    )
    return ProgramSimulation(plan, Bundle(folder, {}), "-O3")


# --- the command ---


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A network that nobody has built yet is trained twice; (file, modules) of each."""
    folder = tmp_path_factory.mktemp("warm")
    code = (
        "import sys; from neuro_ep.command.main import main;"
        "status = main(sys.argv[1:]);"
        "print(*[m for m in ('brian2', 'sklearn') if m in sys.modules]);"
        "sys.exit(status)"
    )
    environment = {**os.environ, "NEURO_EP_CACHE": str(folder / "cache")}
    found = []
    for name in ("cold", "warm"):
        done = subprocess.run(
            [sys.executable, "-c", code, "train", "digits", "--rule", "continual-ep"]
            + [*SMALL, "--json", "--out", str(folder / f"{name}.h5")],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found.append((folder / f"{name}.h5", done.stdout.splitlines()[-1]))
    return found


def test_second_run_needs_neither_brian2_nor_scikit_learn(runs):
    (_, cold), (_, warm) = runs
    assert "brian2" in cold.split()
    assert warm == ""


def test_second_run_gives_the_same_bits(runs):
    with open_recording(runs[0][0]) as cold, open_recording(runs[1][0]) as warm:
        assert list(cold.weights) == list(warm.weights)
        for name in cold.weights:
            ours, theirs = cold.weights[name], warm.weights[name]
            np.testing.assert_array_equal(ours.snapshots, theirs.snapshots)
            assert (ours.final != ours.initial).any()


def test_what_was_trained_answers_without_brian2(runs, tmp_path):
    """The program that training left is found by what the recording says."""
    file = runs[0][0]
    code = (
        "import sys, numpy as np; from neuro_ep import load_network;"
        "inputs = np.linspace(0, 1, 5*64).reshape(5, 64);"
        "answers = load_network(sys.argv[1], *sys.argv[2:]).read_out(inputs);"
        "print('brian2' in sys.modules, *answers.ravel())"
    )
    environment = {**os.environ, "NEURO_EP_CACHE": str(file.parent / "cache")}
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(file), *target],
            env=environment,
            capture_output=True,
            text=True,
        ).stdout.split()
        for target in ([], ["numpy"])
    ]
    assert [words[0] for words in said] == ["False", "True"]
    answers, plain = (np.array(words[1:], float) for words in said)
    assert len(answers) == 50 and np.ptp(answers) > 1e-3
    np.testing.assert_allclose(answers, plain, atol=1e-5)


def test_second_run_records_the_same(runs):
    trees = []
    for file, _ in runs:
        with open_recording(file) as opened:
            trees.append(opened.tree())
    for tree in trees:
        del tree["file"], tree["training"]["wall_s"]
        for own in ("created", "argv", "duration_s"):
            del tree["provenance"][own]
    assert trees[0] == trees[1]
    assert trees[1]["provenance"]["held_sources"] == "input_to_hidden"


# --- what is left ---


def test_what_was_left_is_found_by_the_same_command(here, rule, settings, built):
    start(here).keep(rule, settings, DIGITS, built)
    again = start(here)
    assert again.left.settings == settings
    found = again.simulation()
    assert (found.bundle.folder, found.flags) == (built.bundle.folder, "-O3")
    np.testing.assert_equal(asdict(found.plan), asdict(built.plan))


def test_small_data_are_left_too(here, rule, settings, built):
    start(here).keep(rule, settings, DIGITS, built)
    found = start(here).left.dataset
    np.testing.assert_equal(asdict(found), asdict(DIGITS))


def test_large_data_and_the_users_files_are_not_left(
    here, rule, settings, built, monkeypatch
):
    own = warm.WarmStart({"data": "mine"}, [], own_data=True)
    own.keep(rule, settings, DIGITS, built)
    monkeypatch.setattr(warm, "SMALL_DATA", DIGITS.inputs.nbytes - 1)
    start(here).keep(rule, settings, DIGITS, built)
    for found in (warm.WarmStart({"data": "mine"}, []), start(here)):
        assert found.left is not None and found.left.dataset is None


def test_looking_for_what_was_left_makes_no_folder(here):
    assert start(here).left is None
    assert not (here / "cache").exists()


def test_it_fits_one_number_of_presentations(here, rule, settings, built):
    assert start(here).fits(90) and start(here).fits(91)  # nothing was left yet
    start(here).keep(rule, settings, DIGITS, built)
    assert start(here).fits(90) and not start(here).fits(91)


def test_nothing_is_left_of_a_run_in_this_process(here, rule, settings, built):
    start(here).keep(rule, settings, DIGITS, object())
    assert start(here).left is None


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_damaged_file_is_a_cold_start(here, rule, settings, built, content):
    start(here).keep(rule, settings, DIGITS, built)
    file = here / "cache" / start(here).name
    file.write_bytes(file.read_bytes()[:200] if content is None else content)
    assert start(here).left is None


def test_program_that_is_gone_is_a_cold_start(here, rule, settings, built):
    start(here).keep(rule, settings, DIGITS, built)
    (built.bundle.folder / "main").unlink()
    assert start(here).left is None


# --- what makes it another build ---


def change_equation(here, monkeypatch):
    (here / "code" / "models" / "page.py").write_text("dw/dt = 2")


def add_file(here, monkeypatch):
    (here / "code" / "new.hpp").touch()


def rename_file(here, monkeypatch):
    (here / "code" / "models" / "page.py").rename(here / "code" / "models" / "leaf.py")


def change_version(here, monkeypatch):
    version = warm.metadata.version
    other = {"sympy": "0.1"}
    monkeypatch.setattr(
        warm.metadata, "version", lambda name: other.get(name) or version(name)
    )


def change_compiler(here, monkeypatch):
    monkeypatch.setattr(warm, "compiler_version", lambda: "cc 1.0")


def change_processor(here, monkeypatch):
    monkeypatch.setattr(warm, "_processor", lambda: "flags: none")


def write_preferences(here, monkeypatch):
    (here / "brian_preferences").write_text("core.default_float_dtype = float64")


def write_user_preferences(here, monkeypatch):
    (here / ".brian").mkdir()
    (here / ".brian" / "user_preferences").write_text("[codegen.cpp]")


def set_flags(here, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-O0")


@pytest.mark.parametrize(
    "change",
    [
        *(change_equation, add_file, rename_file, change_version, change_compiler),
        *(change_processor, write_preferences, write_user_preferences, set_flags),
    ],
)
def test_any_change_is_a_cold_start(here, rule, settings, built, change, monkeypatch):
    start(here).keep(rule, settings, DIGITS, built)
    assert start(here).left is not None
    change(here, monkeypatch)
    assert start(here).left is None


@pytest.mark.parametrize(
    "words", [{"beta": 0.5}, {"layers": (64, 17, 10)}, {"dtype": "float64"}]
)
def test_any_other_word_is_a_cold_start(here, rule, settings, built, words):
    start(here).keep(rule, settings, DIGITS, built)
    assert start(here, **words).left is None


@pytest.mark.parametrize(
    "arguments",
    [
        *("--beta 0.6", "--layers 64,9,10", "--dtype float64", "--preset digits-2h"),
        *("--connections 0-1,1-2", "--target numpy", "--data x"),
    ],
)
def test_settings_of_the_command_line_are_words(here, arguments):
    line = ["train", "digits", "--rule", "continual-ep"]
    plain = training.warm_start(cli._parser().parse_args(line)).name
    other = cli._parser().parse_args([*line, *arguments.split()])
    assert training.warm_start(other).name != plain


def test_what_a_build_does_not_depend_on_is_no_word(here):
    line = ["train", "digits", "--rule", "continual-ep"]
    plain = training.warm_start(cli._parser().parse_args(line)).name
    own = "--seed 3 --out x.h5 --resume --figure x.png --json --debug --allow-gain"
    other = cli._parser().parse_args([*line, *own.split()])
    assert training.warm_start(other).name == plain


# --- every rule ---


@pytest.mark.parametrize("name", cli.RULES)
def test_every_rule_can_be_left_without_brian2(here, built, name):
    rule = find_rule(name)
    settings = rule.settings(next(iter(rule.defaults)))
    start(here).keep(rule, settings, DIGITS, built)
    file = here / "cache" / start(here).name
    code = (
        "import pathlib, sys; from neuro_ep.run.warm_start import understood;"
        f"left = understood(pathlib.Path({str(file)!r}).read_bytes());"
        "left.rule.model(left.settings); sys.exit('brian2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "brian2 was imported"


@pytest.mark.parametrize("name", cli.RULES)
def test_every_rule_is_recorded_the_same(here, built, name):
    rule = find_rule(name)
    settings = rule.settings(next(iter(rule.defaults)))
    start(here).keep(rule, settings, DIGITS, built)
    left = start(here).left
    headers = [
        run_header(found, DIGITS, settings, 0, "standalone", "float32")
        for found in (rule, left.rule)
    ]
    for header in headers:
        del header["provenance"]["created"]
    assert headers[0] == headers[1]
