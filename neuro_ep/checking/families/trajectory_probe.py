"""The simulated side of checks in time: networks of Hamiltonian neurons, presented.

A network is a chain of layers, from the bottom up, each with its problem of
:mod:`neuro_ep.oracle.trajectory`; most checks have one. An :class:`EchoProbe` is the
network that was built for it. :func:`presented` shows the sample once and gives what is
wanted of the network; :func:`show` gives the gradients, the cost and the states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from brian2 import StateMonitor, prefs

from neuro_ep.build.network import LayeredNetwork, build_network
from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.family import Asked
from neuro_ep.errors import InputError
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import CLASSES, INPUTS, Problem, coupling_matrix
from neuro_ep.records.rule import Rule
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run import build as device
from neuro_ep.run.simulation import Simulation

BETA = 1e-4

#: Class -> (group, variable), given the name of a layer and of the one below it.
GROUPS = {
    "w": ("{0}_to_{0}", "w"),
    "B": ("{1}_to_{0}", "B"),
    "k": ("stiffness_{0}", "k"),
    "l": ("hardening_{0}", "l"),
    "b": ("bias_{0}", "b"),
    "m": ("mass_{0}", "m"),
}

#: Nudging -> the copies of a neuron that echo, positions and momenta.
STATES = {
    "symmetric": ("q_plus", "p_plus", "q_minus", "p_minus"),
    "one-sided": ("q", "p"),
}

#: Those of the symmetric echo, with the copy that runs freely.
EVERY_STATE = ("q", "q_plus", "q_minus", "p", "p_plus", "p_minus")


@dataclass(frozen=True)
class EchoProbe:
    """The network of a chain of problems, from the bottom up.

    places maps a layer to class -> "group.variable"; monitors map it to what records
    its states, on runtime targets.
    """

    chain: tuple[Problem, ...]
    network: LayeredNetwork
    simulation: Simulation
    places: Mapping[str, Mapping[str, str]]
    monitors: Mapping[str, StateMonitor]

    @property
    def problem(self) -> Problem:
        """The only layer's, or that of the lowest, which is given the inputs."""
        return self.chain[0]


@dataclass(frozen=True)
class Echoed:
    """Gradients by layer and class, and the cost, of one presentation.

    states maps a layer to name -> (steps, N), at the end of every step of run and echo,
    in units of v_unit; empty where nothing records.
    """

    gradients: Mapping[str, Parameters]
    cost: float
    states: Mapping[str, Parameters]

    @property
    def gradient(self) -> Parameters:
        """Of the last layer, by class."""
        return self.gradients["output"]

    @property
    def state(self) -> Parameters:
        """Of the last layer, by name."""
        return self.states.get("output", {})


# --- a network ------------------------------------------------------------------------


def one_layer(asked: Asked) -> int:
    """How many neurons the reference network shall have.

    Raises InputError for layers and batches that it does not have.
    """
    layers = asked.layers
    if len(layers) != 2 or layers[0] != INPUTS or layers[1] < 2:
        raise InputError(
            f"layers {layers}: the check has ({INPUTS}, neurons), 2 or more neurons"
        )
    one_sample(asked)
    return layers[1]


def one_sample(asked: Asked):
    """Raises InputError for batches of more than one sample."""
    if asked.batch != 1:
        raise InputError(f"batch = {asked.batch}: the check shows one sample; choose 1")


def memory_of_slopes(layers: tuple[int, ...], _batch: int) -> float:
    """Bytes of a complex step, in which every parameter has a direction of its own."""
    parameters = sum(
        size * (size - 1) // 2 + 4 * size + below * size
        for below, size in zip(layers, layers[1:], strict=False)
    )
    return 16.0 * parameters**2


def settings_for(
    chain: Problem | tuple[Problem, ...], nudging: str, beta: float = BETA, **choices
) -> Settings:
    """Every layer joined to the next and to itself; the last neurons are read out.

    choices are settings that shall be others.
    """
    chain = _chain(chain)
    first, last = chain[0], chain[-1]
    duration = first.steps * first.dt
    pairs = [pair for k in range(len(chain)) for pair in ((k, k + 1), (k + 1, k + 1))]
    base = Settings(
        layers=(first.theta["B"].shape[1], *(len(problem.q) for problem in chain)),
        connections=tuple(pairs),
        eta=(0.0,),
        beta=beta,
        free=duration,
        nudged=duration,
        step=first.dt,
        batch=1,
        nudging=nudging,
        judged=0.0 if first.cost == "end" else 1.0,
        read=last.target.shape[1],
        friction=first.friction,
    )
    return changed(base, **choices)


def probe(
    rule: Rule,
    chain: Problem | tuple[Problem, ...],
    nudging: str = "symmetric",
    dtype=np.float64,
    watched: Iterable[str] | None = None,
    *,
    times: int = 1,
    **choices,
) -> EchoProbe:
    """Build the network of a problem, or of a chain, on the device chosen now.

    watched
        The states that are recorded; those that echo if none are named.
    times
        Presentations that there is room for.
    choices
        Settings that shall be others than :func:`settings_for` has them.
    """
    chain = _chain(chain)
    settings = settings_for(chain, nudging, **choices)
    compiled = "standalone" in type(device.get_device()).__name__.lower()
    network = build_network(
        rule, settings, capacity=times, dtype=dtype, set_values=not compiled
    )
    names = layer_names(settings.layers)
    layers = dict(zip(names[1:], names, strict=False))
    monitors = {}
    watched = STATES[nudging] if watched is None else tuple(watched)
    if watched and not compiled:
        monitors = {name: _monitor(network, name, watched) for name in layers}
        network.brian2.add(*monitors.values())
    places = {name: places_of(name, below) for name, below in layers.items()}
    return EchoProbe(chain, network, device.simulation(network), places, monitors)


def _monitor(network: LayeredNetwork, name: str, watched) -> StateMonitor:
    clock = network[name].clock
    return StateMonitor(network[name], watched, True, when="end", clock=clock)


def _chain(chain: Problem | tuple[Problem, ...]) -> tuple[Problem, ...]:
    return (chain,) if isinstance(chain, Problem) else chain


def with_problem(built: EchoProbe, **fields) -> EchoProbe:
    """The same network, its only problem with other fields."""
    return replace(built, chain=(replace(built.problem, **fields),))


# --- parameters by class, and as variables of a network -------------------------------


def places_of(layer: str = "output", below: str = "input") -> dict[str, str]:
    """Class -> "group.variable" of a layer."""
    return {name: ".".join(place_of(name, layer, below)) for name in GROUPS}


def place_of(name: str, layer: str = "output", below: str = "input") -> tuple[str, str]:
    """(group, variable) of a class of a layer."""
    group, variable = GROUPS[name]
    return group.format(layer, below), variable


def matrix(name: str, problem: Problem) -> np.ndarray:
    """A class of parameters as the variable of its synapses, (n_pre, n_post)."""
    value = problem.theta[name]
    if name == "w":
        return coupling_matrix(value, len(problem.q))
    return value.T if name == "B" else value[None]


def by_class(name: str, flat: np.ndarray, problem: Problem) -> np.ndarray:
    """The other way round."""
    value = flat.reshape(matrix(name, problem).shape)
    if name == "w":
        return value[np.triu_indices(len(value), 1)]
    return value.T if name == "B" else value[0]


# --- a presentation -------------------------------------------------------------------


def once(problem: Problem, times: int = 1, target=None, **known) -> Schedule:
    """The sample of a problem, shown and taught so many times, frame by frame."""
    targets = problem.target if target is None else target
    frames = {"frames": problem.steps, "target_frames": problem.steps}
    known = {**frames, "targets": targets[None], **known}
    return Schedule(problem.x[None], np.zeros(times, int), **known)


def start_values(built: EchoProbe) -> dict:
    """Parameters and start states of the problems as values of the network."""
    unit = built.simulation.plan.unit
    values: dict = {}
    for (name, places), problem in zip(built.places.items(), built.chain, strict=True):
        values |= {place: unit * matrix(c, problem) for c, place in places.items()}
        values[f"{name}.q_start"] = problem.q
        values[f"{name}.p_start"] = unit * problem.p
    return values


def presented(
    built: EchoProbe,
    beta: float,
    wanted: Iterable[str],
    values: Mapping | None = None,
    *,
    nudged: bool = True,
    times: int = 1,
    **schedule,
) -> dict:
    """What is wanted, "group.variable", after presentations from the start.

    values are those of the network that are not usual; schedule has fields of that.
    """
    plan = built.simulation.plan
    p = plan.presentations
    chosen = start_values(built) | {f"{p}.strength": beta} | dict(values or {})
    if not nudged:
        chosen[f"{p}.phase_nudge"] = np.zeros_like(plan.values[f"{p}.phase_nudge"])
    known = {"target": built.chain[-1].target} | schedule
    sample = once(built.problem, times, **known)
    return built.simulation.run(sample, chosen, wanted)


def show(
    built: EchoProbe,
    beta: float,
    *,
    nudged: bool = True,
    lengths: np.ndarray | None = None,
    **other,
) -> Echoed:
    """One presentation from the start.

    lengths are those of the phases in steps; other are fields of the schedule, or
    parameters of the last layer by class, to be other than the problem has them.
    """
    plan = built.simulation.plan
    p, places = plan.presentations, built.places["output"]
    theta = {name: other.pop(name) for name in CLASSES if name in other}
    values: dict = {places[name]: plan.unit * value for name, value in theta.items()}
    if lengths is not None:
        values[f"{p}.phase_steps"] = lengths
    wanted = {
        (layer, c): f"{place.split('.')[0]}.gradient"
        for layer, known in built.places.items()
        for c, place in known.items()
    }
    begun = _recorded(built)
    names = [*wanted.values(), f"{p}.cost"]
    found = presented(built, beta, names, values, nudged=nudged, **other)
    gradients = {
        layer: {c: by_class(c, found[wanted[layer, c]], problem) for c in CLASSES}
        for layer, problem in zip(built.places, built.chain, strict=True)
    }
    return Echoed(gradients, float(found[f"{p}.cost"][0]), _states(built, begun))


def show_in_float32(rule: Rule, chain, beta: float) -> Echoed:
    """One presentation in float32; what comes after it is in float64 again."""
    shown = show(probe(rule, chain, dtype=np.float32), beta)
    prefs.core.default_float_dtype = np.float64
    return shown


def costs(built: EchoProbe, beta: float, times: int) -> np.ndarray:
    """The cost of every one of so many presentations, before what it teaches."""
    name = f"{built.simulation.plan.presentations}.cost"
    return presented(built, beta, [name], times=times)[name]


def _recorded(built: EchoProbe) -> int:
    """Instants that are recorded by now."""
    return len(next(iter(built.monitors.values())).t) if built.monitors else 0


def _states(built: EchoProbe, begun: int) -> dict[str, Parameters]:
    unit = built.simulation.plan.unit
    return {
        layer: {
            name: np.asarray(getattr(monitor, name))[:, begun:].T
            / (unit if name.startswith("p") else 1.0)
            for name in monitor.record_variables
        }
        for layer, monitor in built.monitors.items()
    }


def reversal(built: EchoProbe, **other) -> float:
    """Largest distance from the start, of any copy, after an echo not nudged."""
    last = 2 * built.problem.steps - 1
    states = show(built, BETA, nudged=False, **other).states
    gaps = [
        np.abs(value[last] - (problem.q if name.startswith("q") else -problem.p)).max()
        for problem, state in zip(built.chain, states.values(), strict=True)
        for name, value in state.items()
    ]
    return float(max(gaps))
