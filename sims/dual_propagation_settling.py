"""How long dyads take to settle, against depth.

Claim:     signals pass about twice as many low-pass filters as there are layers of
           weights, up and down: the gradient is right to 1 % after (5 + 2.5 L) tau
Source:    derived and measured here; the closed form to which they settle is that of
           Hoeier, Staudt & Zach 2023, arXiv 2302.01228
Run:       python sims/dual_propagation_settling.py [FILE]     (1 minute on 1 core)
           python -m neuro_ep.analysis.dual_propagation_settling_figure FILE FIGURE
Expected:  median time to 10 % and to 1 %, in tau: L = 2: 5.7, 8.9;  3: 7.7, 11.2;
           4: 9.0, 13.1;  6: 13.1, 17.9;  9: 17.0, 23.0

Random networks 20-64-...-64-10 of L layers of weights, tanh, squared error, one sample
each, simulated by Brian2 from rest. The error is that of the weights' change in its
worst layer, from potentials as they are at every step, beside the closed form of
neuro_ep.oracle.dyads.
"""

import sys
from pathlib import Path

import h5py
import numpy as np
from brian2 import StateMonitor
from scipy.stats import gamma

from neuro_ep import build_network, changed, make_simulation, on_target
from neuro_ep.checking import dyads as checked
from neuro_ep.checking import present
from neuro_ep.models import DUAL_PROPAGATION
from neuro_ep.oracle import Chain, compartments, dyads, relative_error

SHARES = (0.1, 0.01)
STEP = 0.1

#: Layers of weights, networks, how long in tau.
SIZES = {"full": ((2, 3, 4, 6, 9), 5, 50), "smallest": ((2, 4), 2, 25)}


def main(size="full", out="runs/dual_propagation_settling.h5") -> dict:
    """Simulate, print and write; L -> times (networks, shares) in tau."""
    depths, networks, duration = SIZES[size]
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    found = {}
    with h5py.File(out, "w") as file:
        file.attrs["share"], file.attrs["step_tau"] = SHARES, STEP
        for depth in depths:
            errors = settling(depth, networks, duration)
            found[depth] = np.array(
                [
                    [compartments.settling_time(row, share, STEP) for share in SHARES]
                    for row in errors
                ]
            )
            print(
                f"L = {depth}  {np.median(found[depth], axis=0).round(1)}", flush=True
            )
            group = file.create_group(f"L/{depth}")
            group["error"], group["time_tau"] = errors, found[depth]
            group["filters_99_tau"] = gamma.ppf(0.99, 2 * depth)
    print(f"recorded in {out}")
    return found


def settling(depth: int, networks: int, duration: float) -> np.ndarray:
    """Errors after every step from rest, (networks, steps); one build for all."""
    layers = (20, *[64] * (depth - 1), 10)
    settings = changed(
        checked.closed(layers, 1, cost="squared-error", beta=0.1),
        dynamics="continuous",
        step=STEP,
        free=duration,
    )
    with on_target("numpy"):
        simulation = make_simulation(build_network(DUAL_PROPAGATION, settings))
    monitors = watched(simulation.network)
    simulation.network.brian2.add(*monitors)
    steps = round(duration / STEP)
    rows = []
    for seed in range(networks):
        subject = checked.drawn(layers, 1, seed)
        before = len(monitors[0].t)
        run(simulation, subject)
        truth = checked.chain_of(settings, subject, reference="mean")
        there = slice(before + 1, before + 1 + steps)
        potentials = [np.asarray(getattr(m, m.record_variables[0])) for m in monitors]
        rows.append(errors_of(truth, [values[:, there] for values in potentials]))
    return np.array(rows)


def watched(network) -> list[StateMonitor]:
    """Of m of every layer above the input, and then of d of every one."""
    names = [layer.name for layer in network.layers[1:]]
    parts = [(name, "m") for name in names]
    parts += [(f"{name}_apical", "d") for name in names]
    return [
        StateMonitor(network[part], potential, record=True, clock=network[part].clock)
        for part, potential in parts
    ]


def run(simulation, subject):
    """One presentation, from rest; weights stay."""
    weights, inputs, labels = subject
    known = {name: 1e-3 * weights[name] for name in simulation.network.weights}
    present(simulation, known, inputs, labels, eta=0)


def errors_of(chain: Chain, potentials: list[np.ndarray]) -> np.ndarray:
    """Of the worst layer at every step; potentials (n, steps) in volt, m then d."""
    right = dyads.gradient(dyads.settle(chain))[0]
    depth, errors = len(chain.weights), []
    for step in range(potentials[0].shape[1]):
        now = [1e3 * values[:, step][None] for values in potentials]
        there = compartments.read_out(
            chain, compartments.Compartments(now[:depth], now[depth:])
        )
        errors.append(worst(dyads.gradient(there)[0], right))
    return np.array(errors)


def worst(found, right) -> float:
    pairs = zip(found, right, strict=True)
    return max(relative_error(a, b) for a, b in pairs)


if __name__ == "__main__":
    main("full", *sys.argv[1:])
