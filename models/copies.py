"""Copies of a block of equations or statements, so that each is written once."""

from collections.abc import Iterable

from brian2.utils.stringtools import word_substitute


def renamed(text: str, **names: str) -> str:
    """Equations or statements with other names: ``renamed(FORCE, q="q_plus")``.

    A name stands for its rate of change as well, ``dq/dt``, and for what synapses see
    of it, ``q_pre`` and ``q_post``. Only whole words are exchanged.
    """
    forms = {}
    for old, new in names.items():
        forms |= {old: new, f"d{old}": f"d{new}"}
        forms |= {f"{old}_{end}": f"{new}_{end}" for end in ("pre", "post")}
    return word_substitute(text, forms)


def suffixed(text: str, suffix: str, own: Iterable[str]) -> str:
    """The text of one copy: what every copy has of its own gets the suffix."""
    return renamed(text, **{name: name + suffix for name in own})
