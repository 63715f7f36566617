"""Whether an unfinished run may go on: all that it was begun with must be the same."""

from __future__ import annotations

import json
from pathlib import Path

from neuro_ep.errors import InputError
from neuro_ep.recording.parts import epoch_files

#: What a resumed run must share with its beginning, in the order of comparison.
SAME = (
    *("rule", "task", "layers", "seed", "parameters", "equations", "target"),
    "projections",
)

#: Of the records; who a rule is said to be, its source and its claims, may change.
RECORDS = ("model", "protocol", "settings")

#: The longest value that a message repeats.
SHOWN = 100


def stored_header(part: Path) -> dict | None:
    """The header of an unfinished run, None when none was begun."""
    try:
        header = json.loads((part / "header.json").read_bytes())
        if not isinstance(header, dict):
            raise ValueError(f"a {type(header).__name__} is no header")
        return header
    except (OSError, ValueError, RecursionError) as error:
        if epoch_files(part):
            raise InputError(
                f"{part}/header.json is damaged ({error}); delete {part} and start anew"
            ) from error
        return None


def refuse_different(path: Path, old: dict, new: dict) -> None:
    """InputError that names the first difference, where there is one."""
    if "records" not in old:
        raise InputError(
            f"{path} was begun by an older neuro_ep, which did not note all that must"
            " be the same: finish it with that one, or choose another out"
        )
    then, now = _compared(old), _compared(new)
    for key in now:
        difference = _difference(then.get(key), now[key], key)
        if difference:
            raise InputError(
                f"{path} was begun with another {difference}; resume it with"
                " the same, or choose another out"
            )


def _compared(header: dict) -> dict:
    """All that must be the same; where data come from may be told otherwise."""
    records, data = _dict(header.get("records")), _dict(header.get("dataset"))
    return {
        **{key: header.get(key) for key in SAME},
        "dataset": {key: value for key, value in data.items() if key != "source"},
        **{key: records.get(key) for key in RECORDS},
        "begins_from": header.get("begins_from") or {},
        "recorder": _dict(header.get("recorder")).get("tracks"),
    }


def _dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _difference(old: object, new: object, name: str) -> str:
    """The first difference of two pieces of plain data, in words; "" if there is none.

    1 equals 1.0 by value, and NaN equals NaN as JSON text.
    """
    if old == new or json.dumps(old) == json.dumps(new):
        return ""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if key not in old or key not in new]
        if keys:
            where = "then" if keys[0] in old else "now"
            return f"{name}: {keys[0]} only {where}"
        found = (_difference(old[key], new[key], f"{name}.{key}") for key in old)
        return next(text for text in found if text)
    if isinstance(old, str) and isinstance(new, str):
        lines = zip(f"{old}\n".splitlines(), f"{new}\n".splitlines(), strict=False)
        old, new = next((pair for pair in lines if pair[0] != pair[1]), (old, new))
    return f"{name}: {_short(old)} then, {_short(new)} now"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
