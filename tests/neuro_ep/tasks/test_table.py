"""The table of tasks: what is not there is refused, what is put there is learned."""

import json
from dataclasses import replace

import numpy as np
import pytest

from neuro_ep.command.main import main
from neuro_ep.errors import InputError
from neuro_ep.models import CONTINUAL_EP, RULES
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.settings import changed
from neuro_ep.records.task import Task
from neuro_ep.tasks import TASKS, load

RULE_FILE = """
from dataclasses import replace

from neuro_ep.models import CONTINUAL_EP

settings = replace(CONTINUAL_EP.defaults["digits"], layers=(64, 8, 10), epochs=1)
STRIPED = replace(CONTINUAL_EP, name="striped", defaults={"stripes": settings})
"""


@pytest.mark.parametrize("task", ["digit", "DIGITS", "mnsit"])
def test_unknown_task_suggests(task):
    meant = "mnist" if task == "mnsit" else "digits"
    with pytest.raises(InputError, match=f"did you mean '{meant}'"):
        load(task)


def test_unknown_task_lists_tasks():
    with pytest.raises(InputError) as caught:
        load("zebra")
    assert all(task in str(caught.value) for task in TASKS)
    assert "did you mean" not in str(caught.value)


def test_names_are_those_of_the_tasks():
    assert all(task.name == name and task.summary for name, task in TASKS.items())


def stripes(path=None) -> Dataset:
    """Two classes: which half of four values is the larger."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 60)
    inputs = draw.uniform(0, 0.3, (60, 4))
    inputs[:, :2] += labels[:, None] * 0.5
    train, test = np.arange(40), np.arange(40, 60)
    return Dataset("stripes", inputs, labels, train, test, 2, (4,), "made here")


def sized(settings, dataset, chosen):
    sizes = (dataset.features, *settings.layers[1:-1], dataset.classes)
    return settings if "layers" in chosen else changed(settings, layers=sizes)


@pytest.fixture
def registered(monkeypatch):
    """One line in the table, which is all that a new task takes."""
    task = Task("stripes", "which half is larger", stripes, sized)
    monkeypatch.setitem(TASKS, "stripes", task)
    return task


def test_a_new_task_is_listed_and_loaded(registered, capsys):
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"]["stripes"] == registered.summary
    assert load("stripes").features == 4


@pytest.mark.parametrize("layers", [(), ("--layers", "4,5,2")])
def test_a_new_task_is_trained_with_settings_that_fit(
    registered, tmp_path, capsys, monkeypatch, layers
):
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "rules.py").write_text(RULE_FILE)
    rule = f"{tmp_path}/rules.py:STRIPED"
    out = ("--out", str(tmp_path / "run.h5"), "--target", "numpy", "--json")
    assert main(["train", "stripes", "--rule", rule, *out, *layers]) == 0
    capsys.readouterr()
    assert main(["info", str(tmp_path / "run.h5"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["task"], found["layers"]) == ("stripes", [4, 5 if layers else 8, 2])


def test_a_task_without_sizes_of_its_own_leaves_settings_alone(registered):
    settings = CONTINUAL_EP.defaults["digits"]
    assert replace(registered, fit=None).fitted(settings, stripes()) is settings
    assert registered.fitted(settings, stripes()).layers[0] == 4


def test_rules_that_know_no_such_task_say_so(registered, capsys):
    assert main(["train", "stripes", "--rule", next(iter(RULES))]) == 2
    assert "has no settings for the task 'stripes'" in capsys.readouterr().err
