"""Where objects run that share a slot and an order: as those of stock ``Synapses`` do.

Brian2 breaks such ties by name. Stock synapses are called ``synapses`` unless told
otherwise, neurons ``neurongroup``; so what dense synapses do has its place where those
of stock synapses with the default name have theirs, whatever it is called here. Dense
synapses among themselves run in the order in which they were made.
"""

from __future__ import annotations

from itertools import count

_made = count()


class TiedName(str):
    """A name that is compared as the one that stock synapses would have.

    It is shown, and is equal to others, as it is.
    """

    key: tuple[str, int, str]

    def __new__(cls, name: str, stock: str, number: int):
        made = super().__new__(cls, name)
        made.key = (stock, number, str(name))
        return made

    def __eq__(self, other):
        return str.__eq__(self, other)

    def __hash__(self):
        return str.__hash__(self)

    def __lt__(self, other):
        if isinstance(other, TiedName):
            return self._group(self.key) < self._group(other.key)
        return self.key[0] < str(other)

    def __gt__(self, other):
        return not self == other and not self < other

    @staticmethod
    def _group(key):
        """Synapses one after the other, each with its operations by their names."""
        return key[1], key[0], key[2]


def next_number() -> int:
    """How many dense synapses have been made before."""
    return next(_made)


def tied(synapses, name: str, stock: str) -> TiedName:
    """The name of an operation of synapses; ``stock`` ends the name it is like."""
    return TiedName(name, f"synapses_{stock}", synapses.number)
