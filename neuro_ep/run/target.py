"""Where a network runs: C++ standalone, Cython or numpy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy as copy_of
from itertools import count

import numpy as np
from numpy.typing import DTypeLike

from neuro_ep.errors import InputError
from neuro_ep.messages import say
from neuro_ep.run.compiler import compiler

TARGETS = ("standalone", "cython", "numpy")

#: Types of states and weights.
FLOATS = (np.float32, np.float64)

#: Scopes in which Brian2's ``run`` looks for objects; ``start_scope`` counts in ones.
SCOPES = count(10**9, 10**6)


def choose_target(target: str | None) -> str:
    """The target asked for, or the fastest that this machine can do."""
    found = shutil.which(compiler())
    if target is None:
        if not found:
            say("no C++ compiler (g++) found: running on the slow numpy target")
        return "standalone" if found else "numpy"
    if target not in TARGETS:
        raise InputError(f"target {target!r}: choose one of {', '.join(TARGETS)}")
    if target != "numpy" and not found:
        raise InputError(
            f"target {target!r} needs a C++ compiler: install g++, or use "
            "--target numpy"
        )
    if target == "cython":
        _require_python_headers()
    return target


def _require_python_headers():
    from neuro_ep.engine.dense.codeobjects import python_headers_available

    if not python_headers_available():
        raise InputError(
            "target 'cython' needs Python's headers (Python.h): install them, or use "
            "--target standalone"
        )


@contextmanager
def on_target(name: str, dtype: DTypeLike = "float64") -> Iterator[None]:
    """Brian2 on a target, for a network that is built and run inside; then as before.

    name
        "standalone", "cython" or "numpy".
    dtype
        The type of states and weights that have none of their own.

    Brian2's device, its preferences, the names it knows and the scope of ``run`` are
    put back on every way out; objects from outside are not part of what runs inside. A
    user's own C++ project that is not built yet is not touched: ours is written by a
    device of its own.

    >>> with on_target("numpy"):
    ...     network = build_network(rule, settings)
    """
    from brian2 import get_device, prefs
    from brian2.core.base import BrianObject
    from brian2.core.magic import magic_network
    from brian2.core.names import Nameable
    from brian2.devices.device import reset_device

    if name not in TARGETS:
        raise InputError(f"target {name!r}: choose one of {', '.join(TARGETS)}")
    if dtype not in FLOATS and str(dtype) not in ("float32", "float64"):
        raise InputError(f"dtype {dtype!r}: choose float32 or float64")
    before = prefs.codegen.target, prefs.core.default_float_dtype
    names = Nameable.__instances__()
    known, step = set(names), get_device().defaultclock.dt
    scope = BrianObject._scope_current_key
    BrianObject._scope_current_key = next(SCOPES)
    magic, outside = vars(magic_network), copy_of(vars(magic_network))
    magic_network.assign_id()
    magic.update(objects=set(), t_=0.0, _stored_state={})
    names.clear()
    try:
        select_target(name)
        try:
            prefs.core.default_float_dtype = np.dtype(dtype).type
            yield
        finally:
            reset_device()
            get_device().defaultclock.dt = step
    finally:
        BrianObject._scope_current_key = scope
        magic.clear()
        magic.update(outside)
        names.clear()
        names.update(name for name in known if name() is not None)
        prefs.codegen.target, prefs.core.default_float_dtype = before


def select_target(name: str):
    """Make a target current and leave it so, for scripts that end with it.

    C++ is written by a new device, that nobody else writes to. Generated names are part
    of the source and so of its hash, hence names begin anew.
    """
    from brian2 import prefs, set_device
    from brian2.core.names import Nameable
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    if name == "standalone":
        set_device(CPPStandaloneDevice(), build_on_run=False)
        Nameable.__instances__().clear()
    else:
        set_device("runtime")
        prefs.codegen.target = name
