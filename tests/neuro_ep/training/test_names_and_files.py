"""Names stand for rules and data, and a recording that is there is not lost."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from neuro_ep import Dataset, InputError, open_recording, train
from neuro_ep.models import CONTINUAL_EP

SMALL = CONTINUAL_EP.settings(
    "digits", layers=(4, 3, 2), batch=2, epochs=1, free=2, nudged=1, step=1, eta=(0.01,)
)


@pytest.fixture
def few():
    draw = np.random.default_rng(0)
    return Dataset(
        name="few",
        inputs=draw.random((12, 4)),
        labels=np.arange(12) % 2,
        train=np.arange(8),
        test=np.arange(8, 12),
        source="drawn at random",
        classes=2,
        shape=(4,),
    )


@pytest.mark.parametrize(
    ("rule", "data", "said"),
    [
        ("epp", "digits", "no rule is called 'epp'"),
        ("ep", "digitz", "no task is called 'digitz'"),
        (3, "digits", "rule = 3: give a Rule, or its name"),
        ("ep", None, "dataset = None: give a Dataset, the name"),
    ],
)
def test_wrong_names_are_told(rule, data, said, tmp_path):
    with pytest.raises(InputError, match=said):
        train(rule, data, out=tmp_path / "run.h5")
    assert list(tmp_path.iterdir()) == []


def test_names_stand_for_rules(few, tmp_path):
    options = {"target": "numpy", "on_warning": str}
    train("continual-ep", few, SMALL, out=tmp_path / "named.h5", **options)
    train(CONTINUAL_EP, few, SMALL, out=tmp_path / "given.h5", **options)
    assert weights(tmp_path / "named.h5") == weights(tmp_path / "given.h5")


def test_overwriting_is_asked_for(few, tmp_path):
    out = tmp_path / "run.h5"
    run = partial(
        train, CONTINUAL_EP, few, SMALL, out=out, target="numpy", on_warning=str
    )
    run()
    before = weights(out)
    with pytest.raises(InputError, match="exists; choose another out, or overwrite it"):
        run(seed=3)
    with pytest.raises(InputError, match="resume and overwrite: choose one"):
        run(seed=3, resume=True, overwrite=True)
    assert weights(out) == before
    run(seed=3, overwrite=True)
    assert weights(out) != before
    assert [file.name for file in tmp_path.iterdir()] == ["run.h5"]


def test_what_is_gone_on_from_is_kept(few, tmp_path):
    out = tmp_path / "run.h5"
    how = {"target": "numpy", "on_warning": str, "overwrite": True}
    train(CONTINUAL_EP, few, SMALL, out=out, **how)
    before = weights(out)
    more = replace(SMALL, epochs=2)
    with pytest.raises(InputError, match="is the recording to go on from"):
        train(CONTINUAL_EP, few, more, out=out, after=out, **how)
    assert weights(out) == before
    train(CONTINUAL_EP, few, more, out=tmp_path / "more.h5", after=out, **how)
    assert weights(tmp_path / "more.h5") != before


def weights(file) -> dict[str, bytes]:
    with open_recording(file) as run:
        return {name: found.final.tobytes() for name, found in run.weights.items()}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"seed": None}, "seed = None: choose a whole number"),
        ({"seed": "1"}, "seed = 1: choose a whole number"),
        ({"seed": True}, "seed = True: choose a whole number"),
        ({"settings": {"eta": 1}}, "settings = {'eta': 1}: give Settings"),
        ({"out": None}, "out = None: name the file"),
        ({"after": "nonesuch.h5"}, "nonesuch.h5: no such file"),
    ],
)
def test_arguments_of_another_type_are_told(few, tmp_path, choice, said):
    given = {"settings": SMALL, "out": tmp_path / "run.h5", **choice}
    with pytest.raises(InputError, match=said):
        train(CONTINUAL_EP, few, **given)
    assert list(tmp_path.iterdir()) == []


def test_only_recordings_are_overwritten(few, tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.write_text("keep me")
    with pytest.raises(InputError, match="exists and is no recording"):
        train(CONTINUAL_EP, few, SMALL, out=precious, overwrite=True)
    assert precious.read_text() == "keep me"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("plastic*v_unit", "plastik*v_unit", "could not be resolved"),
        ("v_unit*(eta", "(eta", "does not have the expected unit"),
    ],
)
def test_a_fault_in_the_text_of_a_rule_is_one_sentence(few, tmp_path, old, new, said):
    def model(settings):
        physics = CONTINUAL_EP.model(settings)
        text = physics.synapse.equations
        assert old in text
        wrong = replace(physics.synapse, equations=text.replace(old, new))
        return replace(physics, synapse=wrong)

    broken = replace(CONTINUAL_EP, name="broken", model=model)
    with pytest.raises(InputError, match=f"^broken: .*{said}") as told:
        train(broken, few, SMALL, out=tmp_path / "run.h5", on_warning=str)
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []
