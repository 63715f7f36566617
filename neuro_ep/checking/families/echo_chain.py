"""Layers that echo together beside the exact gradient, and one after the other.

Subject: a chain of :mod:`neuro_ep.oracle.trajectory_chain`, T = 10, dt = 0.05, its cost
that of the last layer, read at the kicks. Simulated, all layers echo in one sweep.

What is measured (a number, one a layer, or one a layer and parameter class)
    relative_error, cosine   of the gradient at beta = 1e-4
    relative_error_end       with the cost at the final instant only, T = 4; by layer
    order_in_beta_symmetric  from beta = 1e-3 to 1e-4, by layer
    sequential_error         of the one sweep beside echoes of one layer after the other
                             in numpy, which err alike; by layer
    reversal                 largest distance from the start, of any copy of any layer,
                             after an echo that is not nudged
    float32_error            of the gradient in float32, at beta = 1e-3; by layer
    control_above            without the force from the layer above, which leaves those
                             below the last without a gradient; by layer
    control_targets          with targets replayed one step off; by layer
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from brian2 import StateMonitor, prefs

from neuro_ep.build.network import LayeredNetwork, build_network
from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.families import echo
from neuro_ep.checking.families.heb import by_class, matrix, once
from neuro_ep.errors import InputError
from neuro_ep.oracle.compare import cosine, relative_error
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import CLASSES, INPUTS
from neuro_ep.oracle.trajectory_chain import (
    Chain,
    exact_gradient,
    reference_chain,
    sequential,
)
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed
from neuro_ep.run import build as device
from neuro_ep.run.simulation import Simulation

LAYERS = (INPUTS, 6, 5)

#: Copies of a neuron, positions and momenta.
COPIES = ("q", "q_plus", "q_minus", "p", "p_plus", "p_minus")

#: Class -> "group.variable" of a layer, given its name and that of the one below.
PLACES = {
    "w": "{0}_to_{0}.w",
    "k": "stiffness_{0}.k",
    "l": "hardening_{0}.l",
    "b": "bias_{0}.b",
    "B": "{1}_to_{0}.B",
    "m": "mass_{0}.m",
}

ByLayer = tuple[Parameters, ...]


@dataclass(frozen=True)
class Probe:
    """The network of a chain; places and monitors by layer, from the bottom up."""

    chain: Chain
    network: LayeredNetwork
    simulation: Simulation
    places: dict[str, dict[str, str]]
    monitors: dict[str, StateMonitor]


def settings_for(chain: Chain) -> Settings:
    """Every layer joined to the next and to itself; the last one is read out."""
    first, depth = chain[0], len(chain)
    sizes = tuple(len(problem.q) for problem in chain)
    pairs = [pair for k in range(depth) for pair in ((k, k + 1), (k + 1, k + 1))]
    return changed(
        echo.settings_for(first, "symmetric"),
        layers=(first.x.shape[1], *sizes),
        connections=tuple(pairs),
    )


def probe(rule: Rule, chain: Chain, dtype=np.float64) -> Probe:
    """Build the network of a chain in this process; monitors record every copy."""
    settings = settings_for(chain)
    network = build_network(rule, settings, dtype=dtype)
    names = layer_names(settings.layers)
    places = {
        name: {c: place.format(name, below) for c, place in PLACES.items()}
        for below, name in zip(names, names[1:], strict=False)
    }
    monitors = {
        name: StateMonitor(network[name], COPIES, True, when="end", clock=clock)
        for name in places
        if (clock := network[name].clock)
    }
    network.brian2.add(*monitors.values())
    return Probe(chain, network, device.simulation(network), places, monitors)


def show(built: Probe, beta: float, *, nudged=True, **schedule) -> ByLayer:
    """The gradients of one presentation, by layer; schedule has fields of that."""
    chain, p = built.chain, built.simulation.plan.presentations
    values = {} if nudged else {f"{p}.phase_nudge": np.zeros(2)}
    known = {"target": chain[-1].target} | schedule
    wanted = {
        (name, c): f"{place.split('.')[0]}.gradient"
        for name, places in built.places.items()
        for c, place in places.items()
    }
    found = built.simulation.run(
        once(chain[0], **known), given(built, beta) | values, wanted.values()
    )
    return tuple(
        {c: by_class(c, found[wanted[name, c]], problem) for c in CLASSES}
        for name, problem in zip(built.places, chain, strict=True)
    )


def given(built: Probe, beta: float) -> dict:
    """The chain as values of the network, one presentation."""
    plan = built.simulation.plan
    values: dict = {f"{plan.presentations}.strength": beta}
    for (name, places), problem in zip(built.places.items(), built.chain, strict=True):
        values |= {place: plan.unit * matrix(c, problem) for c, place in places.items()}
        values[f"{name}.q_start"] = problem.q
        values[f"{name}.p_start"] = plan.unit * problem.p
    return values


# --- what is measured ----------------------------------------------------------------


def measure(rule: Rule, layers, batch, seed: int) -> tuple[dict, dict]:
    """(what is measured, how); layers (2, neurons, neurons, ...), of 2 and more.

    Raises InputError for layers and batches that the subject does not have.
    """
    layers = tuple(layers or LAYERS)
    if layers[0] != INPUTS or len(layers) < 3 or min(layers) < 2:
        raise InputError(
            f"layers {layers}: the check has ({INPUTS}, neurons, neurons, ...), 2 or "
            "more neurons a layer"
        )
    if batch not in (None, 1):
        raise InputError(f"batch = {batch}: the check shows one sample; choose 1")
    chain = reference_chain(seed, layers[1:])
    built, exact = probe(rule, chain), exact_gradient(chain)
    measured = gradients(built, exact)
    measured |= {
        "relative_error_end": end_error(rule, seed, layers[1:]),
        "float32_error": float32_error(rule, chain, exact),
        "reversal": reversal(built),
    }
    measured |= controls(rule, built, exact)
    how = {
        "layers": list(layers),
        "batch": 1,
        "step": chain[0].dt,
        "duration": chain[0].steps * chain[0].dt,
        "beta": echo.BETA,
    }
    return measured, how


def gradients(built: Probe, exact: ByLayer) -> dict:
    """Of every layer, beside the exact ones and those of sequential echoes."""
    small, large = (show(built, beta) for beta in (echo.BETA, 10 * echo.BETA))
    one_by_one = sequential(built.chain, echo.BETA)
    pairs = list(zip(built.places, small, exact, strict=True))
    ratio = {
        name: errors(built, large, exact)[name] / error
        for name, error in errors(built, small, exact).items()
    }
    return {
        "relative_error": {
            f"{name} {c}": relative_error(found, true, (c,))
            for name, found, true in pairs
            for c in CLASSES
        },
        "cosine": {
            f"{name} {c}": cosine(found, true, (c,))
            for name, found, true in pairs
            for c in CLASSES
        },
        "order_in_beta_symmetric": {k: float(np.log10(v)) for k, v in ratio.items()},
        "sequential_error": errors(built, small, one_by_one),
    }


def errors(built: Probe, found: ByLayer, exact: ByLayer) -> dict[str, float]:
    """Relative error of every layer, all classes together."""
    layers = zip(built.places, found, exact, strict=True)
    return {name: relative_error(one, other) for name, one, other in layers}


def end_error(rule: Rule, seed: int, neurons: tuple[int, ...]) -> dict[str, float]:
    """Relative error by layer of a cost of the final instant."""
    chain = reference_chain(seed, neurons, duration=4.0, cost="end")
    built = probe(rule, chain)
    return errors(built, show(built, echo.BETA), exact_gradient(chain))


def float32_error(rule: Rule, chain: Chain, exact: ByLayer) -> dict[str, float]:
    """Relative error by layer in float32."""
    built = probe(rule, chain, dtype=np.float32)
    found = errors(built, show(built, 1e-3), exact)
    prefs.core.default_float_dtype = np.float64
    return found


def reversal(built: Probe) -> float:
    """Largest distance from the start after an echo that is not nudged."""
    begun = len(built.monitors["output"].t)
    show(built, echo.BETA, nudged=False)
    unit, gaps = built.simulation.plan.unit, []
    last = begun + 2 * built.chain[0].steps - 1
    for monitor, problem in zip(built.monitors.values(), built.chain, strict=True):
        for name in COPIES:
            value = np.asarray(getattr(monitor, name))[:, last]
            is_position = name.startswith("q")
            start = problem.q if is_position else -unit * problem.p
            gaps.append(np.abs(value - start).max() / (1 if is_position else unit))
    return float(max(gaps))


# --- what must fail ------------------------------------------------------------------


def controls(rule: Rule, built: Probe, exact: ByLayer) -> dict:
    """Relative errors, by layer, of wrong variants."""
    late = np.roll(built.chain[-1].target, 1, axis=0)
    alone = errors(built, show(probe(untold(rule), built.chain), echo.BETA), exact)
    alone.pop("output")  # nothing is above it
    return {
        "control_above": alone,
        "control_targets": errors(built, show(built, echo.BETA, target=late), exact),
    }


def untold(rule: Rule) -> Rule:
    """The same, wrong: no layer hears anything of the one above."""

    def model(settings):
        network = rule.model(settings)
        lines = network.synapse.equations.splitlines()
        kept = [line for line in lines if not line.startswith("above_pre")]
        synapse = replace(network.synapse, equations="\n".join(kept))
        return replace(network, synapse=synapse)

    return replace(rule, model=model)
