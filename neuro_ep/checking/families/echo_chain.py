"""Layers that echo together beside the exact gradient, and one after the other.

Subject: a chain of :mod:`neuro_ep.oracle.trajectory_chain`, T = 10, dt = 0.05, its cost
that of the last layer, read at the kicks. Simulated, all layers echo in one sweep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neuro_ep.checking.families import trajectory_probe
from neuro_ep.checking.families.trajectory_probe import (
    BETA,
    EVERY_STATE,
    EchoProbe,
    memory_of_slopes,
    one_sample,
    reversal,
    show,
    show_in_float32,
)
from neuro_ep.checking.family import Asked, Family
from neuro_ep.errors import InputError
from neuro_ep.oracle.compare import cosines, order, relative_error, relative_errors
from neuro_ep.oracle.field import Parameters
from neuro_ep.oracle.trajectory import CLASSES, INPUTS
from neuro_ep.oracle.trajectory_chain import (
    Chain,
    exact_gradient,
    reference_chain,
    sequential,
)
from neuro_ep.records.rule import Rule

LAYERS = (INPUTS, 6, 5)

ByLayer = tuple[Parameters, ...]


def probe(rule: Rule, chain: Chain) -> EchoProbe:
    """Build the network of a chain; every copy of a neuron is recorded."""
    return trajectory_probe.probe(rule, chain, watched=EVERY_STATE)


# --- what is measured ----------------------------------------------------------------


def measure(rule: Rule, asked: Asked) -> tuple[dict, dict]:
    """(what is measured, how); layers (2, neurons, neurons, ...), of 2 and more.

    Raises InputError for layers and batches that the subject does not have.
    """
    layers = asked.layers
    if layers[0] != INPUTS or len(layers) < 3 or min(layers) < 2:
        raise InputError(
            f"layers {layers}: the check has ({INPUTS}, neurons, neurons, ...), 2 or "
            "more neurons a layer"
        )
    one_sample(asked)
    chain = reference_chain(asked.seed, layers[1:])
    built, exact = probe(rule, chain), exact_gradient(chain)
    in_float32 = show_in_float32(rule, chain, 1e-3).gradients
    measured = gradients(built, exact) | {
        "relative_error_end": end_error(rule, asked.seed, layers[1:]),
        "float32_error": errors(in_float32, exact),
        "reversal": reversal(built),
    }
    how = {
        "layers": list(layers),
        "batch": 1,
        "step": chain[0].dt,
        "duration": chain[0].steps * chain[0].dt,
        "beta": BETA,
    }
    return measured | controls(rule, built, exact), how


def gradients(built: EchoProbe, exact: ByLayer) -> dict:
    """Of every layer, beside the exact ones and those of sequential echoes."""
    betas = BETA, 10 * BETA
    small, large = (show(built, beta).gradients for beta in betas)
    at_small, at_large = errors(small, exact), errors(large, exact)
    return {
        "relative_error": by_layer(relative_errors, small, exact),
        "cosine": by_layer(cosines, small, exact),
        "order_in_beta_symmetric": {
            name: order(betas, (at_small[name], at_large[name])) for name in at_small
        },
        "sequential_error": errors(small, sequential(built.chain, BETA)),
    }


def by_layer(compared, found: Mapping[str, Parameters], exact: ByLayer) -> dict:
    """What is compared by class, as "layer class" -> number."""
    return {
        f"{name} {c}": value
        for (name, one), other in zip(found.items(), exact, strict=True)
        for c, value in compared(one, other, CLASSES).items()
    }


def errors(found: Mapping[str, Parameters], exact: ByLayer) -> dict[str, float]:
    """Relative error of every layer, all classes together."""
    layers = zip(found.items(), exact, strict=True)
    return {name: relative_error(one, other, CLASSES) for (name, one), other in layers}


def end_error(rule: Rule, seed: int, neurons: tuple[int, ...]) -> dict[str, float]:
    """Relative error by layer of a cost of the final instant."""
    chain = reference_chain(seed, neurons, duration=4.0, cost="end")
    return errors(show(probe(rule, chain), BETA).gradients, exact_gradient(chain))


# --- what must fail ------------------------------------------------------------------


def controls(rule: Rule, built: EchoProbe, exact: ByLayer) -> dict:
    """Relative errors, by layer, of wrong variants."""
    late = np.roll(built.chain[-1].target, 1, axis=0)
    alone = errors(show(probe(untold(rule), built.chain), BETA).gradients, exact)
    alone.pop("output")  # nothing is above it
    return {
        "control_above": alone,
        "control_targets": errors(show(built, BETA, target=late).gradients, exact),
    }


def untold(rule: Rule) -> Rule:
    """The same, wrong: no layer hears anything of the one above."""

    def model(settings):
        network = rule.model(settings)
        lines = network.synapse.equations.splitlines()
        kept = [line for line in lines if not line.startswith("above_pre")]
        synapse = replace(network.synapse, equations="\n".join(kept))
        hidden, output = (
            replace(kind, heterogeneous={"above": 0.0})
            for kind in (network.hidden, network.output)
        )
        return replace(network, synapse=synapse, hidden=hidden, output=output)

    return replace(rule, model=model)


FAMILY = Family(
    "chain",
    {
        "relative_error": "of the gradient at beta = 1e-4, by layer and class",
        "cosine": "of the gradient and the exact one, by layer and class",
        "order_in_beta_symmetric": "slope of log error against log beta from 1e-4 to "
        "1e-3, by layer",
        "sequential_error": "of the one sweep beside echoes of one layer after the "
        "other in numpy, which err alike; by layer",
        "reversal": "largest distance from the start, of any copy of any layer, after "
        "an echo that is not nudged",
        "relative_error_end": "with the cost of the final instant, T = 4; by layer",
        "float32_error": "of the gradient in float32, at beta = 1e-3; by layer",
        "control_above": "error without the force from the layer above, which leaves "
        "those below the last without a gradient; by layer",
        "control_targets": "error with targets replayed one step off; by layer",
    },
    0,
    {"order_in_beta_symmetric": (1.8, 2.2)},
    measure,
    layers=LAYERS,
    batch=1,
    controls=("control_above", "control_targets"),
    memory=memory_of_slopes,
)
