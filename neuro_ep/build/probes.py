"""Probes -> the recorder of a network, and what it is to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from brian2 import NeuronGroup, ms, mV, nA, nS, pF
from brian2.units.fundamentalunits import DIMENSIONLESS, Unit, get_unit

from neuro_ep.build.order import LOOK, at
from neuro_ep.errors import InputError
from neuro_ep.records import moment
from neuro_ep.records.probe import (
    Probe,
    Spikes,
    Track,
    chosen_pairs,
    chosen_units,
    stride,
)
from neuro_ep.traces.recorder import Recorder, refuse_unknown

#: Units that recordings are written in, where a variable has their dimension.
USUAL = (mV, ms, nA, nS, pF)

Record = Iterable[Probe | Spikes]


def make_recorder(
    record: Record, populations: Mapping, projections: Mapping, presentations
) -> tuple[Recorder | None, tuple[Track, ...]]:
    """The recorder of these probes and its tracks; None where there are none.

    Raises InputError for what the network does not have.
    """
    record = tuple(record)
    if not record:
        return None, ()
    clock = presentations.clock
    when, order = _turn()
    recorder = Recorder(presentations, clock=clock, when=when, order=order)
    tracks: list[Track] = []
    for wanted in record:
        if not isinstance(wanted, (Probe, Spikes)):
            raise InputError(f"record {wanted!r:.60}: give Probe(...) or Spikes(...)")
        group = refuse_unknown(wanted, populations, projections)
        replicas = presentations.shape["replicas"]
        if isinstance(wanted, Spikes):
            tracks += _listened(recorder, wanted, group, replicas)
        else:
            tracks.append(_looked(recorder, wanted, group, replicas))
    _refuse_repeated(tracks)
    return recorder, tuple(tracks)


def _turn(later: float = 0) -> tuple[str, float]:
    """Slot and order of what is looked at."""
    return LOOK[0], LOOK[1] + later


def _looked(recorder: Recorder, wanted: Probe, group, replicas: int) -> Track:
    neurons = isinstance(group, NeuronGroup)
    later = 1e-3 * len(recorder.contained_objects)
    number = recorder.look(group, wanted.variables, *_turn(later))
    steps, presentations = stride(wanted.every)
    found = [group.variables[name] for name in wanted.variables]
    units = [_unit(variable.dim) for variable in found]
    if neurons:
        size = len(group) // replicas
        chosen = chosen_units(wanted.group, wanted.units, size)
    else:
        size = found[0].size
        chosen = chosen_pairs(wanted.group, wanted.pairs, found[0].shape)
    return Track(
        number=number,
        group=wanted.group,
        names=wanted.variables,
        kind="states" if neurons else "synapses",
        chosen=tuple(chosen.tolist()),
        size=size,
        replicas=replicas if neurons else 1,
        steps=steps,
        presentations=presentations,
        units=tuple(text for text, _ in units),
        factors=tuple(factor for _, factor in units),
    )


def _listened(recorder: Recorder, wanted: Spikes, group, replicas: int) -> list[Track]:
    size = len(group) // replicas
    return [
        Track(
            number=recorder.listen(group, event, **at(moment.EVENT, later=1)),
            group=wanted.group,
            names=(event,),
            kind="events",
            chosen=tuple(chosen_units(wanted.group, wanted.units, size).tolist()),
            size=size,
            replicas=replicas,
        )
        for event in group.events
    ]


def _unit(dimension) -> tuple[str, float]:
    """A unit in words, and what it is in SI units."""
    if dimension is DIMENSIONLESS:
        return "1", 1.0
    for unit in USUAL:
        if unit.dim is dimension:
            return str(unit), float(unit)
    plain: Unit = get_unit(dimension)
    return str(plain), float(plain)


def _refuse_repeated(tracks: list[Track]):
    named = [(track.group, name) for track in tracks for name in track.names]
    for one in named:
        if named.count(one) > 1:
            raise InputError(
                f"record '{one[0]}.{one[1]}' is asked for twice; name all its neurons "
                "in one probe"
            )


def recorder_values(recorder: Recorder, tracks: Iterable[Track]) -> dict:
    """``"recorder.variable"`` -> what the recorder is told before every run."""
    values: dict[str, np.ndarray | float] = dict(recorder.begin)
    for track in tracks:
        columns, k = track.columns, track.number
        units: np.ndarray = np.zeros(recorder.variables[f"units_{k}"].size, np.int32)
        if track.kind == "events":
            units[columns] = 1
        else:
            units[: len(columns)] = columns
        told: dict[str, np.ndarray | float] = {"units": units, "count": len(columns)}
        told |= {"every": track.steps, "per": track.presentations}
        values |= {f"{recorder.name}.{name}_{k}": v for name, v in told.items()}
    return values
