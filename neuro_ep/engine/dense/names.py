"""Names that code of dense synapses may use: none falls through to what is around it.

Brian2 looks for a name that a group does not have among the variables of the user's
script. Names that ``Synapses`` has of itself are either right here or refused, so that
an ``i`` left over from a loop is never taken for the number of a neuron.
"""

from __future__ import annotations

from collections.abc import Iterable

from neuro_ep.errors import InputError

#: Numbers of the neurons that a synapse joins, within their replica.
NUMBERS = ("i", "j")

#: Names that Brian2 gives a meaning in synapses, or in neurons (with a suffix).
OF_SYNAPSES = (
    *NUMBERS,
    *("N", "N_pre", "N_post", "N_incoming", "N_outgoing"),
    *("t", "dt", "t_in_timesteps", "lastupdate"),
)
OF_NEURONS = ("i", "N", "t", "dt", "t_in_timesteps", "lastspike", "not_refractory")

#: Names that only the code of a pathway has.
OF_PATHWAYS = ("delay", "lastupdate")

RESERVED = frozenset(
    [*OF_SYNAPSES, *OF_NEURONS]
    + [name + suffix for name in OF_NEURONS for suffix in ("_pre", "_post")]
)


def refuse_declared(names: Iterable[str]):
    """Equations must not declare what Brian2 gives a meaning."""
    for name in sorted(set(names) & RESERVED):
        raise InputError(
            f"'{name}' cannot be declared: Brian2 gives this name a meaning in "
            "synapses; choose another one"
        )


def refuse_unowned(synapses, where: str, names: Iterable[str], known=()):
    """Raises InputError for names of Brian2's that these synapses do not have.

    ``where`` says what names them; ``known`` are names that are right there all the
    same.
    """
    for name in sorted(set(names) - set(synapses.variables) - set(known)):
        if name.startswith("_"):
            remedy = "names that begin with an underscore belong to Brian2"
        elif name in RESERVED:
            remedy = f"Brian2 gives it a meaning that '{synapses.name}' does not have"
        elif name in _of_groups(synapses):
            remedy = (
                f"'{synapses.name}' cannot read this variable of neurons; read it "
                "through a subexpression of theirs"
            )
        else:
            continue
        raise InputError(
            f"{where} cannot use '{name}': {remedy}; a constant of yours needs "
            "another name"
        )


def _of_groups(synapses) -> set[str]:
    """Names that stock synapses between the same groups would have."""
    found = set(synapses.target.variables)
    for suffix, group in (("_pre", synapses.source), ("_post", synapses.target)):
        found |= {name + suffix for name in group.variables}
    return found
