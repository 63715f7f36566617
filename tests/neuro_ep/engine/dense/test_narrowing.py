"""What Brian2 is shown of dense synapses, and when their code is made anew."""

import numpy as np
import pytest
from brian2 import BrianObjectException, Network, NeuronGroup, defaultclock

from neuro_ep import DenseSynapses
from neuro_ep.engine.dense import operations
from neuro_ep.engine.dense.narrowing import Narrowed

pytestmark = pytest.mark.usefixtures("on_numpy")

NEURONS = """
    x : 1
    other : 1
    deep = 2*x : 1
    deeper = deep + k : 1
    k : 1 (shared)
    a : 1
"""


def network(text, **keywords):
    pre, post = (NeuronGroup(3, NEURONS, name=f"{side}s") for side in ("pre", "post"))
    pre.x, pre.k = [1, 2, 3], 0.5
    made = DenseSynapses(pre, post, f"w : 1\na_post = {text} : 1 (summed)", **keywords)
    made.w = 1
    return Network(pre, post, made), made, post


def test_what_is_read_by_subexpressions_is_shown_and_nothing_else():
    made = network("w*deeper_pre")[1]
    shown = set(Narrowed(made, ["w*deeper_pre"]).variables)
    ends = {name.removesuffix("_pre").rpartition("_")[2] for name in shown}
    assert {"w", "deeper", "deep", "x", "k"} <= ends
    assert not {"other", "a"} & ends and len(shown) < len(made.variables) / 2
    assert Narrowed(made, ["w"]).name == made.name


def test_code_is_kept_as_long_as_it_is_the_same():
    runs, made, post = network("w*deeper_pre")
    code = []
    for factor in (1, 2):
        made.w = factor
        runs.run(defaultclock.dt, namespace={})
        code.append(made.operations[0].codeobj)
        np.testing.assert_array_equal(post.a, factor * 13.5)
    assert code[0] is code[1]


@pytest.mark.parametrize("inside", [True, False])
def test_code_with_constants_from_outside_is_made_anew(inside):
    given = {"namespace": {"m": 1.0}} if inside else {}
    runs, made, post = network("m*w*x_pre", **given)
    for factor in (1.0, 2.0):
        outside = made.namespace if inside else {"m": factor}
        outside["m"] = factor
        runs.run(defaultclock.dt, namespace={} if inside else outside)
        np.testing.assert_array_equal(post.a, factor * 6)


def test_code_of_another_type_is_made_anew():
    from brian2 import prefs

    runs, made, _ = network("w*x_pre")
    runs.run(defaultclock.dt, namespace={})
    first = made.operations[0].codeobj
    prefs.core.default_float_dtype = np.float32
    runs.run(defaultclock.dt, namespace={})
    assert made.operations[0].codeobj is not first


def test_code_that_could_not_be_made_is_made_again(monkeypatch):
    """Otherwise the next run would leave it out without a word."""

    def fails(*arguments, **keywords):
        raise OSError("no space left")

    runs, _, post = network("w*x_pre")
    with monkeypatch.context() as patch:
        patch.setattr(operations, "create_runner_codeobj", fails)
        with pytest.raises(BrianObjectException):
            runs.run(defaultclock.dt, namespace={})
    runs.run(defaultclock.dt, namespace={})
    np.testing.assert_array_equal(post.a, 6)
