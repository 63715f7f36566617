"""While Brian2 makes objects, no garbage is collected."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside, garbage stays; then as before.

    To find a free name, Brian2 follows each weak reference to its objects twice; where
    Python collects the object in between, that ends in "'NoneType' object has no
    attribute 'name'" (``find_name`` in brian2/core/names.py, version 2.9). And at every
    run it collects, which takes a tenth of a second where much is loaded: what is there
    is frozen for that time.
    """
    if not gc.isenabled():  # inside another one, for example
        yield
        return
    gc.disable()
    free = not gc.get_freeze_count()  # or objects of the user's would be unfrozen
    if free:
        gc.freeze()
    try:
        yield
    finally:
        if free:
            gc.unfreeze()
        gc.enable()
