"""Small networks to present samples to, and Brian2 as it was afterwards."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("presented.py")


@pytest.fixture(scope="session")
def presented():
    """The module `presented.py`."""
    spec = importlib.util.spec_from_file_location("presented", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def on_numpy():
    """Brian2's device and preferences are left as they were."""
    from brian2 import prefs, set_device

    before = prefs.codegen.target, prefs.core.default_float_dtype
    yield
    set_device("runtime")
    prefs.codegen.target, prefs.core.default_float_dtype = before


@pytest.fixture(scope="session")
def standalone(tmp_path_factory):
    """The folder with the results of `presented.compiled_cases` on C++ standalone."""
    folder = tmp_path_factory.mktemp("standalone")
    done = subprocess.run(
        [sys.executable, SCRIPT, "standalone", folder],
        env={**os.environ, "NEURO_EP_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder
