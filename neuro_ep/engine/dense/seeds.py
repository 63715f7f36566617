"""The random numbers of initial values that are given as text.

They are drawn by numpy, on every target the same ones after ``seed(...)``. In C++
standalone Brian2 keeps the seed for the program; it is found there. Each text begins a
generator of its own with one number of the seeded one: the numbers of a program, which
begin with the same seed, are others.
"""

from __future__ import annotations

import numpy as np
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device

#: What ``seed`` has last told the device, and the generator that goes on from there.
_last: dict = {"told": None, "generator": None}

#: Makes the numbers of a text others than those of anything else with its seed.
TEXT = 0x7E47


def generator() -> np.random.RandomState:
    """What draws the numbers of one text."""
    begun = int(_seeded().randint(2**32, dtype=np.uint64))
    return np.random.RandomState([begun, TEXT])


def _seeded():
    """Numpy's own generator, or one of the seed of a program."""
    told = _seed_of_program(get_device())
    if told is None:
        return np.random
    if told is not _last["told"]:
        _last.update(told=told, generator=np.random.RandomState(told[1]))
    return _last["generator"]


def _seed_of_program(device) -> tuple | None:
    """The last call of ``seed``, as the device keeps it, if there was one."""
    if not isinstance(device, CPPStandaloneDevice):
        return None
    calls = [entry for entry in device.main_queue if entry[0] == "seed"]
    return calls[-1] if calls else None
