"""Every refusal of settings, protocols and network parameters, and what it says."""

import math
from dataclasses import replace

import pytest
from brian2 import ms, mV

from neuro_ep.build.network import build_network
from neuro_ep.build.wiring import layer_names
from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.protocol import NUDGING, Phase, free_then_nudged
from neuro_ep.records.settings import Settings, changed

GOOD = Settings(layers=(4, 3, 2), eta=(0.2, 0.1), beta=0.5, free=4, nudged=2, step=0.5)

NAN, INF = math.nan, math.inf


# --- settings ---


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("layers", (4,), "at least two"),
        ("layers", (), "at least two"),
        ("layers", (4, 0, 2), "whole numbers from 1"),
        ("layers", (4, -3, 2), "whole numbers from 1"),
        ("layers", (4, 2.5, 2), "whole numbers"),
        ("layers", (4, NAN, 2), "whole numbers"),
        ("beta", 0, "above 0"),
        ("beta", -0.5, "a number above 0"),
        ("beta", NAN, "a number above 0"),
        ("beta", INF, "a number above 0"),
        ("free", -0.1, "from 0"),
        ("free", -8, "a number from 0"),
        ("free", NAN, "from 0"),
        ("free", INF, "a number from 0"),
        ("nudged", 0, "above 0"),
        ("nudged", NAN, "above 0"),
        ("step", 0, "above 0"),
        ("step", -0.5, "above 0"),
        ("step", NAN, "above 0"),
        ("step", 1.01, "above 0 to 1"),
        ("batch", 0, "whole number from 1"),
        ("batch", 2.5, "whole number from 1"),
        ("batch", NAN, "whole number from 1"),
        ("epochs", 0, "whole number from 1"),
        ("epochs", 1.5, "whole number from 1"),
        ("eta", (), "2: one per projection"),
        ("eta", (0.1, 0.2, 0.3), "2: one per projection"),
        ("eta", (0.1, -0.2), "from 0"),
        ("eta", (0.1, NAN), "from 0"),
        ("eta", (INF, 0.1), "from 0"),
    ],
)
def test_setting_is_refused(name, value, remedy):
    with pytest.raises(InputError) as refusal:
        changed(GOOD, **{name: value})
    assert str(refusal.value).startswith(f"{name} = {value}: ")
    assert remedy in str(refusal.value)


@pytest.mark.parametrize(
    "choice",
    [
        {"layers": (1, 1), "eta": (0.1,)},
        {"step": 1},
        {"eta": (0, 0.0)},
        {"beta": 1e-6},
        {"batch": 1, "epochs": 1},
    ],
)
def test_settings_at_the_edge_are_taken(choice):
    settings = changed(GOOD, **choice)
    assert all(getattr(settings, name) == value for name, value in choice.items())


def test_one_learning_rate_serves_all_projections():
    assert changed(GOOD, layers=(4, 3, 3, 2), eta=(0.3,)).eta == (0.3, 0.3, 0.3)


def test_changed_leaves_the_rest_and_the_original():
    settings = changed(GOOD, beta=0.25, nudging=None)
    assert settings == replace(GOOD, beta=0.25)
    assert GOOD.beta == 0.5


def test_unknown_setting_gets_a_suggestion():
    with pytest.raises(InputError, match="'nudge'.*did you mean 'nudge[d]'"):
        changed(GOOD, nudge=3)


def test_hopeless_setting_gets_the_list():
    with pytest.raises(InputError, match="'zzz'.*Choose from: activation, alpha"):
        changed(GOOD, zzz=3)


# --- protocols ---


@pytest.mark.parametrize("duration", [0, -1, NAN, INF])
def test_phase_without_a_length_is_refused(duration):
    with pytest.raises(InputError) as refusal:
        Phase("rest", duration)
    message = str(refusal.value)
    assert "'rest'" in message and str(duration) in message and "above 0" in message


def test_unknown_nudging_is_refused():
    with pytest.raises(InputError) as refusal:
        free_then_nudged("sideways", 8, 3)
    assert all(name in str(refusal.value) for name in ("sideways", *NUDGING))


@pytest.mark.parametrize(
    ("nudging", "signs", "shares", "restored", "random"),
    [
        ("one-sided", [0, 1], [0, 1], [False, False], False),
        ("random-sign", [0, 1], [0, 1], [False, False], True),
        ("symmetric", [0, 1, -1], [0, 0.5, 0.5], [False, False, True], False),
    ],
)
def test_phases(nudging, signs, shares, restored, random):
    protocol = free_then_nudged(nudging, 8, 3)
    phases = protocol.phases
    assert [phase.nudge for phase in phases] == signs
    assert [phase.plastic for phase in phases] == shares
    assert [phase.restore for phase in phases] == restored
    assert [phase.duration for phase in phases] == [8] + [3] * (len(phases) - 1)
    assert protocol.random_sign == random


# --- parameters of a network ---


def build(**parameters):
    """A network whose output neurons have these parameters, less those of None."""
    model = CONTINUAL_EP.model(GOOD)
    chosen = {**model.output.parameters, **parameters}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    model = replace(model, output=replace(model.output, parameters=chosen))
    return build_network(replace(CONTINUAL_EP, model=lambda settings: model), GOOD)


def test_good_parameters_are_taken():
    values = build(tau=20 * ms, v_unit=2 * mV).values
    assert (values["output.tau"], values["output.v_unit"]) == (20e-3, 2e-3)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.01, "is without a unit, and its equation says second"),
        (3 * mV, "is in volt, and its equation says second: give it with its unit"),
        ([1, 2] * ms, "give one number, with its unit"),
        ("10*ms", "give one number, with its unit"),
    ],
)
def test_a_parameter_in_another_unit_is_refused(value, said):
    with pytest.raises(InputError, match=said):
        build(tau=value)


def test_a_start_in_another_unit_is_refused():
    def started(value):
        model = CONTINUAL_EP.model(GOOD)
        output = replace(model.output, onset={**model.output.onset, "v": value})
        model = replace(model, output=output)
        return build_network(replace(CONTINUAL_EP, model=lambda settings: model), GOOD)

    for value in (0, 1 * mV):
        started(value)
    with pytest.raises(InputError, match="v = 0.001 of 'output' is without a unit"):
        started(0.001)
    with pytest.raises(InputError, match="is in second, and its equation says volt"):
        started(1 * ms)


@pytest.mark.parametrize("value", [0 * ms, -10 * ms, NAN * ms, INF * ms])
def test_time_constant_is_refused(value):
    with pytest.raises(InputError) as refusal:
        build(tau=value)
    message = str(refusal.value)
    assert (
        message.startswith(f"tau = {value} of 'output': ") and "above zero" in message
    )


def test_unknown_parameter_is_refused():
    with pytest.raises(InputError, match="'taw'.*'output'.*declare .*tau, v_unit"):
        build(taw=10 * ms)


def test_missing_parameter_is_refused():
    with pytest.raises(InputError, match="'v_unit' of 'output' has no value: add it"):
        build(v_unit=None)


def test_layer_names():
    assert layer_names((4, 2)) == ["input", "output"]
    assert layer_names((4, 3, 2)) == ["input", "hidden", "output"]
    assert layer_names((4, 3, 3, 2)) == ["input", "hidden_1", "hidden_2", "output"]


# --- names in the model of a rule ---


@pytest.mark.parametrize(
    ("setting", "wrong", "meant"),
    [
        ("activation", "sigmoyd", "sigmoid"),
        ("activation", "hard_sigmoid", "hard-sigmoid"),
        ("plasticity", "differenc", "difference"),
    ],
)
def test_unknown_equations_get_a_suggestion(setting, wrong, meant):
    with pytest.raises(InputError) as refusal:
        CONTINUAL_EP.model(changed(GOOD, **{setting: wrong}))
    message = str(refusal.value)
    assert f"no {setting} is called '{wrong}'" in message
    assert f"did you mean '{meant}'?" in message
