"""What the command line prints, and what it does when nobody takes it."""

import json
import os
import shlex
import sys

import pytest

from neuro_ep import __version__, recording
from neuro_ep.command import main as cli
from neuro_ep.run import build as device

RULE = "train digits --rule continual-ep"


ACCURACIES = {"test_accuracy", "train_accuracy"}


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


# What it prints


def test_json_of_a_run(trained):
    assert {*ACCURACIES, "epochs", "seconds", "file"} <= set(trained)
    assert all(0.1 < trained[name] <= 1 for name in ACCURACIES)
    assert trained["epochs"] == 2 and trained["seconds"] > 0
    with recording.open_recording(trained["file"]) as run:
        for name in ACCURACIES:
            assert run.training[name][-1] == trained[name]
        assert run.seed == 0 and run.rule == "continual-ep"
        assert run.provenance["exit_status"] == 0


def test_text_progress_and_figure(command, tmp_path):
    """Output in pipes, the default name, and a figure in a new folder."""
    line = f"{RULE} --layers 64,16,10 --batch 10 --step 1 --free 8 --nudged 3 --seed 7"
    figure = ("--epochs", 2, "--eta", 0.001, "--figure", "new/run.pdf")
    process = command(*line.split(), *figure, cwd=tmp_path)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    file = "runs/digits_continual-ep_7.h5"
    for text in ("test accuracy   0.", "train accuracy  0.", "for 2 epochs", file):
        assert text in output
    assert errors.splitlines()[-1].startswith("epoch 2/2  test accuracy 0.")
    assert "warning" not in errors.lower()  # neither ours nor of packages
    assert (tmp_path / "new/run.pdf").read_bytes().startswith(b"%PDF")
    assert set(os.listdir(tmp_path)) == {"runs", "new"}
    assert os.listdir(tmp_path / "runs") == ["digits_continual-ep_7.h5"]


def test_without_a_compiler(train, tmp_path):
    empty = {"PATH": str(tmp_path)}
    out = tmp_path / "run.h5"
    result, errors = train(out, "--eta", 0.001, "--epochs", 1, environment=empty)
    assert errors.count("\n") == 1
    assert "no C++ compiler (g++) found" in errors and "numpy target" in errors
    with recording.open_recording(result["file"]) as run:
        assert run.target == "numpy"


def test_compiled_target_without_a_compiler(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    errors = refused(f"{RULE} --target standalone")
    assert "install g++, or use --target numpy" in errors


def test_divergence(command, tmp_path):
    wild = "--layers 64,16,10 --batch 10 --step 1 --free 8 --nudged 3 --eta 50 --json"
    out = tmp_path / "run.h5"
    process = command(*f"{RULE} {wild} --out {out}".split())
    output, errors = process.communicate(timeout=300)
    assert (process.returncode, output) == (1, "")
    said = errors.splitlines()
    assert len(said) == 2 and "warning: the gain" in said[0]
    assert "diverged in epoch 1" in said[1] and said[1].endswith(f"is in {out}")
    with recording.open_recording(out) as run:
        assert run.provenance["stopped_by"] == "divergence"


def test_interrupt(listing, here, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(device, "simulation", interrupted)
    assert cli.main(shlex.split(f"{RULE} --eta 0.001 --out new/run.h5")) == 1
    assert capsys.readouterr() == ("", "neuro-ep: interrupted\n")
    assert listing(here) == {}


def test_version(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"{__version__}\n"


def test_list(capsys):
    assert cli.main(["list"]) == 0
    text = capsys.readouterr().out
    for part in (
        "digits",
        "mnist",
        "continual-ep",
        "arXiv 2005.04168",
        "order in beta",
    ):
        assert part in text


def test_list_as_json(capsys):
    assert cli.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"digits", "digits-rows", "mnist"} <= set(listed["tasks"])
    rule = listed["rules"]["continual-ep"]
    assert rule["tasks"] == ["digits", "mnist"] and rule["claims"] and rule["source"]


def test_boundary_conditions_are_listed_and_checked(capsys):
    assert cli.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed["boundary_conditions"]) == set(cli.CONDITIONS)
    assert listed["second_runs"]["damped"]["claims"]
    assert cli.main(["check", "glep-natural", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] and found["rule"] == "glep-natural"


def test_a_boundary_condition_has_no_layers(refused):
    assert "leave it out" in refused("check glep-natural --layers 3,2")


def test_info(trained, capsys):
    assert cli.main(["info", str(trained["file"])]) == 0
    text = capsys.readouterr().out
    for part in ("continual-ep", "64-16-10", "2 of 2, stopped by epochs", "dw/dt"):
        assert part in text


def test_info_as_json(trained, capsys):
    assert cli.main(["info", "--json", str(trained["file"])]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["file"] == trained["file"] and tree["epochs"] == 2
    assert tree["training"]["test_accuracy"][-1] == trained["test_accuracy"]
    assert tree["parameters"]["eta"]["value"] == [0.05, 0.05]
    assert tree["parameters"]["neurons.tau"] == {"value": 10.0, "unit": "ms"}


# Output that nobody takes


def closed_pipe():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@needs_posix
@pytest.mark.parametrize("arguments", ["list", "info --json {}", "info {}"])
def test_closed_stdout_is_no_error(command, trained, arguments):
    pipe = closed_pipe()
    process = command(*arguments.format(trained["file"]).split(), stdout=pipe)
    os.close(pipe)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


@needs_posix
def test_training_goes_on_when_nobody_reads(command, tmp_path):
    """Both outputs closed: the recording is still made."""
    small = "--layers 64,16,10 --batch 10 --step 1 --free 8 --nudged 3 --epochs 2"
    pipe = closed_pipe()
    arguments = (*f"{RULE} {small}".split(), "--out", tmp_path / "run.h5")
    process = command(*arguments, stdout=pipe, stderr=pipe)
    os.close(pipe)
    assert process.wait(timeout=300) == 0
    with recording.open_recording(tmp_path / "run.h5") as run:
        assert run.training["epoch"].tolist() == [0, 1, 2]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_stdout_is_an_error(command):
    with open("/dev/full", "w") as full:
        process = command("list", stdout=full)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("neuro-ep: No space left") and errors.count("\n") == 1
