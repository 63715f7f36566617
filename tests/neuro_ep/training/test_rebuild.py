"""A recording alone is enough to build its network again and to train on."""

import json
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from neuro_ep import load_dataset, open_recording, rebuild, train
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule
from neuro_ep.models import RULES
from neuro_ep.recording.checksum import reseal

STATIC = {"layers": (64, 6, 10), "batch": 20, "free": 6, "nudged": 3}
SERIES = {"layers": (8, 10), "batch": 20, "free": 4}
OF_RULE = {
    **dict.fromkeys(["rhel", "rhel-friction", "rhel-directed", "heb"], SERIES),
    "rhel-chain": {**SERIES, "layers": (8, 10, 10)},
}

#: Trains the third epoch of a recording in a process that knows the file only.
THIRD = """
import sys
from dataclasses import replace
from neuro_ep import load_dataset, rebuild, train
left = rebuild(sys.argv[1])
assert "brian2" not in sys.modules
data = load_dataset(left.task)
data = replace(data, train=data.train[:20], test=data.test[:20])
settings = replace(left.settings, epochs=3)
train(left.rule, data, settings, out=sys.argv[2], seed=left.seed, dtype=left.dtype,
      target="numpy", after=left, on_warning=str)
assert not [name for name in sys.modules if name.startswith("neuro_ep.models.")]
"""


def few(task):
    data = load_dataset(task)
    return replace(data, train=data.train[:20], test=data.test[:20])


def trained(name, out, epochs, **how):
    rule = find_rule(name)
    task = "digits-rows" if name in OF_RULE else "digits"
    chosen = OF_RULE.get(name, STATIC)
    settings = rule.settings(task, **chosen, epochs=epochs)
    how = {"seed": 3, "target": "numpy", "on_warning": str, "allow_gain": True, **how}
    train(rule, few(task), settings, out=out, **how)
    return out


def final_state(file):
    with h5py.File(file) as opened:
        state = opened["neuro_ep/state"]
        return {name: item[()].tobytes() for name, item in state.items()}


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    return trained("ep", tmp_path_factory.mktemp("two") / "two.h5", 2)


#: Rules that between them carry and fire; the others are more of the same.
ALWAYS = ("rhel", "spiking-dual-propagation")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ALWAYS else pytest.mark.exhaustive)
        for name in RULES
    ],
)
def test_third_epoch_from_the_file_alone_has_the_same_bits(name, tmp_path):
    unbroken = trained(name, tmp_path / "unbroken.h5", 3)
    two = trained(name, tmp_path / "two.h5", 2)
    assert final_state(two) != final_state(unbroken)
    done = subprocess.run(
        [sys.executable, "-c", THIRD, str(two), str(tmp_path / "third.h5")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert final_state(tmp_path / "third.h5") == final_state(unbroken)
    with open_recording(unbroken) as a, open_recording(tmp_path / "third.h5") as b:
        assert b.training["epoch"].tolist() == [2, 3]
        for item in a.weights:
            np.testing.assert_array_equal(a.weights[item].final, b.weights[item].final)


def test_carried_variables_are_in_the_file(tmp_path):
    names = set(final_state(trained("rhel", tmp_path / "run.h5", 1)))
    assert any("." in name for name in names)  # of the optimiser, by group.variable


def test_other_data_another_seed_or_setting_are_refused(two_epochs, tmp_path):
    left = rebuild(two_epochs)
    data, out = few("digits"), tmp_path / "more.h5"
    goes_on = {"target": "numpy", "after": left, "seed": 3}
    settings = replace(left.settings, epochs=3)
    for other, change, how, said in (
        (replace(data, inputs=1 - data.inputs), {}, {}, "inputs_sha256"),
        (data, {"beta": 0.6}, {}, "beta"),
        (data, {}, {"seed": 4}, "seed: 3 then, 4 now"),
        (data, {}, {"dtype": "float64"}, "dtype"),
        (data, {"epochs": 2}, {}, "2 are done already"),
    ):
        chosen = replace(settings, **change)
        with pytest.raises(InputError, match=said):
            train(left.rule, other, chosen, out=out, **{**goes_on, **how})
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_does_not_fit_is_refused(two_epochs, tmp_path):
    left = rebuild(two_epochs)
    settings, data = replace(left.settings, epochs=3), few("digits")
    name = next(iter(left.state))
    for state, said in (
        ({**left.state, "odd": np.zeros(3)}, "odd"),
        ({**left.state, name: np.zeros((2, 2))}, name),
    ):
        other = replace(left, state=state)
        with pytest.raises(InputError, match=said):
            train(
                *(left.rule, data, settings),
                out=tmp_path / "more.h5",
                **{"seed": 3, "target": "numpy", "after": other},
            )
    assert list(tmp_path.iterdir()) == []


def edited(file, out, change):
    out.write_bytes(file.read_bytes())
    with h5py.File(out, "r+") as opened:
        change(opened["neuro_ep"])
    reseal(out)
    return out


def change_text(name, change):
    def changed(root):
        record = json.loads(root[f"records/{name}"].asstr()[()])
        change(record)
        del root[f"records/{name}"]
        root[f"records/{name}"] = json.dumps(record)

    return changed


def link_state(root):
    name = next(iter(root["state"]))
    del root[f"state/{name}"]
    root[f"state/{name}"] = h5py.ExternalLink("/etc/passwd", "/")


def huge_state(root):
    name = next(iter(root["state"]))
    del root[f"state/{name}"]
    root["state"].create_dataset(name, shape=(10**6, 10**6), dtype="f4", chunks=True)


def nested(root):
    del root["records/model"]
    root["records/model"] = "[" * 20_000


DAMAGE = {
    "unknown field": change_text("model", lambda m: m.update(surprise=1)),
    "wrong type": change_text("model", lambda m: m["hidden"].update(equations=7)),
    "missing field": change_text("model", lambda m: m.pop("synapse")),
    "bad settings": change_text("settings", lambda s: s.update(beta=-1)),
    "bad phase": change_text("protocol", lambda p: p["phases"].append(3)),
    "no rule": lambda root: root["records"].pop("rule"),
    "brackets": nested,
    "link": link_state,
    "larger than the file": huge_state,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_and_hostile_files_are_refused(two_epochs, tmp_path, name):
    bad = edited(two_epochs, tmp_path / "bad.h5", DAMAGE[name])
    with pytest.raises(InputError, match=r"bad\.h5") as caught:
        rebuild(bad)
    assert str(caught.value).count("\n") == 0


def test_rebuilding_a_file_of_the_format_before_is_refused(tmp_path):
    def older(root):
        del root["records"], root["state"]

    old = edited(trained("ep", tmp_path / "a.h5", 1), tmp_path / "old.h5", older)
    with pytest.raises(InputError, match="does not hold the whole network"):
        rebuild(old)
