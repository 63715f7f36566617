"""Refuses to run against an uninstalled package."""

import pytest

try:
    import neuro_ep.models  # noqa: F401 - the import is the check
except ImportError:
    pytest.exit("run `pip install -e .` first", returncode=2)
