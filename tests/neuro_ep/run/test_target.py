"""Brian2 is left as it was found: device, preferences, names, a user's project."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    defaultclock,
    get_device,
    ms,
    prefs,
    restore,
    run,
    set_device,
    start_scope,
    store,
)
from brian2.core.names import Nameable

from neuro_ep import load_dataset, train
from neuro_ep.models.equilibrium.ep import EQUILIBRIUM_PROPAGATION
from neuro_ep.run.target import TARGETS, on_target, select_target


def state():
    """What the next simulation of the session depends on."""
    chosen = get_device()
    return (
        type(chosen).__name__,
        id(chosen),
        prefs.codegen.target,
        prefs.core.default_float_dtype,
        float(defaultclock.dt),
        {found.name for ref in Nameable.__instances__() if (found := ref())},
    )


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_everything_is_put_back(name, error):
    group = NeuronGroup(2, "x : 1", name="mine")
    defaultclock.dt = 0.25 * ms
    before = state()
    try:
        with on_target(name, "float32"):
            assert prefs.core.default_float_dtype == np.float32
            inside = NeuronGroup(3, "x : 1", name="mine")  # no clash with the other
            assert inside.variables["x"].dtype == np.float32
            defaultclock.dt = 1 * ms
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    finally:
        after = state()
        defaultclock.dt = 0.1 * ms
    assert after == before
    assert len(group) == 2


def test_selecting_alone_is_seen_by_the_comparison():
    """The control: what is not put back differs."""
    before = state()
    select_target("standalone")
    try:
        assert state() != before
    finally:
        set_device("runtime")


def test_an_unbuilt_project_of_the_user_is_not_touched(tmp_path):
    set_device("cpp_standalone", directory=tmp_path / "project", build_on_run=False)
    try:
        theirs = get_device()
        group = NeuronGroup(2, "dx/dt = 1/ms : 1", method="euler", name="theirs")
        known = {variable.owner.name for variable in theirs.arrays}
        with on_target("standalone"):
            assert get_device() is not theirs
            NeuronGroup(5, "y : 1", name="ours")
        assert get_device() is theirs
        assert {variable.owner.name for variable in theirs.arrays} == known
        assert group.name == "theirs"
    finally:
        theirs.reinit()
        set_device("runtime")


def test_run_inside_takes_nothing_from_outside():
    set_device("runtime")
    equations = "dv/dt = 1/ms : 1"
    outer = NeuronGroup(1, equations, method="euler", name="same")
    with on_target("numpy"):
        inner = NeuronGroup(1, equations, method="euler", name="same")
        run(1 * ms)
        start_scope()
        newer = NeuronGroup(1, equations, method="euler")
        run(1 * ms)
        assert [float(g.v[0]) for g in (outer, inner, newer)] == pytest.approx(
            [0, 1, 1]
        )
    run(1 * ms)
    assert [float(g.v[0]) for g in (outer, inner, newer)] == pytest.approx([1, 1, 1])


def test_a_run_goes_on_after_a_run_inside():
    set_device("runtime")
    start_scope()
    outer = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    run(1 * ms)
    store()
    with on_target("numpy"):
        inner = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
        run(1 * ms)
        store()
        with on_target("numpy"):
            NeuronGroup(1, "v : 1")
        run(1 * ms)
        restore()
        assert float(inner.v[0]) == pytest.approx(1)
    run(1 * ms)
    assert float(outer.v[0]) == pytest.approx(2)
    restore()
    assert float(outer.v[0]) == pytest.approx(1)


@pytest.mark.parametrize(
    "name", ["numpy", pytest.param("standalone", marks=pytest.mark.exhaustive)]
)
def test_a_stock_script_runs_the_same_before_and_after_training(name, tmp_path):
    def stock():
        group = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
        run(1 * ms)
        return np.array(group.v), group.v.dtype

    digits = load_dataset("digits")
    few = replace(digits, train=digits.train[:40], test=digits.test[:20])
    settings = EQUILIBRIUM_PROPAGATION.settings(
        "digits", layers=(64, 8, 10), epochs=1, free=4, nudged=2
    )
    set_device("runtime")
    prefs.codegen.target = "numpy"
    (before, kind), found = stock(), state()
    train(
        *(EQUILIBRIUM_PROPAGATION, few, settings),
        out=tmp_path / "run.h5",
        target=name,
    )
    assert state()[:5] == found[:5]
    (after, other) = stock()
    assert kind == other == np.float64
    assert (before == after).all()
