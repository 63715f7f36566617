"""Show samples to a trained network and look inside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError, RunError
from neuro_ep.recording.streams import Timeline, events, states, timeline, value_steps
from neuro_ep.records.probe import Probe, Spikes, Track, as_probes, stride
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import changed
from neuro_ep.run.recorded import NOW, told
from neuro_ep.training.rebuild import with_quantities

if TYPE_CHECKING:
    from neuro_ep.training.trained import TrainedNetwork


@dataclass(frozen=True, eq=False)
class Traces:
    """What a network did while samples were shown to it, one after the other.

    Attributes
    ----------
    values : "group.variable" -> (samples, times, units), in SI units; NaN after the end
        of a sample that took less time than others
    dimensions : "group.variable" -> its Brian2 unit
    times : "group.variable" -> (times,) in seconds, from the begin of a sample
    spikes : "group" or "group.event" -> for each sample (times in seconds, neurons)
    phases : for each sample, its phases as (name, begin, end, beta), in seconds
    read_out : (samples, outputs), what every output said at the end of the first phase
    """

    values: Mapping[str, NDArray]
    dimensions: Mapping[str, object]
    times: Mapping[str, NDArray]
    spikes: Mapping[str, list[tuple[NDArray, NDArray]]]
    phases: list[list[tuple[str, float, float, float]]]
    read_out: NDArray

    def __getitem__(self, name: str):
        """A trace with its unit, (samples, times, units)."""
        if name not in self.values:
            raise InputError(
                f"no trace of '{name}'; recorded are {', '.join(self.values)}"
            )
        return self.values[name] * self.dimensions[name]

    def plot(self, *names: str, sample: int = 0):
        """Draw traces of one sample, phases shaded; the figure's axes, one a trace.

        names
            Which traces; all where none is named. Spikes are drawn below them.
        """
        from neuro_ep.analysis.traces_figure import draw_sample

        if not 0 <= sample < len(self.phases):
            raise InputError(f"sample = {sample}: there are {len(self.phases)}, from 0")
        chosen = names or tuple(self.values)
        shown = {
            name: (self.times[name], np.asarray(self.values[name][sample]))
            for name in chosen
            if self[name] is not None
        }
        units = {name: str(self.dimensions[name]) for name in chosen}
        spikes = {name: found[sample] for name, found in self.spikes.items()}
        return draw_sample(shown, units, spikes, self.phases[sample])


def present(
    network: TrainedNetwork,
    inputs: ArrayLike,
    labels: ArrayLike | None,
    *,
    record: Probe | Spikes | Iterable[Probe | Spikes] | str,
    learn: bool,
    target: str,
) -> Traces:
    """See :meth:`TrainedNetwork.present`."""
    from neuro_ep.build.network import build_network
    from neuro_ep.run import build as device
    from neuro_ep.run.target import on_target

    record = as_probes(record)
    if not record:
        raise InputError("record names nothing: give Probe(...) or Spikes(...)")
    if learn and labels is None:
        raise InputError("learn=True needs labels, which the network is nudged to")
    strides = _strides(record)
    record = tuple(map(_at_every_step, record))
    rows = network.rows(inputs)
    taught = {} if labels is None else network.taught(labels, len(rows))
    left = network.left
    settings = changed(left.settings, batch=1)
    if not learn:
        settings = replace(settings, eta=tuple(0.0 for _ in settings.eta))
    dtype = np.dtype(left.dtype)
    with on_target(target, left.dtype):
        built = build_network(
            with_quantities(left.rule, settings),
            settings,
            capacity=len(rows),
            dtype=dtype,
            set_values=target != "standalone",
            record=record,
            seed=left.seed,
        )
        simulation = device.simulation(built)
    left.refuse_misfit(simulation.plan)
    schedule = Schedule(
        inputs=rows,
        samples=np.arange(len(rows)),
        **taught,
        learn=labels is not None,
        sign=np.copysign(1.0, settings.beta),
        frames=network.frames,
    )
    return _shown(simulation, schedule, left.state, built, strides)


def _strides(record) -> dict[str, int]:
    """``"group.variable"`` -> steps from one of its values to the next."""
    probes = [wanted for wanted in record if isinstance(wanted, Probe)]
    return {
        f"{probe.group}.{name}": max(1, stride(probe.every)[0])
        for probe in probes
        for name in probe.variables
    }


def _at_every_step(wanted: Probe | Spikes) -> Probe | Spikes:
    """Values are left out afterwards: samples may begin at any step of a run."""
    if isinstance(wanted, Probe) and stride(wanted.every)[0]:
        return replace(wanted, every=1)
    return wanted


def _shown(simulation, schedule: Schedule, state: Mapping, built, strides) -> Traces:
    """One run, and all that it wrote, cut into samples."""
    plan, count = simulation.plan, np.size(schedule.samples)
    values = {plan.weights[name]: state[name] for name in plan.weights}
    values |= {name: state[name] for name in plan.carried}
    p = plan.presentations
    wanted = [f"{p}.answer", f"{p}.diverged", NOW]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values |= told(plan.tracks, folder, np.ones(plan.capacity))
        found = simulation.run(schedule, values, wanted)
        if found[f"{p}.diverged"][0]:
            raise RunError("the network runs away with one of these samples")
        steps = int(found[NOW][0]) + 1
        phases = built.protocol.phases
        times = timeline(folder, len(phases), steps)
        read = Cut(folder, times, steps, float(built.layers[0].clock.dt), count)
        traces: dict[str, np.ndarray] = {}
        clocks: dict[str, np.ndarray] = {}
        spikes = {}
        for track in plan.tracks:
            if track.kind == "events":
                spikes[_called(track)] = read.spikes(track)
            else:
                parts, clock = read.values(track, plan.dtype)
                for name, part in parts.items():
                    traces[name] = part[:, :: strides[name]]
                    clocks[name] = clock[:: strides[name]]
    shares = np.ravel(plan.values[f"{p}.phase_nudge"])
    strength = float(plan.values[f"{p}.strength"])
    return Traces(
        values=traces,
        dimensions={name: _unit(built, name) for name in traces},
        times=clocks,
        spikes=spikes,
        phases=read.phases(phases, strength * shares * np.ravel(schedule.sign)[0]),
        read_out=found[f"{p}.answer"].reshape(plan.capacity, -1)[:count],
    )


def _called(track: Track) -> str:
    (event,) = track.names
    return track.group if event == "spike" else f"{track.group}.{event}"


def _unit(built, name: str):
    """The unit of a variable, as Brian2 has it."""
    group, variable = name.split(".")
    return built[group].variables[variable].unit


@dataclass(frozen=True)
class Cut:
    """Cuts what one run wrote where samples begin: there are ``count`` of them."""

    folder: Path
    times: Timeline
    steps: int
    step: float
    count: int

    @property
    def starts(self) -> np.ndarray:
        return self.times.start[self.times.phase == 0]

    def values(self, track: Track, dtype) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """ "group.variable" -> (samples, times, units); and the times, in seconds."""
        when = value_steps(track, self.steps, self.times)
        sample = np.searchsorted(self.starts, when, side="right") - 1
        since = when - self.starts[sample]
        place = np.concatenate(
            [np.arange(n) for n in np.bincount(sample, minlength=self.count)]
        )
        found = {}
        for name, values in states(self.folder, track, dtype).items():
            whole = np.full((self.count, place.max() + 1, values.shape[1]), np.nan)
            whole[sample, place] = values
            found[f"{track.group}.{name}"] = whole
        longest = np.bincount(sample).argmax()
        return found, since[sample == longest] * self.step

    def spikes(self, track: Track) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each sample, times in seconds and neurons of its events."""
        when, neurons = events(self.folder, track)
        sample = np.searchsorted(self.starts, when, side="right") - 1
        since = (when - self.starts[sample]) * self.step
        return [
            (since[sample == k], np.array(neurons[sample == k]))
            for k in range(self.count)
        ]

    def phases(self, phases, beta) -> list[list[tuple[str, float, float, float]]]:
        """For each sample, its phases as (name, begin, end, beta)."""
        found: list[list] = [[] for _ in range(self.count)]
        every = zip(
            *(self.times.presentation, self.times.phase),
            *(self.times.start, self.times.end),
            strict=True,
        )
        for sample, k, begin, end in every:
            first = self.starts[sample]
            ends = (begin - first) * self.step, (end - first) * self.step
            found[sample].append((phases[k].name, *ends, float(beta[k])))
        return found
