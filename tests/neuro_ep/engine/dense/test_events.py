"""Event pathways: what spikes do to synapses, as in Brian2's own ``Synapses``.

The networks are in ``event_scenarios.py``. One replica is compared with stock synapses,
several with explicit loops over events, replicas and synapses, written here.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest
from brian2 import (
    BrianObjectException,
    DimensionMismatchError,
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    ms,
    mV,
    prefs,
    scheduling_summary,
    set_device,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject

from neuro_ep.engine.dense import DenseSynapses
from neuro_ep.engine.dense.codeobjects import python_headers_available
from neuro_ep.errors import InputError

SCRIPT = runpy.run_path(str(Path(__file__).with_name("event_scenarios.py")))
STEPS, N_PRE, N_POST = (SCRIPT[name] for name in ("STEPS", "N_PRE", "N_POST"))
TARGETS = (
    "numpy",
    pytest.param("cython", marks=pytest.mark.exhaustive),
    "standalone",
)
REPLICAS = 3

#: Sums in another order differ by some 1e-16 a step; a wrong rule by far more.
ROUNDING = 1e-12


def relative_error(found, truth):
    assert found.shape == truth.shape and np.isfinite(found).all()
    return np.linalg.norm(found - truth) / np.linalg.norm(truth)


# --- small networks in this process ---


@pytest.fixture(params=["numpy", pytest.param("cython", marks=pytest.mark.exhaustive)])
def target(request):
    if request.param == "cython" and not python_headers_available():
        pytest.skip("Brian2's Cython target needs Cython and Python's C headers")
    before = prefs.codegen.target
    set_device("runtime")
    prefs.codegen.target = request.param
    yield request.param
    prefs.codegen.target = before


SPIKING = """
    dx/dt = -x/(2*ms) : 1
    dv/dt = -v/(5*ms) : volt (unless refractory)
    y = x**2 : 1
    I : volt
"""

#: Both ends spike every so many steps; those of the source also burst.
PERIOD = TimedArray(np.arange(40) % 3 == 0, dt=0.1 * ms, name="period")
ALWAYS = {"threshold": "period(t + i*dt) > 0", "reset": "x += 1"}


def group(n, name, **keywords):
    keywords = {**ALWAYS, "method": "euler", "dt": 0.1 * ms, **keywords}
    return NeuronGroup(
        n,
        SPIKING,
        namespace={"period": PERIOD},
        codeobj_class=NumpyCodeObject,
        name=name,
        **keywords,
    )


def ends(replicas=1, **keywords):
    return group(4 * replicas, "source*", **keywords), group(3 * replicas, "target*")


def run(kind, model, order=None, ends=ends, **keywords):
    """States after two milliseconds, and the synapses."""
    pre, post = ends()
    synapses = kind(pre, post, model, dt=0.1 * ms, **keywords)
    weights = np.arange(1.0, 13).reshape(4, 3) / 12
    if kind is Synapses:
        synapses.connect()
        weights = weights.ravel()
    synapses.w = weights * mV
    for name, value in (order or {}).items():
        getattr(synapses, name).order = value
    network = Network(pre, post, synapses)
    network.run(2 * ms)
    states = [("w", synapses), ("v_pre", pre), ("v_post", post), ("I", post)]
    found = {
        name: np.ravel(owner.state(name[0], use_units=False)) for name, owner in states
    }
    return found, network


def bursting():
    burst = {"burst": "period(t + 2*i*dt + dt) > 0"}
    pre = group(4, "source*", events=burst)
    return pre, group(3, "target*")


def refractory():
    return ends(refractory=0.4 * ms)[0], group(3, "target*", refractory=0.2 * ms)


LIKE_STOCK = {
    "unless refractory": {
        "on_pre": "v_post += w",
        "on_post": "v_pre -= 0.3*w",
        "ends": refractory,
    },
    "named pathways": {
        "on_pre": {"send": "I_post += w", "forget": "w = w*(0.9 - 0.1*x_post)"},
        "on_post": {"remember": "w += 0.01*mV*x_pre"},
        "on_event": {"forget": "burst"},
        "order": {"forget": -3, "remember": -2},
        "ends": bursting,
    },
    "names": {
        "model": """w : volt
            gain = tanh(w/mV)*x_post : 1""",
        "on_pre": """factor = gain*y_pre
            I += w*factor
            w = w + 0.01*mV*factor*int(x_post > 0.3) + (i - j)*0.01*mV""",
        "on_post": "x_post -= 0.1*x_pre",
    },
}


@pytest.mark.parametrize("name", LIKE_STOCK)
def test_like_stock(target, name):
    keywords = {"model": "w : volt", **LIKE_STOCK[name]}
    dense, _ = run(DenseSynapses, **keywords)
    prefs.codegen.target = "numpy"
    stock, _ = run(Synapses, **keywords)
    unchanged, _ = run(Synapses, keywords["model"], on_pre="w += 0*mV")
    moved = [key for key in stock if not np.allclose(stock[key], unchanged[key])]
    assert moved
    for key, values in stock.items():
        error = np.linalg.norm(dense[key] - values)
        assert error <= ROUNDING * np.linalg.norm(values), key


def test_one_synapse_after_the_other(target):
    """A synapse reads what the same event has done before on its own neuron."""
    neurons = NeuronGroup(
        6, "v : 1", threshold="True", dt=0.1 * ms, codeobj_class=NumpyCodeObject
    )
    code = "v_post += w ; w = w + 0.5*v_pre"
    synapses = DenseSynapses(neurons, neurons, "w : 1", replicas=2, on_pre=code)
    v, w = np.arange(6.0), np.arange(9.0).reshape(3, 3)
    neurons.v, synapses.w = v, w
    Network(neurons, synapses).run(0.1 * ms)
    for r, i, j in np.ndindex(2, 3, 3):
        own = v[3 * r + i]  # as it is before this synapse changes anything
        v[3 * r + j] += w[i, j]
        w[i, j] += 0.5 * own / 2
    np.testing.assert_allclose(neurons.v, v, rtol=1e-12)
    np.testing.assert_allclose(synapses.w, w, rtol=1e-12)


def test_replicated_variables_are_not_averaged(target):
    pre, post = ends(replicas=2, threshold="i == 1 or i == 6")
    model = "w : volt\nn : integer (replicated)\nz : 1 (replicated)"
    code = "n += 1 ; z += 0.5 ; w += 1*mV"
    synapses = DenseSynapses(pre, post, model, replicas=2, on_pre=code)
    Network(pre, post, synapses).run(0.2 * ms)
    expected = np.zeros((2, 4, 3))
    expected[0, 1] = expected[1, 2] = 2
    np.testing.assert_array_equal(synapses.n, expected)
    np.testing.assert_array_equal(synapses.z, expected / 2)
    np.testing.assert_allclose(synapses.w / mV, expected.mean(axis=0))


def test_single_precision(target):
    pre, post = ends(replicas=2)
    synapses = DenseSynapses(
        pre, post, "w : volt", replicas=2, on_pre="w += 1*mV*x_post", dtype=np.float32
    )
    exact = DenseSynapses(pre, post, "w : volt", replicas=2, on_pre="w += 1*mV*x_post")
    Network(pre, post, synapses, exact).run(2 * ms)
    error = relative_error(np.asarray(synapses.w), np.asarray(exact.w))
    assert 0 < error < 1e-6 and np.asarray(synapses.w).dtype == np.float32


CALLS = [0]


@implementation(
    "cpp", "double counted(double x) { static double calls = 0; return ++calls; }"
)
@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def counted(x):
    """How often code has run so far, on one synapse each time."""
    CALLS[0] += np.size(x)
    return np.full(np.shape(x), CALLS[0])


@pytest.mark.parametrize(("side", "row"), [("pre", 7), ("post", 50)])
def test_events_touch_one_row_or_column_each(target, side, row):
    """The cost of a step is that of its events; a matrix has 350 synapses here."""
    events, replicas = 5, 2
    spikes = {
        "indices": [0, 3, 3, 9, 13],
        "times": [0.1, 0.1, 0.3, 0.3, 0.4] * ms,
        "codeobj_class": NumpyCodeObject,
        "dt": 0.1 * ms,
    }
    pre = SpikeGeneratorGroup(100, **spikes)
    post = SpikeGeneratorGroup(14, **spikes)
    synapses = DenseSynapses(
        pre,
        post,
        "seen : 1 (replicated)",
        replicas=replicas,
        namespace={"counted": counted},
        **{f"on_{side}": "seen = counted(seen)"},
    )
    Network(pre, post, synapses).run(0.6 * ms)
    seen = np.asarray(synapses.seen)
    first = 1 if target == "cython" else row  # numpy does a row at once
    assert seen.max() - seen[seen > 0].min() == events * row - first
    assert np.count_nonzero(seen) == (events - 1) * row  # number 3 spikes twice


def test_without_events_nothing_runs(on_numpy):
    pre, post = ends(threshold="False")
    synapses = DenseSynapses(pre, post, "w : volt", on_pre="w += 1*mV")
    Network(pre, post, synapses).run(1 * ms)
    assert np.ptp(np.asarray(synapses.w)) == 0 == np.asarray(synapses.w).max()


def test_names_and_order_in_the_schedule():
    pre, post = ends()
    names = {"name": "s", "on_pre": "w += 0*mV", "on_post": {"learn": "w += 0*mV"}}
    synapses = DenseSynapses(pre, post, "w : volt", **names)
    network = Network(pre, post, synapses)
    entries = [
        (entry.name, entry.when, entry.order)
        for entry in scheduling_summary(network).entries
        if entry.when == "synapses"
    ]
    assert entries == [("s_pre", "synapses", -1), ("s_learn", "synapses", 1)]
    assert synapses.pathways == {"pre": synapses.pre, "learn": synapses.learn}


def test_neuron_variables_that_events_set():
    pre, post = ends()
    code = "I_post += w ; w += 0*mV*x_post"
    synapses = DenseSynapses(pre, post, "w : volt", on_pre=code)
    (changed,) = synapses.pre.sets
    assert changed is post.variables["I"]


@pytest.mark.parametrize("code", [None, "w += 0.1*mV*x_pre", "I_pre += w"])
def test_a_source_of_plastic_events_is_not_held(code):
    before, prefs.codegen.target = prefs.codegen.target, "cython"
    pre = NeuronGroup(4, "x : 1\nI : volt")
    post = NeuronGroup(3, "I : volt\nv : 1", threshold="v > 1")
    model = "w : volt\nI_post = w*x_pre : volt (summed)"
    synapses = DenseSynapses(pre, post, model, on_post=code)
    alone, _network = synapses.held, Network(pre, post, synapses)
    within = synapses.held
    prefs.codegen.target = before
    assert (alone is None) == (within is None) == (code is not None)


# --- errors ---

MODEL = """
    w : volt
    fixed : volt (constant)
    eta : volt (shared)
    n : integer
    twice = 2*w : volt
"""


def make(model=MODEL, replicas=1, **keywords):
    pre, post = ends(replicas)
    return pre, post, DenseSynapses(pre, post, model, replicas=replicas, **keywords)


@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def coin(x):
    return np.round(x)


coin.stateless = False


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"on_pre": "I_pst += w"}, "on_pre assigns 'I_pst': it is no variable of"),
        ({"on_pre": "I_pst = I_post + w"}, "'I_pst'.*no statement reads it; declare"),
        ({"on_post": "twice = w"}, "on_post assigns 'twice': it is computed from"),
        ({"on_pre": "y_post = 1"}, "'y_post': it is computed from others"),
        ({"on_pre": "N = 3"}, "'N': it is read-only"),
        ({"on_pre": "t += 1*ms"}, "'t': it is read-only"),
        ({"on_pre": "i_post = 3"}, "'i_post': it is read-only"),
        ({"on_pre": "j = 3 ; w = j*mV"}, "'j': it is the number of a neuron"),
        ({"on_pre": "fixed = w"}, r"'fixed': it is declared \(constant\)"),
        ({"on_pre": "eta = 1*mV"}, r"'eta': it is \(shared\).*run_regularly"),
        ({"on_pre": "n += 1", "replicas": 2}, r"'n': a mean.*\(replicated\)"),
        ({"on_pre": "w += rand()*mV"}, r"on_pre: rand\(\) is random.*neuron model"),
        ({"on_pre": "w +"}, "on_pre='w .'.*Parsing the statement failed"),
        ({"on_pre": ""}, "on_pre='': give statements"),
        ({"on_pre": 3}, "on_pre=3: give statements"),
        ({"on_pre": {"w": "w += eta"}}, "'w' cannot name a pathway.*choose another"),
        ({"on_pre": {"N_pre": "w += eta"}}, "'N_pre' cannot name a pathway"),
        ({"on_pre": {"a b": "w += eta"}}, "'a b' cannot name a pathway"),
        ({"on_pre": {"a": "w += eta"}, "on_post": {"a": "w += eta"}}, "'a' cannot"),
        ({"on_pre": "w += eta", "on_event": "burst"}, "no event 'burst'; define it"),
        ({"on_pre": "w += eta", "on_event": {"post": "spike"}}, "'post', only pre"),
        ({"on_pre": "w += eta", "delay": 1 * ms}, "delay=.*use Synapses"),
        ({"on_pre": "w += eta ; I_post = twice"}, "reads 'twice' after a change"),
        ({"on_pre": "x_post += 1 ; w += eta*y_post"}, "reads 'y_post' after a"),
        (
            {"model": "w : 1\ndz/dt = -z/ms : 1 (event-driven)"},
            "'z'.*event-driven.*all synapses of a neuron share a trace",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_is_refused(keywords, message):
    with pytest.raises(InputError, match=message):
        make(**keywords)


@pytest.mark.parametrize("side", ["pre", "post"])
def test_neurons_that_do_not_spike(side):
    spiking, silent = group(4, "source*"), NeuronGroup(4, "x : 1", name="silent")
    pair = (silent, spiking) if side == "pre" else (spiking, silent)
    with pytest.raises(InputError, match="'silent' does not spike; give it a thresh"):
        DenseSynapses(*pair, "w : 1", **{f"on_{side}": "w += 1"})


def test_two_conditions_in_one_code():
    pair = refractory()
    with pytest.raises(InputError, match="'v_post' and 'v_pre', which.*both sides"):
        DenseSynapses(*pair, "w : 1", on_pre="v_post += w*v_pre")
    DenseSynapses(*pair, "w : 1", on_pre="v_post += w*x_pre*mV")  # one is fine


def test_random_functions_of_the_user(target):
    neurons = NeuronGroup(4, "x : 1", threshold="True", codeobj_class=NumpyCodeObject)
    synapses = DenseSynapses(neurons, neurons, "w : 1", on_pre="w += coin(w)")
    error = cause(lambda: Network(neurons, synapses).run(0.1 * ms))
    assert isinstance(error, InputError) and "coin() is random" in str(error)


def cause(action):
    """The error of an action, without Brian2's wrapping that names the object."""
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011 - the type is compared
        action()
    error = caught.value
    while isinstance(error, BrianObjectException):
        error = error.__cause__
    return error


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("w += x_pre", DimensionMismatchError),
        ("I_post = w/ms", DimensionMismatchError),
        ("change = w + x_post ; w += change", DimensionMismatchError),
        ("w += nonesuch", KeyError),
    ],
)
def test_fails_as_stock_synapses_do(on_numpy, code, expected):
    found = [
        cause(lambda kind=kind: run(kind, "w : volt", on_pre=code))
        for kind in (DenseSynapses, Synapses)
    ]
    assert type(found[0]) is type(found[1]) is expected
    assert str(found[0]) == str(found[1])
