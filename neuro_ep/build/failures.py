"""What Brian2 says of a model that it cannot use, in a sentence and not in pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neuro_ep.errors import InputError

#: Characters of a reason that are shown.
LONGEST = 300


def is_of_a_model(error: BaseException) -> bool:
    """Whether Brian2 raised this for the text of a model."""
    from brian2 import BrianObjectException, DimensionMismatchError
    from brian2.equations.equations import EquationError

    known = (BrianObjectException, DimensionMismatchError, EquationError)
    return isinstance(error, known)


def reason_of(error: BaseException) -> str:
    """The innermost cause of an error in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    words = " ".join(str(text).split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 3]}..."


@contextmanager
def told(rule: str) -> Iterator[None]:
    """Errors in the text of a rule become one :class:`InputError`."""
    try:
        yield
    except Exception as error:
        if not is_of_a_model(error):
            raise
        raise InputError(
            f"{rule}: {reason_of(error)}; neuro-ep equations shows the whole text of a "
            "rule"
        ) from error
