"""However many threads share the work, results are the same to the last bit."""

import shutil

import numpy as np
import pytest

from neuro_ep.benchmarks.rhel import EchoProgram, make_work
from neuro_ep.models.echo.rhel import RHEL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++"),
]

#: Large enough for threads; and so many steps that both one and all are tried.
NEURONS, STEPS, TIMES = 256, 200, 2


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The gradient by class, with one thread and with several."""
    from brian2 import prefs, set_device

    before = prefs.codegen.target, prefs.core.default_float_dtype
    folder = tmp_path_factory.mktemp("threads")
    with pytest.MonkeyPatch.context() as patch:
        echo = EchoProgram(RHEL, make_work(NEURONS, STEPS, TIMES), folder)
        results = {}
        for threads in (1, 2, 3):
            patch.setenv("OMP_NUM_THREADS", str(threads))
            results[threads] = echo.run()
    yield results
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(found, threads):
    for name, alone in found[1].items():
        assert np.array_equal(found[threads][name], alone), name
        assert np.any(alone), name
