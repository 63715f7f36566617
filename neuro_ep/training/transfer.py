"""The weights of one recording as the beginning of another run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from neuro_ep.errors import InputError
from neuro_ep.training.rebuild import rebuild

#: A recording, or projection -> weights in mV.
Source = str | Path | Mapping[str, ArrayLike]

#: Millivolts of a volt.
MILLI = 1e3


def transferred(
    source: Source, header: dict, unit: float, drawn: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Projection -> the weights that a run begins with, in units of v_unit.

    source
        A recording, whose weights are all taken; or projection -> weights in mV, some
        or all of them, as :func:`neuro_ep.load_network` has them.
    header
        Of the run that begins, which is told where it begins from.
    drawn
        What is not taken from there.

    Raises InputError for a file that cannot be read, where projections or their shapes
    are others, and for weights that are not finite.
    """
    wanted = {name: tuple(p["shape"]) for name, p in header["projections"].items()}
    found: Mapping[str, np.ndarray]
    if isinstance(source, Mapping):
        found = {name: _in_volt(name, source[name]) for name in source}
        taken = dict.fromkeys(source)
        where = "weights"
    elif not isinstance(source, (str, Path)):
        raise InputError(
            f"weights = {source!r:.60}: name a recording, or give projection -> array"
        )
    else:
        found, taken = rebuild(source).state, dict.fromkeys(wanted)
        where = str(source)
    _refuse_misfit(where, found, {name: wanted.get(name) for name in taken})
    weights = {name: found[name] for name in taken}
    header["begins_from"] = {"weights_sha256": _hash(weights)}
    header["provenance"]["begins_from"] = f"{where}: {', '.join(weights)}"
    begun = {name: values.astype(float) / unit for name, values in weights.items()}
    return {**drawn, **begun}


def _in_volt(name: str, weights: ArrayLike) -> np.ndarray:
    """Weights in volt; they are in mV where they say no unit."""
    dimensions = getattr(weights, "dim", None)
    try:
        values = np.array(weights, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"weights: {name} are no numbers ({error})") from error
    if dimensions is None:
        return values / MILLI
    from brian2 import have_same_dimensions, volt

    if not have_same_dimensions(weights, volt):
        raise InputError(f"weights: {name} are in {dimensions}: give them in volt")
    return values


def _refuse_misfit(where: str, found: Mapping[str, np.ndarray], wanted: Mapping):
    odd = [
        f"{name} is {found[name].shape if name in found else 'not there'} and not "
        f"{'a projection here' if shape is None else shape}"
        for name, shape in wanted.items()
        if name not in found or found[name].shape != shape
    ]
    if odd or not wanted:
        raise InputError(
            f"{where}: weights of another network: {'; '.join(odd) or 'none'}; give "
            "those of the same layers"
        )
    for name in wanted:
        if not np.isfinite(found[name]).all():
            raise InputError(f"{where}: {name} has weights that are not finite")


def _hash(weights: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, values in weights.items():
        digest.update(f"{name} {values.shape} {values.dtype}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
