"""What is refused, before anything is compiled, and what is said then."""

import pytest
from brian2 import NeuronGroup

from neuro_ep.engine.convolution import BiasSynapses, ConvSynapses, PoolSynapses
from neuro_ep.errors import InputError

NEURONS = "x : 1\nI : volt"
FORWARD = "w : volt\nI_post = w*x_pre : volt (summed)"
POOL = "I_post = x_pre*volt : volt (summed)"
FITTING = dict(shape=(1, 4, 4), channels=2, kernel=3, replicas=2)

pytestmark = pytest.mark.usefixtures("on_numpy")


def neurons(n):
    return NeuronGroup(n, NEURONS)


def convolution(model=FORWARD, pre=32, post=16, **keywords):
    return ConvSynapses(neurons(pre), neurons(post), model, **FITTING | keywords)


def test_what_the_others_spoil_is_accepted():
    assert convolution().w.shape == (9, 2)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"pre": 30}, r"'neurongroup.*' has 15 neurons a replica, but shape=.* has 16"),
        ({"post": 18}, "9 neurons a replica, but 2 channels of 2 x 2 are 8"),
        ({"post": 17}, "not a multiple of replicas=2"),
        ({"stride": 2}, "but 2 channels of 1 x 1 are 2"),
        ({"padding": 1}, "but 2 channels of 4 x 4 are 32"),
        ({"stride": 0}, "stride=0: give a whole number from 1"),
        ({"padding": -1}, "padding=-1: give a whole number from 0"),
        ({"padding": 0.5}, "padding=0.5: give a whole number from 0"),
        ({"channels": 0}, "channels=0: give a whole number from 1"),
        ({"kernel": (3, 0)}, "kernel=0: give a whole number from 1"),
        ({"kernel": (3, 3, 3)}, r"kernel=\(3, 3, 3\): give one whole number, or two"),
        ({"kernel": 3.0}, "kernel=3.0: give one whole number, or two"),
        ({"kernel": 5}, r"kernel=\(5, 5\) is larger than the maps of 4 x 4"),
        ({"shape": (4, 4)}, r"shape=\(4, 4\): give \(channels, height, width\)"),
        ({"shape": 16}, r"shape=16: give \(channels, height, width\)"),
        ({"replicas": 0}, "replicas=0: give a whole number from 1"),
    ],
)
def test_sizes(keywords, message):
    with pytest.raises(InputError, match=message):
        convolution(**keywords)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "w : volt\nI_post = w*exp(x_pre*x_post) : volt (summed)",
            "'I_post': ConvSynapses needs a sum of products",
        ),
        (
            "dw/dt = volt*tanh(w/volt*x_pre)/second : volt (clock-driven)",
            "'w': ConvSynapses needs a sum of products .* run_regularly",
        ),
        (
            "dw/dt = w**2*x_pre/volt/second : volt (clock-driven)",
            "'w': ConvSynapses needs a sum of products",
        ),
        (
            "dz/dt = x_pre/second : 1 (clock-driven, replicated)",
            r"'z': ConvSynapses has no \(replicated\) variables; keep the trace in",
        ),
        ("w : volt\nI_post = w*rand() : volt (summed)", "rand is random"),
    ],
)
def test_equations(model, message):
    with pytest.raises(InputError, match=message):
        convolution(model)


def test_gated_code():
    with pytest.raises(InputError, match="no run_where; .* by 'open', or use run_reg"):
        convolution().run_where("w = 0*volt", "open")


@pytest.mark.parametrize("events", ["on_pre", "on_post"])
def test_events(events):
    with pytest.raises(InputError, match="no event pathways"):
        convolution(**{events: "w += volt"})


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"model": FORWARD}, r"'w': PoolSynapses has no variables .* use ConvSynapses"),
        ({"window": 3}, "window=3 does not divide maps of 4 x 4"),
        ({"window": 0}, "window=0: give a whole number from 1"),
        ({"post": 9}, "9 neurons a replica, but 2 channels of 2 x 2 are 8"),
        ({"pre": 33}, "33 neurons a replica, but shape=.* has 32"),
    ],
)
def test_pooling(keywords, message):
    given = {"model": POOL, "pre": 32, "post": 8} | keywords
    ends = neurons(given.pop("pre")), neurons(given.pop("post")), given.pop("model")
    with pytest.raises(InputError, match=message):
        PoolSynapses(*ends, shape=(2, 4, 4), **given)


@pytest.mark.parametrize(
    ("pre", "post", "channels", "message"),
    [
        (4, 16, 2, "2 neurons a replica, but biases come from 1"),
        (2, 18, 2, "9 neurons a replica, which is not a multiple of channels=2"),
        (2, 16, 0, "channels=0: give a whole number from 1"),
    ],
)
def test_biases(pre, post, channels, message):
    model = "b : volt\nI_post = b : volt (summed)"
    with pytest.raises(InputError, match=message):
        BiasSynapses(neurons(pre), neurons(post), model, channels=channels, replicas=2)
