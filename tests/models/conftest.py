"""Small networks to present samples to, and Brian2 as it was afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("presented.py")


@pytest.fixture(scope="session")
def presented(module_at):
    """The module `presented.py`."""
    return module_at(SCRIPT)


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
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder
