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


FUNCTIONS = {"plain": plain, "vectorised": vectorised, "in_cpp": in_cpp}


def run(kind, function, **keywords):
    pre, post = NeuronGroup(3, "x : 1"), NeuronGroup(2, "a : 1")
    pre.x = [0.5, 1, 2]
    model = f"w : 1\na_post = w*{function}(x_pre) + {function}(w) : 1 (summed)"
    made = kind(pre, post, model, **keywords)
    if kind is Synapses:
        made.connect()
    made.w = 0.7
    Network(pre, post, made).run(defaultclock.dt, namespace=FUNCTIONS)
    return post.a[:]


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("given", [{}, {"namespace": FUNCTIONS}])
@pytest.mark.parametrize("function", ["vectorised", "in_cpp", "exprel"])
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
        run(DenseSynapses, "in_cpp"), 0.7 * total.sum() + 3 * 2 * np.sin(0.7)
    )
