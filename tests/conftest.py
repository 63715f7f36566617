"""One cache of builds for all tests, and scripts as modules.

It refuses to run against an uninstalled package.
"""

import gc
import importlib.util
import os
import sys
from pathlib import Path

import pytest

try:
    import neuro_ep.models  # noqa: F401 - the import is the check
except ImportError:
    pytest.exit("run `pip install -e .` first", returncode=2)


def pytest_collection_finish():
    """Garbage is collected where a test and a file end, and where Brian2 begins a run.

    Not in between, see neuro_ep.build.collecting.
    """
    gc.disable()


def _keep_what_is_there():
    """Brian2 looks through all objects at a run: what a file begins with is kept."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def build_cache(tmp_path_factory) -> Path:
    """Where builds are kept, for all workers: each is made once, or twice at once."""
    folder = tmp_path_factory.getbasetemp()
    shared = "PYTEST_XDIST_WORKER" in os.environ
    folder = (folder.parent if shared else folder) / "builds"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def one_cache(build_cache):
    """Nothing is built twice in a session, and the user's cache is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURO_EP_CACHE", str(build_cache))
        yield


@pytest.fixture(autouse=True, scope="module")
def brian2_is_left_as_it_was():
    """No file of tests runs on the device, the target or the floats of another one."""
    _keep_what_is_there()
    yield from _left_as_it_was()


@pytest.fixture(autouse=True)
def brian2_is_left_as_the_file_chose(brian2_is_left_as_it_was):
    """And no test on those of another test."""
    yield from _left_as_it_was()
    gc.collect()


def _left_as_it_was():
    before = _state_of_brian2()
    yield
    if before is not None and _state_of_brian2() != before:
        _put_back(before)


def _state_of_brian2():
    """What the next network depends on, None as long as Brian2 is not imported."""
    if "brian2" not in sys.modules:
        return None
    from brian2 import get_device, prefs

    device = get_device()
    float_type = prefs.core.default_float_dtype
    return device, prefs.codegen.target, float_type, float(device.defaultclock.dt)


def _put_back(state):
    from brian2 import prefs, second, set_device

    set_device(state[0], build_on_run=getattr(state[0], "build_on_run", True))
    prefs.codegen.target, prefs.core.default_float_dtype = state[1:3]
    state[0].defaultclock.dt = state[3] * second


@pytest.fixture(scope="session")
def module_at():
    """Load the script at a path as a module, anew each time."""

    def load(path: Path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
