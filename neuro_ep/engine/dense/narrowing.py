"""Show Brian2 the few variables that a piece of code needs.

For each block of code Brian2 hashes every variable of the group. Dense synapses know
all variables of two groups of neurons, by two names: with those alone that the
code names, a network is made in a fraction of the time.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from brian2.codegen.translation import get_identifiers_recursively

#: What templates of Brian2's ask for without naming it.
ALWAYS = ("N", "t", "dt", "t_in_timesteps")


class Narrowed:
    """A group with those of its variables that some texts read, else as it is."""

    def __init__(self, group, texts: Iterable[str]):
        every = group.variables
        read = get_identifiers_recursively([*ALWAYS, *texts], every)
        read |= {every.indices[name] for name in read}
        self._group = group
        self.variables = copy.copy(every)
        self.variables._variables = {
            name: every[name] for name in sorted(read) if name in every
        }

    def __getattr__(self, name: str):
        return getattr(self._group, name)
