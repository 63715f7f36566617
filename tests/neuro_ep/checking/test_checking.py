"""What ``neuro-ep check`` says of numbers: bounds, sentences, table, exit status."""

import json
import math

import pytest

from neuro_ep import checking
from neuro_ep.checking import broken
from neuro_ep.checking.families import equilibrium
from neuro_ep.command import main as cli
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP

MEASURED = {
    "relative_error": {"input_to_hidden": 1e-3, "bias_hidden": 2e-3},
    "cosine": {"input_to_hidden": 1.0, "bias_hidden": 1.0},
    "order_in_beta": 1.01,
    "residual": 1e-13,
}


@pytest.fixture
def measured(monkeypatch):
    """What the check shall find, without simulating."""
    found = json.loads(json.dumps(MEASURED))
    monkeypatch.setattr(equilibrium, "of_subject", lambda subject: found)
    return found


def test_numbers_within_bounds_break_nothing():
    assert broken({"a": 1.0, "b": {"x": 2}}, {"a": (0, 1), "b": (2, 3)}) == []


@pytest.mark.parametrize("value", [1.1, -0.1, math.nan, math.inf])
def test_numbers_out_of_bounds_are_named(value):
    (sentence,) = broken({"error": {"w": value, "b": 0.5}}, {"error": (0, 1)})
    assert sentence.startswith("error of w is") and sentence.endswith("not 0 to 1")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_passed_check(measured, capsys, as_json):
    status = cli.main(["check", "continual-ep", *["--json"] * as_json])
    output = capsys.readouterr().out
    assert status == 0
    if as_json:
        found = json.loads(output)
        assert found["passed"] and found["relative_error"] == measured["relative_error"]
        assert {"cosine", "order_in_beta", "failed", "layers", "seed"} <= set(found)
    else:
        lines = output.splitlines()
        assert "passed" in lines and "FAILED" not in output
        assert any("relative_error" in x and "bias_hidden" in x for x in lines)


def test_a_failed_check(measured, capsys):
    measured["relative_error"]["bias_hidden"] = 1.0
    assert cli.main(["check", "continual-ep"]) == 1
    output = capsys.readouterr().out
    assert "FAILED" in output and "relative_error of bias_hidden is 1" in output


def test_what_was_not_measured_is_no_claim(measured):
    measured.pop("order_in_beta")
    assert checking.check(CONTINUAL_EP)["passed"]


def test_a_rule_has_bounds_of_its_own(measured):
    from dataclasses import replace

    strict = replace(CONTINUAL_EP, bounds={"order_in_beta": (1.9, 2.1)})
    assert len(checking.check(strict)["failed"]) == 1
    measured["cosine"]["bias_hidden"] = 0.5
    silent = replace(CONTINUAL_EP, bounds={"cosine": None})
    assert checking.check(silent)["passed"]
    assert not checking.check(CONTINUAL_EP)["passed"]


@pytest.mark.parametrize(
    "line",
    [
        "check continual-epp",
        "check continual-ep --layers 5",
        "check continual-ep --batch 0",
        "check continual-ep --seed -1",
        "check",
    ],
)
def test_refusals(line, capsys):
    try:
        status = cli.main(line.split())
    except SystemExit as left:
        status = left.code
    errors = capsys.readouterr().err
    assert status == 2 and errors.startswith("neuro-ep: ") and errors.count("\n") == 1
