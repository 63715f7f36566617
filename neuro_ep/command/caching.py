"""The command ``cache``: where builds are kept, how much they take, and emptying it."""

from __future__ import annotations

import json

from neuro_ep.cache import (
    LARGEST,
    OLDEST_S,
    cache_path,
    clear,
    entries,
    is_private,
    size_of,
)
from neuro_ep.errors import InputError


def show(options) -> int:
    """Print place and size, after emptying it if that was asked for."""
    folder = cache_path()
    if options.clear and folder.exists() and not is_private(folder):
        raise InputError(
            f"{folder} is not yours alone, so nothing in it is deleted; chmod go-w it, "
            "or name another folder in NEURO_EP_CACHE"
        )
    deleted = clear(folder) if options.clear else 0
    kept = entries(folder)
    found = {
        "place": str(folder),
        "entries": len(kept),
        "bytes": sum(map(size_of, kept)),
        "most_bytes": LARGEST,
        "most_days": OLDEST_S // (24 * 3600),
    }
    if options.clear:
        found["deleted"] = deleted
    print(json.dumps(found) if options.json else _text(found))
    return 0


def _text(found: dict) -> str:
    lines = [
        f"place    {found['place']}",
        f"entries  {found['entries']}, {found['bytes'] / 1e6:.1f} MB",
        f"kept     at most {found['most_bytes'] / 1e9:g} GB, and for "
        f"{found['most_days']} days after the last use",
    ]
    if "deleted" in found:
        lines.insert(0, f"deleted  {found['deleted']}")
    return "\n".join(lines)
