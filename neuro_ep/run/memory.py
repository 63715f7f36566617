"""Networks that this machine cannot hold are refused before anything is tried."""

from __future__ import annotations

import os
from collections.abc import Iterable

from neuro_ep.errors import InputError
from neuro_ep.records.settings import memory_needed


def memory_here() -> int | None:
    """The bytes of this machine's memory, None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def refuse_what_no_memory_holds(
    layers: Iterable[int], batch: int, edges: Iterable[tuple[int, int]] | None = None
):
    """Raises InputError for a network that is larger than this machine's memory.

    Joined layers are the pairs in ``edges``, or every layer and the next.
    """
    layers = tuple(layers)
    refuse_size(memory_needed(layers, batch, edges), layers, batch)


def refuse_size(needed: float, layers: Iterable[int], batch: int):
    """Raises InputError where so many bytes are more than this machine's memory."""
    here = memory_here()
    if here and needed > here:
        raise InputError(
            f"layers {','.join(map(str, layers))} with batch = {batch} would take "
            f"{needed / 2**30:.3g} GiB or more, and this machine has "
            f"{here / 2**30:.3g} GiB; choose fewer units or a smaller batch"
        )
