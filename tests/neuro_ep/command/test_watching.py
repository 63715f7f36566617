"""A run is watched while it goes, when it has ended, and when it has died."""

import fcntl
import os
import shutil
from dataclasses import replace

import pytest

from neuro_ep import InputError, find_rule, load_dataset, train
from neuro_ep.command import watching
from neuro_ep.command.main import main


class Killed(BaseException):
    """Stands for the end of the process."""


def trained(out, stop=None, epochs=3):
    digits = load_dataset("digits")
    few = replace(digits, train=digits.train[:12], test=digits.test[:8])
    settings = find_rule("ep").settings(
        "digits", layers=(64, 6, 10), epochs=epochs, batch=4, free=6, nudged=3
    )

    def on_epoch(row):
        if row["epoch"] == stop:
            raise Killed

    train("ep", few, settings, out=out, target="numpy", on_epoch=on_epoch)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("watched") / "run.h5"
    trained(out)
    return out


@pytest.fixture(scope="module")
def died(tmp_path_factory):
    out = tmp_path_factory.mktemp("watched") / "run.h5"
    with pytest.raises(Killed):
        trained(out, stop=2)
    return out


def test_a_finished_run(finished, capsys):
    assert main(["watch", str(finished)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("epoch 3/3  test accuracy 0.") and "samples/s" in said
    assert "left" not in said and len(said.splitlines()) == 1


def test_a_run_that_died(died, capsys):
    for name in (died, f"{died}.part"):
        assert main(["watch", str(name)]) == 1
        said = capsys.readouterr()
        assert said.out.startswith("epoch 2/3") and " s" in said.out
        assert "epoch 2 of 3 is done" in said.err and "--resume" in said.err


def test_a_run_that_goes_on(died, finished, tmp_path, monkeypatch, capsys):
    """Every epoch that is new is told, until the recording is there."""
    out = tmp_path / "run.h5"
    part = tmp_path / "run.h5.part"
    shutil.copytree(f"{died}.part", part)
    held = os.open(part, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    files = sorted(part.glob("epoch_*.h5"))
    later = [file.rename(tmp_path / file.name) for file in files[1:]]

    def wait(seconds):
        if later:
            later[0].rename(part / later.pop(0).name)
        else:
            shutil.copy(finished, out)
            shutil.rmtree(part)

    monkeypatch.setattr(watching.time, "sleep", wait)
    assert main(["watch", str(out)]) == 0
    os.close(held)
    told = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert told == ["0/3", "1/3", "2/3", "3/3"]


def test_what_is_no_run(tmp_path, capsys):
    assert main(["watch", str(tmp_path / "none.h5")]) == 2
    (tmp_path / "bad.h5.part").mkdir()
    (tmp_path / "bad.h5.part" / "header.json").write_text("{}")
    assert main(["watch", str(tmp_path / "bad.h5")]) == 2
    assert "header.json cannot be read" in capsys.readouterr().err


def test_a_curve():
    assert watching.curve([0, 0.5, 1]) == "▁▅█"
    assert watching.curve([float("nan"), 2, 2]) == "▁▁"
    assert watching.curve([]) == ""
    assert len(watching.curve(range(1000))) == watching.WIDTH


def test_the_page(died):
    rich = pytest.importorskip("rich.console")
    console = rich.Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(watching._page(watching.look(died)))
    text = console.export_text()
    assert "ep on digits, epoch 2 of 3" in text and "test accuracy" in text
    rows = [line for line in text.splitlines() if "test accuracy" in line]
    assert len(rows) == 1 and any(bar in rows[0] for bar in watching.BARS)


def test_a_file_that_vanishes_is_looked_for_again(died, monkeypatch):
    monkeypatch.setattr(watching, "read_epoch", lambda file: open("/nonesuch"))
    assert watching.look(died).epoch == -1
    with pytest.raises(InputError):
        watching.look(died.with_name("other.h5"))
