"""Functions of a user that equations call, on targets that can run them or not."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    Synapses,
    check_units,
    defaultclock,
    implementation,
    prefs,
)

from neuro_ep import DenseSynapses
from neuro_ep.engine.dense.codeobjects import python_headers_available
from neuro_ep.errors import InputError


@check_units(x=1, result=1)
def plain(x):
    return 2 * np.sin(x)


@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def vectorised(x):
    return 2 * np.sin(x)


@implementation("cpp", "double in_cpp(double x) {return 2*sin(x);}")
@check_units(x=1, result=1)
def in_cpp(x):
    return 2 * np.sin(x)


@implementation("cpp", "double other(double x) {return 2*sin(x);}")
@implementation("cython", "cdef double other(double x):\n    return 2*x")
@check_units(x=1, result=1)
def other(x):
    return 2 * np.sin(x)


FUNCTIONS = {"other": other, "plain": plain, "vectorised": vectorised, "in_cpp": in_cpp}


def run(kind, function, **keywords):
    called = "tanh" if function == "plain" else function  # Brian2 refuses it there
    neurons = f"x : 1\ny = {called}(x) : 1\na : 1"
    known = {"namespace": FUNCTIONS}
    pre, post = (NeuronGroup(n, neurons, **known) for n in (3, 2))
    pre.x = [0.5, 1, 2]
    sums = f"w*{function}(x_pre) + {function}(w) + y_pre"
    model = f"w : 1\na_post = {sums} : 1 (summed)"
    made = kind(pre, post, model, **keywords)
    if kind is Synapses:
        made.connect()
    made.w = 0.7
    Network(pre, post, made).run(defaultclock.dt, namespace=FUNCTIONS)
    return post.a[:]


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("given", [{}, {"namespace": FUNCTIONS}])
@pytest.mark.parametrize("function", ["vectorised", "in_cpp", "other", "exprel"])
def test_numpy_runs_functions_in_python_as_with_stock(function, given):
    stock = run(Synapses, function, **given)
    np.testing.assert_allclose(run(DenseSynapses, function, **given), stock)
    assert (stock != 0).all()


@pytest.fixture
def on_cython(on_numpy):
    if not python_headers_available():
        pytest.skip("no Python.h")
    prefs.codegen.target = "cython"


@pytest.mark.slow
@pytest.mark.parametrize("function", ["plain", "vectorised"])
def test_compiled_targets_say_what_a_function_needs(function, on_cython):
    refuses(function)


@pytest.mark.usefixtures("on_numpy")
def test_a_plain_function_may_be_random():
    """Stock synapses call it once a synapse; here it would be once a neuron."""
    refuses("plain")


def refuses(function):
    with pytest.raises(Exception) as refused:
        run(DenseSynapses, function)
    reason = refused.value.__cause__
    assert isinstance(reason, InputError)
    assert f"cannot call {function}(): a plain Python" in str(reason)
    assert "@implementation('cpp'" in str(reason)


@pytest.mark.slow
def test_compiled_targets_run_the_text_in_cpp(on_cython):
    total = 2 * np.sin([0.5, 1, 2])
    np.testing.assert_allclose(
        run(DenseSynapses, "in_cpp"), 1.7 * total.sum() + 3 * 2 * np.sin(0.7)
    )


@pytest.mark.usefixtures("on_numpy")
def test_random_functions_of_neurons():
    noisy = NeuronGroup(4, "noise = rand() : 1", threshold="True")
    with pytest.raises(InputError, match=r"rand\(\) is random"):
        DenseSynapses(noisy, noisy, "w : 1", on_pre="w += noise_pre")
