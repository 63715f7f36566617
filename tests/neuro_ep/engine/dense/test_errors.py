"""What dense synapses refuse, and what they say about it."""

import numpy as np
import pytest
from brian2 import (
    BrianObjectException,
    DimensionMismatchError,
    Network,
    NeuronGroup,
    Synapses,
    check_units,
    implementation,
    ms,
    mV,
)

from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.errors import InputError

pytestmark = pytest.mark.usefixtures("on_numpy")

NEURONS = """
    v : volt
    I : volt
    J : volt
    beta : 1 (shared)
    x = v/mvolt : 1
"""


def groups(n_pre=6, n_post=4):
    return NeuronGroup(n_pre, NEURONS), NeuronGroup(n_post, NEURONS)


def make(model="w : volt", **keywords):
    pre, post = groups()
    return pre, post, DenseSynapses(pre, post, model, **keywords)


def make_stock(model, **keywords):
    pre, post = groups()
    made = Synapses(pre, post, model, method="euler", **keywords)
    made.connect()
    return pre, post, made


def cause(action):
    """The error of an action, without Brian2's wrapping that names the object."""
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011 - the type is compared
        action()
    error = caught.value
    while isinstance(error, BrianObjectException):
        error = error.__cause__
    return error


def run(objects):
    Network(*objects).run(0.1 * ms)


# --- units: refused as Brian2 refuses them ---

WRONG_UNITS = {
    "sum": "w : volt\nI_post = w*v_pre : volt (summed)",
    "sum of unlike": "w : volt\nI_post = w + x_pre : volt (summed)",
    "sum to another unit": "w : volt\nI_post = x_pre : 1 (summed)",
    "rate without time": "dw/dt = w*x_pre : volt (clock-driven)",
    "rate of another unit": "dw/dt = x_pre/ms : volt (clock-driven)",
    "zero as a second term": "dw/dt = w/ms + 1*amp/ms : volt (clock-driven)",
    "subexpression": "w : volt\nf = w : amp\nI_post = w*x_pre : volt (summed)",
    "function": "w : volt\nI_post = w*exp(v_pre) : volt (summed)",
}


@pytest.mark.parametrize("model", WRONG_UNITS.values(), ids=WRONG_UNITS)
def test_wrong_units(model):
    dense = cause(lambda: run(make(model)))
    stock = cause(lambda: run(make_stock(model)))
    assert isinstance(dense, DimensionMismatchError)
    assert type(dense) is type(stock)
    assert str(dense).replace("DenseSynapses", "Synapses") == str(stock)


def test_right_units_run():
    """The control of the cases above."""
    run(
        make(
            "dw/dt = w*x_pre/ms : volt (clock-driven)\nI_post = w*x_pre : volt (summed)"
        )
    )


# --- arguments ---


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"on_pre": "w += 1*mV"}, "on_pre: .* does not spike; give it a threshold"),
        ({"on_post": "w += 1*mV"}, "on_post: .* does not spike; give it a threshold"),
        ({"method": "rk4"}, "method='rk4'.*'euler'"),
        ({"method": "exact"}, "method='exact'.*'euler'"),
        ({"method": "heun"}, "method='heun'.*'euler'"),
        ({"method": "nonesuch"}, "method='nonesuch'.*'euler'"),
        ({"replicas": 0}, "replicas=0: give a whole number from 1"),
        ({"replicas": -2}, "replicas=-2: give a whole number"),
        ({"replicas": 1.5}, "replicas=1.5: give a whole number"),
        ({"replicas": "2"}, "replicas='2': give a whole number"),
        ({"replicas": None}, "replicas=None: give a whole number"),
        ({"replicas": np.nan}, "replicas=nan: give a whole number"),
        ({"replicas": 4}, r"6 neurons.*replicas=4.*replicas \* n neurons"),
        ({"replicas": 3}, r"4 neurons.*replicas=3.*replicas \* n neurons"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_arguments(keywords, message):
    with pytest.raises(InputError, match=message):
        make(**keywords)


def test_numpys_whole_numbers_are_replicas():
    assert make(replicas=np.int64(2))[2].N_pre == 3


def test_subgroups():
    pre, post = groups()
    for source, target in ((pre[:3], post), (pre, post[1:])):
        with pytest.raises(InputError, match="subgroup.*NeuronGroup of its own"):
            DenseSynapses(source, target, "w : volt")


# --- flags ---


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("dw/dt = -w/ms : volt (event-driven)", "'w'.*event-driven.*clock-driven"),
        ("w : volt (linked)", r"'w'.*linked.*_pre or _post"),
        ("w : volt\nf = w : volt (constant over dt)", "'f'.*constant over dt.*neuron"),
        (
            "dw/dt = -w/ms : volt (unless refractory)",
            "'w'.*unless refractory.*multiply",
        ),
        ("w : volt (shared, replicated)", "'w'.*replicated.*shared.*leave one"),
        ("w : volt\nI_post = w : volt (summed, shared)", "'I_post'.*leave one"),
        ("dw/dt = -w/ms : volt (shared)", r"'w'.*\(shared\).*leave it out"),
        ("w : volt\nf = w : volt (replicated)", r"'f'.*\(replicated\).*leave it out"),
    ],
)
def test_flags(model, message):
    with pytest.raises(InputError, match=message):
        make(model)


# --- summed variables ---


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("w : volt\nZ_post = w : volt (summed)", "'Z_post' needs a parameter 'Z'"),
        ("w : volt\nx_post = w/mV : 1 (summed)", "'x_post' needs a parameter 'x'"),
        ("w : volt\nI = w : volt (summed)", "'I' does not end in '_pre' or '_post'"),
    ],
)
def test_summed_without_target(model, message):
    with pytest.raises(InputError, match=message):
        make(model)


def test_summed_twice_under_one_name():
    twice = "w : volt\nI_post = w : volt (summed)\nI_post = w : volt (summed)"
    dense, stock = cause(lambda: make(twice)), cause(lambda: make_stock(twice))
    assert type(dense) is type(stock) and "Duplicate definition" in str(dense)


BOTH = "w : volt\nI_post = w : volt (summed)\nI_pre = w : volt (summed)"


def test_one_group_summed_from_both_sides():
    pre, post = groups()
    with pytest.raises(InputError, match="'I_post' and 'I_pre'.*one for each"):
        DenseSynapses(pre, pre, BOTH)
    run((pre, post, DenseSynapses(pre, post, BOTH)))  # two groups are fine


SUM = "w : volt\nI_post = w : volt (summed)"
OTHER = "w : volt\nJ_post = w : volt (summed)"


@pytest.mark.parametrize("second", [DenseSynapses, Synapses])
def test_two_objects_that_set_one_variable(second):
    pre, post = groups()
    first, other = DenseSynapses(pre, post, SUM), second(pre, post, SUM)
    if second is Synapses:
        other.connect()
    error = cause(lambda: run((pre, post, first, other)))
    assert isinstance(error, InputError)
    assert "both set 'I'" in str(error) and "variable of its own" in str(error)


def test_two_objects_that_set_different_variables():
    pre, post = groups()
    run((pre, post, DenseSynapses(pre, post, SUM), DenseSynapses(pre, post, OTHER)))


def test_two_objects_in_different_networks():
    pre, post = groups()
    first, _other = DenseSynapses(pre, post, SUM), DenseSynapses(pre, post, SUM)
    run((pre, post, first))


def test_the_groups_have_to_be_in_the_network():
    pre, post, made = make()
    with pytest.raises(ValueError, match=f"'{made.name}'.*depends"):
        run((post, made))


# --- what is random ---


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("dw/dt = rand()*volt/ms : volt (clock-driven)", "rand"),
        ("dw/dt = xi*volt/ms**0.5 : volt (clock-driven)", "xi"),
        ("dw/dt = xi_own*volt/ms**0.5 : volt (clock-driven)", "xi_own"),
        ("w : volt\nI_post = w*randn()*x_pre : volt (summed)", "randn"),
        ("w : volt\nI_post = w*poisson(3) : volt (summed)", "poisson"),
        ("w : volt\nf = rand() : 1\nI_post = w*f : volt (summed)", "rand"),
    ],
)
def test_random_right_hand_sides(model, name):
    with pytest.raises(InputError, match=f"{name} is random.*neuron model"):
        make(model)


@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def coin(x):
    return np.round(x)


coin.stateless = False


@pytest.mark.parametrize("given", [True, False])
def test_random_functions_of_the_user(given):
    """Known when the synapses are made, or only when the network runs."""
    model = "w : volt\nI_post = w*coin(x_pre) : volt (summed)"
    namespace = {"namespace": {"coin": coin}} if given else {}
    error = cause(lambda: run(make(model, **namespace)))
    assert isinstance(error, InputError)
    assert "coin is random" in str(error)


def test_noise_of_neurons_is_welcome():
    noisy = "I : volt\nnoise = randn() : 1 (constant over dt)"
    pre, post = NeuronGroup(6, noisy), NeuronGroup(4, noisy)
    made = DenseSynapses(pre, post, "w : volt\nI_post = w*noise_pre : volt (summed)")
    made.w = np.ones((6, 4)) * mV
    run((pre, post, made))
    assert np.ptp(np.asarray(post.I)) == 0  # one draw a neuron, not one a synapse
    assert np.asarray(post.I)[0] != 0


# --- names ---


def test_unknown_names():
    model = "w : volt\nI_post = w*nonesuch : volt (summed)"
    dense = cause(lambda: run(make(model)))
    stock = cause(lambda: run(make_stock(model)))
    assert type(dense) is type(stock) is KeyError
    assert str(dense) == str(stock)
