"""A run is made again from its recording, to the same bits."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from neuro_ep import InputError, find_rule, load_dataset, rerun, train
from neuro_ep.command.main import main
from neuro_ep.recording.checksum import reseal

SHORT = {"layers": (64, 6, 10), "batch": 40, "free": 3, "nudged": 2, "epochs": 1}


def trained(out, rule="ep", data="digits", **choices):
    settings = find_rule(rule).settings("digits", **SHORT)
    how = {"target": "numpy", "on_warning": str, "seed": 5, **choices}
    return train(rule, data, settings, out=out, **how).file


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("rerun") / "run.h5")


def test_the_same_weights(file, capsys):
    found = rerun(file)
    assert found.same and set(found.largest.values()) == {0.0}
    assert main(["rerun", str(file)]) == 0
    assert capsys.readouterr().out.startswith("the same weights, bit for bit, in 4")


def test_a_weight_that_was_changed_is_found(file, tmp_path, capsys):
    """The control."""
    other = tmp_path / "other.h5"
    other.write_bytes(file.read_bytes())
    with h5py.File(other, "r+") as opened:
        opened["neuro_ep/weights/hidden_to_output/final"][2, 3] += 0.25
    reseal(other)
    found = rerun(other)
    assert not found.same
    assert found.largest["hidden_to_output"] == pytest.approx(0.25, rel=1e-3)
    assert found.largest["input_to_hidden"] == 0
    assert main(["rerun", str(other)]) == 1
    assert "hidden_to_output: largest difference 0.25 mV" in capsys.readouterr().out


def test_other_data_are_refused(file):
    digits = load_dataset("digits")
    fewer = replace(digits, train=digits.train[:-1])
    with pytest.raises(InputError, match="other data: split differ"):
        rerun(file, fewer)
    other = replace(digits, inputs=digits.inputs + np.float32(0.1))
    with pytest.raises(InputError, match="other data: inputs differ"):
        rerun(file, other)


def test_a_run_that_began_elsewhere(file, tmp_path):
    on = trained(tmp_path / "on.h5", weights=file)
    with pytest.raises(InputError, match="began with the weights of .*: give them"):
        rerun(on)
    assert rerun(on, weights=file).same
    with pytest.raises(InputError, match="weights that were drawn"):
        rerun(file, weights=file)
    settings = replace(find_rule("ep").settings("digits", **SHORT), epochs=2)
    how = {"target": "numpy", "on_warning": str, "seed": 5, "after": file}
    more = train("ep", "digits", settings, out=tmp_path / "more.h5", **how).file
    with pytest.raises(InputError, match="goes on from"):
        rerun(more)


def test_data_of_a_file(tmp_path, capsys):
    draw = np.random.default_rng(0)
    rows = draw.random((40, 3))
    kinds = np.where(rows[:, 0] > 0.5, "a", "b")
    lines = [
        ",".join(map(str, row)) + f",{kind}"
        for row, kind in zip(rows, kinds, strict=True)
    ]
    table = tmp_path / "t.csv"
    table.write_text("x,y,z,kind\n" + "\n".join(lines))
    words = ["train", table, "--label", "kind", "--rule", "ep", "--epochs", "1"]
    out = tmp_path / "run.h5"
    words += ["--batch", "8", "--target", "numpy", "--out", out]
    assert main([str(word) for word in words]) == 0
    assert main(["rerun", str(out)]) == 2
    assert main(["rerun", str(out), "--label", "kind"]) == 2
    again = ["rerun", str(out), "--data", str(table), "--label", "kind"]
    assert main(again) == 0
    assert main([*again, "--scale", "standard"]) == 2
    assert "inputs differ" in capsys.readouterr().err
