"""Settings with a name: each trains, and says what is known of it.

The papers' networks are too large for a test: the settings of each preset run here with
a few units, one epoch, short phases, and pictures of the size of MNIST's.
"""

import json

import numpy as np
import pytest
from brian2 import prefs, set_device

from neuro_ep.command import main as cli
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule
from neuro_ep.records.dataset import Dataset
from neuro_ep.training import train as training

PRESETS = [
    (name, preset)
    for name in cli.RULES
    for preset in find_rule(name).presets
]  # fmt: skip

#: T, K, beta, learning rates from output to input, epochs: spec of the C-EP paper.
PUBLISHED = {
    "mnist-ep-1h": (30, 10, 0.1, (0.04, 0.08), 30),
    "mnist-ep-2h": (100, 20, 0.5, (0.005, 0.05, 0.2), 50),
    "mnist-c-ep-1h": (40, 15, 0.2, (0.0028, 0.0056), 100),
    "mnist-c-ep-2h": (100, 20, 0.5, (0.00018, 0.0018, 0.01), 150),
    "mnist-c-vf-1h": (40, 15, 0.2, (0.0038, 0.0076), 100),
    "mnist-c-vf-2h": (100, 20, 0.35, (0.00016, 0.0016, 0.009), 150),
}


@pytest.fixture(autouse=True)
def runtime():
    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


def noise(task) -> Dataset:
    """Samples in the shape of a task's."""
    rng, side = np.random.default_rng(1), {"mnist": 28, "digits": 8}[task]
    return Dataset(
        name=task,
        source="noise",
        inputs=rng.random((40, side**2)).astype(np.float32),
        labels=rng.integers(0, 10, 40),
        train=np.arange(30),
        test=np.arange(30, 40),
        classes=10,
        shape=(side, side),
    )


def test_every_published_run_is_there():
    assert set(PUBLISHED) == {name for _, name in PRESETS if name.startswith("mnist")}


@pytest.mark.parametrize(("rule", "name"), PRESETS)
def test_it_runs(rule, name, tmp_path):
    rule = find_rule(rule)
    preset = rule.presets[name]
    dataset = noise(preset.task)
    layers = (dataset.inputs.shape[1], *[5] * (len(preset.settings.layers) - 2), 10)
    small = {"batch": 10, "epochs": 1, "free": 3, "nudged": 2}
    if not preset.settings.filters:  # maps have the sizes that filters leave
        small["layers"] = layers
    result = training.train(
        rule,
        dataset,
        rule.settings(preset.task, name, **small),
        out=tmp_path / "run.h5",
        target="numpy",
        allow_gain=True,
        on_warning=str,
    )
    assert result.epochs == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers(name):
    (rule,) = [find_rule(rule) for rule, preset in PRESETS if preset == name]
    preset = rule.presets[name]
    chosen = preset.settings
    given = (chosen.free, chosen.nudged, chosen.beta, chosen.eta[::-1], chosen.epochs)
    assert given == PUBLISHED[name]
    hidden = (512,) if name.endswith("1h") else (512, 512)
    assert chosen.layers == (784, *hidden, 10)
    assert (chosen.dynamics, chosen.step, chosen.batch) == ("discrete", 1, 20)
    assert chosen.nudging == ("random-sign" if "vf" in name else "one-sided")
    assert "digitised" in preset.published and "2005.04168" in preset.source


def test_list_shows_presets(capsys):
    assert cli.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(f"--preset {name}:" in shown for _, name in PRESETS)
    assert cli.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["rules"]["ep"]["presets"]
    assert listed["mnist-ep-1h"]["settings"]["eta"] == [0.08, 0.04]


@pytest.mark.parametrize(
    ("rule", "task", "name", "said"),
    [
        ("ep", "digits", "mnist-ep-1h", "for the task 'mnist', not for 'digits'"),
        ("ep", "mnist", "mnist-ep-3h", "did you mean 'mnist-ep-[12]h'"),
        ("ep", "mnist", "mnist-c-ep-1h", "ep has no preset"),
    ],
)
def test_wrong_preset(rule, task, name, said):
    with pytest.raises(InputError, match=said):
        find_rule(rule).settings(task, name)
