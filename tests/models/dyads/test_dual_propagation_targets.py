"""Dyads on every target: the same updates and the same settled states."""

import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from neuro_ep.checking.families.dyads import (
    chain_of,
    drawn,
    settled,
)
from neuro_ep.engine.dense.codeobjects import python_headers_available
from neuro_ep.oracle import dyads
from neuro_ep.oracle.compare import relative_error

MILLI = 1e-3
COMPILER = bool(shutil.which(os.environ.get("CXX", "g++")) and shutil.which("make"))


def worst(found, truth):
    """The largest relative error of a projection."""
    return max(relative_error(found[name], right) for name, right in truth.items())


# --- every target ---------------------------------------------------------------------

SCENARIO = textwrap.dedent(
    """
    import sys
    import numpy as np
    from neuro_ep.run import build as device
    from neuro_ep.run.target import select_target
    from neuro_ep.checking.families.dyads import closed, drawn, settled, shown
    from neuro_ep.models.dyads.dual_propagation import DUAL_PROPAGATION

    target, out = sys.argv[1:]
    layers, states = (6, 9, 4), ["hidden.m", "hidden_apical.d", "output.m"]
    subject, found = drawn(layers, 3, seed=1), {}
    select_target(target)
    found |= shown(DUAL_PROPAGATION, closed(layers, 3, beta=0.2), *subject).update
    select_target(target)
    settings, how = settled(layers, 3, beta=0.2), {"eta": 0, "wanted": states}
    found |= shown(DUAL_PROPAGATION, settings, *subject, **how).values
    np.savez(out, **found)
    """
)


def on_target(target, folder):
    """Updates of a sweep, and settled states, in a process of its own."""
    script, out = folder / "scenario.py", folder / f"{target}.npz"
    script.write_text(SCENARIO)
    done = subprocess.run(
        [sys.executable, script, target, out],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(out))


@pytest.mark.slow
@pytest.mark.skipif(not COMPILER, reason="needs a C++ compiler and make")
@pytest.mark.exhaustive
@pytest.mark.parametrize("target", ["standalone", "cython"])
def test_targets_agree_and_settle_at_the_closed_form(target, tmp_path):
    if target == "cython" and not python_headers_available():
        pytest.skip("Brian2's Cython target needs Cython and Python's C headers")
    settings = settled((6, 9, 4), 3, beta=0.2)
    subject = drawn((6, 9, 4), 3, seed=1)
    truth = dyads.settle(chain_of(settings, subject, reference="mean"))
    found = {name: on_target(name, tmp_path) for name in ("numpy", target)}
    for values in found.values():
        m, d = (
            values[name].reshape(3, -1) / MILLI
            for name in ("hidden.m", "hidden_apical.d")
        )
        gaps = np.abs(np.tanh(m + d / 2) - truth.plus[1]).max()
        gaps = max(gaps, np.abs(np.tanh(m - d / 2) - truth.minus[1]).max())
        assert gaps < 1e-12
    assert worst(found[target], found["numpy"]) < 1e-10
