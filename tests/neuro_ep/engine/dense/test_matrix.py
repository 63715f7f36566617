"""``S.w`` as a matrix with units; monitors and run_regularly on dense synapses."""

import numpy as np
import pytest
from brian2 import (
    DimensionMismatchError,
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    amp,
    linked_var,
    ms,
    mV,
    scheduling_summary,
    volt,
)

from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.errors import InputError

pytestmark = pytest.mark.usefixtures("on_numpy")

#: A few roundings of float64.
ROUNDING = 1e-12

N_PRE, N_POST = 3, 4
MODEL = """
    w : volt
    z : 1 (replicated)
    k : 1
    scale : volt (shared, constant)
    I_post = w*x_pre : volt (summed)
"""
ROWS, COLUMNS = np.arange(N_PRE).reshape(-1, 1), np.arange(N_POST).reshape(1, -1)
SOME = np.arange(12.0).reshape(N_PRE, N_POST) - 3.5


def synapses(replicas=2, model=MODEL, **keywords):
    pre = NeuronGroup(replicas * N_PRE, "x : 1")
    post = NeuronGroup(replicas * N_POST, "I : volt\nJ : volt")
    made = DenseSynapses(pre, post, model, replicas=replicas, **keywords)
    made._groups = pre, post  # Brian2 refers to them weakly
    return made


def in_mv(values):
    return np.asarray(values / mV)


def assert_weights(made, expected):
    assert made.w.shape == (N_PRE, N_POST)
    expected = np.broadcast_to(expected, (N_PRE, N_POST))
    np.testing.assert_allclose(in_mv(made.w[:]), expected, rtol=ROUNDING)


# --- reading ---


def test_shape_unit_and_length():
    made = synapses()
    made.w = SOME * mV
    assert made.w.shape == made.w[:].shape == np.shape(made.w_) == (N_PRE, N_POST)
    assert made.w.unit == volt and made.w[:].dim is volt.dim
    assert made.z.shape == (2, N_PRE, N_POST)
    assert len(made) == made.N == 12
    np.testing.assert_array_equal(np.asarray(made.w_), SOME * 1e-3)


def test_repr_names_groups_and_sizes():
    made = synapses(name="hidden_output")
    text = repr(made)
    for part in ("hidden_output", made.source.name, made.target.name, "3 x 4", "2 re"):
        assert part in text


def test_indices():
    made = synapses()
    made.w = SOME * mV
    assert made.w[1, 2] == 2.5 * mV
    np.testing.assert_allclose(in_mv(made.w[0, :]), SOME[0], rtol=ROUNDING)
    np.testing.assert_allclose(in_mv(made.w[:, 1]), SOME[:, 1], rtol=ROUNDING)
    np.testing.assert_allclose(in_mv(made.w[1:, ::2]), SOME[1:, ::2], rtol=ROUNDING)
    np.testing.assert_allclose(in_mv(made.w[-1]), SOME[-1], rtol=ROUNDING)
    np.testing.assert_allclose(in_mv(made.w[SOME > 0]), SOME[SOME > 0], rtol=ROUNDING)
    with pytest.raises(IndexError):
        made.w[3, 0]


def test_arithmetic_keeps_shape_and_unit():
    made = synapses()
    made.w = SOME * mV
    assert (2 * made.w).shape == (made.w + 1 * mV).shape == (N_PRE, N_POST)
    np.testing.assert_allclose(in_mv(2 * made.w), 2 * SOME, rtol=ROUNDING)


# --- writing ---


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (SOME * mV, SOME),
        (SOME.ravel() * mV, SOME),
        (list(SOME.ravel() * mV), SOME),
        (2 * mV, 2),
        (0, 0),
        (ROWS * mV, ROWS),
        (COLUMNS * mV, COLUMNS),
        ("i*mV - 2*j*mV", ROWS - 2 * COLUMNS),
        ("int(i == j and i > 0)*mV", (ROWS == COLUMNS) & (ROWS > 0)),
        ("int(not i == j)*mV", ROWS != COLUMNS),
        ("exp(i/N_pre)*mV", np.exp(ROWS / N_PRE)),
        ("3*mV", 3),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("whole", ["attribute", "slice", "ellipsis"])
def test_assign_all(value, expected, whole):
    made = synapses()
    if whole == "attribute":
        made.w = value
    elif whole == "slice":
        made.w[:] = value
    else:
        made.w[...] = value
    assert_weights(made, expected)


GLOBAL = 5 * mV


def test_text_finds_constants_of_its_surroundings():
    made, local = synapses(), 2 * mV
    made.w = "local + i*GLOBAL"
    assert_weights(made, 2 + 5 * ROWS)
    made.w[:] = "local*j"
    assert_weights(made, 2 * COLUMNS)
    del local


def test_text_finds_the_namespace_and_variables_of_the_synapses():
    made = synapses(namespace={"local": 4 * mV})
    made.scale = 10 * mV
    made.k = SOME
    made.w = "local + scale*k"
    assert_weights(made, 4 + 10 * SOME)


def test_random_text_follows_the_seed_and_text_without_random_numbers_does_not():
    made = synapses()
    found = []
    for text in ("i", "2*j", "rand()", "rand()"):
        np.random.seed(3)
        made.k = text
        made.w = "randn()*mV"
        found.append(np.array(made.w / mV))
    assert (found[0] == found[1]).all() and (found[2] == found[3]).all()
    assert (found[0] != found[2]).all()
    assert abs(found[0].mean()) < 1 and 0.4 < found[0].std() < 2


def test_assign_parts():
    made, expected = synapses(), np.array(SOME)
    made.w = SOME * mV
    made.w[1, 2] = 7 * mV
    expected[1, 2] = 7
    made.w[0] = [1, 2, 3, 4] * mV
    expected[0] = 1, 2, 3, 4
    made.w[:, 3] = "10*i*mV"
    expected[:, 3] = 0, 10, 20
    made.w[1:, :2] = np.ones((2, 2)) * mV
    expected[1:, :2] = 1
    made.w[[0, 2], [0, 1]] = [-1, -2] * mV
    expected[[0, 2], [0, 1]] = -1, -2
    assert_weights(made, expected)


def test_replicated_variables_have_an_axis_of_replicas():
    made = synapses()
    made.z = SOME
    made.z[1] = 2 * SOME
    np.testing.assert_array_equal(np.asarray(made.z), [SOME, 2 * SOME])


@pytest.mark.parametrize("value", [1 * amp, SOME * amp, 1, SOME, "1*amp", "i", 1 * ms])
@pytest.mark.parametrize("item", [None, (0, 1), slice(None)])
def test_wrong_unit(value, item):
    made = synapses()
    with pytest.raises(DimensionMismatchError, match="w"):
        if item is None:
            made.w = value
        else:
            made.w[item] = value if np.ndim(value) == 0 else value[0, 0]
    assert_weights(made, 0)


@pytest.mark.parametrize(
    ("shape", "item", "room"),
    [
        ((4, 3), slice(None), "(3, 4)"),
        ((5,), slice(None), "(3, 4)"),
        ((4,), slice(None), "(3, 4)"),  # rows or columns? In a square, nobody knows
        ((3, 4, 1), slice(None), "(3, 4)"),
        ((3,), (0, slice(None)), "(4,)"),
        ((2, 2), (slice(None), 0), "(3,)"),
        ((2,), (0, 0), "()"),
    ],
)
def test_wrong_shape(shape, item, room):
    made = synapses()
    with pytest.raises(InputError) as caught:
        made.w[item] = np.ones(shape) * mV
    assert str(shape) in str(caught.value) and room in str(caught.value)
    assert "give an array of shape" in str(caught.value)
    assert_weights(made, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x_pre*mV", "'x_pre' cannot be used.*numpy"),
        ("z*mV", "z.*numpy"),
        ("poisson(3)*mV", "poisson.*numpy"),
    ],
)
def test_text_that_cannot_be_evaluated(text, message):
    made = synapses()
    with pytest.raises(InputError, match=message):
        made.w = text


def test_text_with_an_unknown_name():
    with pytest.raises(KeyError, match="nonesuch"):
        synapses().w = "nonesuch*mV"


def test_conditions_as_text_are_refused():
    made = synapses()
    with pytest.raises(InputError, match="i > 2.*index with numbers"):
        made.w["i > 2"] = 1 * mV
    with pytest.raises(InputError, match="i > 2.*index with numbers"):
        made.w["i > 2"]
    with pytest.raises(InputError, match="i > 2.*index with numbers"):
        made["i > 2"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.0**31, -1e30, "i/0", 1j, "1e10"])
def test_numbers_that_whole_variables_cannot_keep(value):
    ends = NeuronGroup(2, "x : 1"), NeuronGroup(2, "a : 1")
    made = DenseSynapses(*ends, "k : integer")
    made.k = [[2.0**31 - 1, -(2.0**31)], [0.0, True]]
    with np.errstate(divide="ignore", invalid="ignore"):
        with pytest.raises(InputError, match="'k' keeps whole numbers|real numbers"):
            made.k = value
    assert (made.k == [[2**31 - 1, -(2**31)], [0, 1]]).all()


@pytest.mark.parametrize("value", [1j, np.array(["a"]), np.array([None])])
def test_what_is_not_a_real_number(value):
    made = synapses()
    with pytest.raises((InputError, TypeError)):
        made.k = value


@pytest.mark.parametrize("side", ["pre", "post"])
def test_neurons_linked_to_a_single_one(side):
    def total(kind):
        one = NeuronGroup(1, "q : 1")
        one.q = 3
        text = "l : 1 (linked)\nm = 2*l + x : 1\nx : 1\na : 1"
        pre, post = NeuronGroup(3, text), NeuronGroup(2, text)
        pre.l, post.l, pre.x = linked_var(one, "q"), linked_var(one, "q"), [1, 2, 3]
        made = kind(pre, post, f"w : 1\na_post = w*m_{side} : 1 (summed)")
        if kind is Synapses:
            made.connect()
        made.w = 0.5
        Network(one, pre, post, made).run(0.1 * ms)
        return post.a[:]

    np.testing.assert_allclose(total(DenseSynapses), total(Synapses))


def test_a_linked_variable_is_read_where_it_is():
    made, other = synapses(), NeuronGroup(N_PRE * N_POST, "y : volt (linked)")
    other.y = linked_var(made, "w")
    with pytest.raises(InputError, match=r"linked to '.*\.w'.*read it there"):
        other.y[:]


# --- monitors and operations, on two targets ---

TARGETS = ("numpy", "standalone")
STEPS = 3
DW = 1.0  # mV a step, in views.py


def expected_views(solved, target):
    """The weights in mV at the start of each step, and after the last one."""
    weights = solved("views", target)["changed"] * 1e3
    history = []
    for _ in range(STEPS):
        history.append(weights)
        weights = np.clip(weights + DW, -1, 2.5)
    return np.array(history), weights


@pytest.mark.parametrize("target", TARGETS)
def test_one_seed_gives_the_same_weights_on_every_target(target, solved):
    begun = np.random.RandomState(11).randint(2**32, dtype=np.uint64)
    drawn = np.random.RandomState([int(begun), 0x7E47])
    shape = N_PRE, N_POST
    # the order in which the text calls the generator
    expected = 0.3 * drawn.standard_normal(shape) + drawn.random_sample(shape)
    found = solved("views", target)["initial"]
    np.testing.assert_allclose(found * 1e3, expected + ROWS - COLUMNS, rtol=ROUNDING)


@pytest.mark.parametrize("target", TARGETS)
def test_assignments_before_the_run_are_seen(target, solved):
    views = solved("views", target)
    expected = np.array(views["initial"]) * 1e3
    expected[0, 1] = 7
    expected[2] = 1, 2, 3, 4
    np.testing.assert_allclose(views["changed"] * 1e3, expected, rtol=ROUNDING)


@pytest.mark.parametrize("target", TARGETS)
def test_run_regularly_clips_the_weights(target, solved):
    _, final = expected_views(solved, target)
    found = solved("views", target)["w"] * 1e3
    assert found.max() == pytest.approx(2.5, rel=ROUNDING)
    np.testing.assert_allclose(found, final, rtol=ROUNDING)


@pytest.mark.parametrize(
    ("label", "indices"), [("list", [0, 3]), ("row", [4, 5, 6, 7]), ("all", range(12))]
)
@pytest.mark.parametrize("target", TARGETS)
def test_monitor(target, label, indices, solved):
    history, _ = expected_views(solved, target)
    expected = history.reshape(STEPS, -1)[:, list(indices)].T
    views = solved("views", target)
    np.testing.assert_allclose(views[f"{label}_w"] * 1e3, expected, rtol=ROUNDING)
    np.testing.assert_allclose(
        views[f"{label}_twice"] * 1e3, 2 * expected, rtol=ROUNDING
    )


@pytest.mark.parametrize("target", TARGETS)
def test_states_of_the_replicas_after_the_run(target, solved):
    views = solved("views", target)
    x = np.arange(6.0).reshape(2, N_PRE, 1)
    expected = np.broadcast_to(0.1 * STEPS * x, (2, N_PRE, N_POST))
    np.testing.assert_allclose(views["z"], expected, rtol=ROUNDING)
    history, _ = expected_views(solved, target)
    current = np.arange(6.0).reshape(2, N_PRE) @ history[-1]
    np.testing.assert_allclose(views["current"] * 1e3, current.ravel(), rtol=ROUNDING)


def test_monitor_of_a_parameter():
    made = synapses()
    made.k = SOME
    monitor = StateMonitor(made, "k", record=made[1:, 0])
    Network(made, made._groups, monitor).run(0.1 * ms)
    np.testing.assert_array_equal(monitor.k[:, 0], SOME[1:, 0])


@pytest.mark.parametrize("name", ["x_pre", "I_post", "z"])
def test_monitor_of_what_is_not_one_a_synapse(name):
    with pytest.raises(InputError, match="_pre and _post.*group of the neurons"):
        StateMonitor(synapses(), name, record=True)


@pytest.mark.parametrize("name", ["x_pre", "I_post", "I"])
def test_reading_what_is_not_one_a_synapse(name):
    with pytest.raises(InputError, match="_pre and _post.*group of the neurons"):
        getattr(synapses(), name)[:]


@pytest.mark.parametrize("code", ["w = w*x_pre", "z = 0", "k = int(I_post > 0*mV)"])
def test_run_regularly_on_what_is_not_one_a_synapse(code):
    made = synapses()
    with pytest.raises(InputError, match="'(x_pre|z|I_post)'.*equations"):
        made.run_regularly(code)


def test_store_and_restore():
    made = synapses(model="dw/dt = -w/ms : volt (clock-driven)")
    made.w = SOME * mV
    network = Network(made, made._groups)
    network.store()
    network.run(0.2 * ms)
    once = in_mv(made.w[:])
    assert np.abs(once - SOME).max() > 0.1
    network.restore()
    assert_weights(made, SOME)
    network.run(0.2 * ms)
    assert_weights(made, once)


# --- the schedule ---


def test_schedule():
    """Sums before their targets, weights with the neurons unless told otherwise."""
    model = """
        dw/dt = -w/ms : volt (clock-driven)
        I_post = w*x_pre : volt (summed)
        J_pre = w : volt (summed)
    """
    pre = NeuronGroup(N_PRE, "dx/dt = -x/ms : 1\nJ : volt", order=5, method="euler")
    post = NeuronGroup(N_POST, "I : volt")
    keywords = {"when": "end", "order": 3, "dt": 0.3 * ms, "name": "s"}
    made = DenseSynapses(pre, post, model, **keywords)
    made.run_regularly("w = w", when="resets", order=2, name="tidy")
    network = Network(pre, post, made)
    entries = {
        entry.name: (entry.when, entry.order, float(entry.dt / ms))
        for entry in scheduling_summary(network).entries
    }
    fast, slow = pytest.approx(0.1), pytest.approx(0.3)
    assert entries["s_summed_I_post"] == ("groups", -1, fast)
    assert entries["s_summed_J_pre"] == ("groups", 4, fast)
    assert entries["s_stateupdater"] == ("end", 3, slow)
    assert entries["tidy"] == ("resets", 2, slow)


def test_schedule_of_the_defaults():
    made = synapses(model="dw/dt = -w/ms : volt (clock-driven)", name="s")
    (updater,) = made.contained_objects
    assert (updater.name, updater.when, updater.order) == (
        "s_stateupdater",
        "groups",
        0,
    )
    assert updater.clock is made.target.clock


def test_sums_of_one_moment_are_one_operation():
    made = synapses(
        model="w : volt\nJ_post = w : volt (summed)\nI_post = w : volt (summed)"
    )
    assert [item.name for item in made.contained_objects] == [
        f"{made.name}_summed_I_post_J_post"
    ]
