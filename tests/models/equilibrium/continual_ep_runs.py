"""Continual EP on small networks, and plain loops that give the same weights.

    python continual_ep_runs.py TARGET FOLDER

runs two cases on a target; the tests start it and load its functions.
"""

import json
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuro_ep.build.network import build_network
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

BATCH, ROWS, MILLI = 4, 20, 1e-3
P = "presentations."
W = ("input_to_hidden", "hidden_to_output")
B = ("bias_hidden", "bias_output")

#: Spec check 1 settles for 800 steps of 0.08 time constants.
SETTLED = Settings(
    layers=(5, 12, 3),
    eta=(0.02, 0.01),
    beta=0.1,
    free=64,
    nudged=6.4,
    step=0.08,
    batch=BATCH,
    nudging="one-sided",
    activation="tanh",
)


# --- a case: what is shown to which network ---

Case = namedtuple("Case", "settings weights samples order labels learn sign")


def case(settings, learn=(1,), sign=None, seed=1):
    """Random weights (times 1.5), samples and labels; weights in units of v_unit.

    With seed 1 the network settles briskly: its residual ends in rounding.
    """
    rng, sizes = np.random.default_rng(seed), settings.layers
    weights = {}
    for w, b, pre, post in zip(W, B, sizes, sizes[1:], strict=False):
        limit = 1.5 / np.sqrt(pre)
        weights[f"{w}.w"] = rng.uniform(-limit, limit, (pre, post))
        weights[f"{b}.b"] = rng.uniform(-0.2, 0.2, (1, post))
    slots = len(learn) * BATCH
    return Case(
        settings,
        weights,
        samples=rng.random((ROWS, sizes[0])),
        order=rng.permutation(ROWS)[:slots],
        labels=rng.integers(0, sizes[-1], slots),
        learn=np.array(learn),
        sign=np.ones(len(learn)) if sign is None else np.array(sign, dtype=float),
    )


def values_of(case):
    """The values of a run, in SI units."""
    return {name: value * MILLI for name, value in case.weights.items()}


def schedule_of(case):
    """What a case shows."""
    return Schedule(case.samples, case.order, case.labels, case.learn, case.sign)


def build(case, **options):
    network = build_network(
        CONTINUAL_EP, case.settings, capacity=len(case.learn), **options
    )
    return network, device.simulation(network)


def show(case, simulation, folder, name="samples.raw"):
    """Run a case; every learned variable (units of v_unit) and every read-out."""
    read_outs = [f"{P}{name}" for name in ("predicted", "cost", "diverged")]
    result = simulation.run(
        schedule_of(case), values_of(case), [*case.weights, *read_outs]
    )
    shapes = {name: value.shape for name, value in case.weights.items()}
    return {
        name: value.reshape(shapes[name]) / MILLI if name in shapes else value
        for name, value in result.items()
    }


# --- a second implementation ---


def rho(v, activation):
    return np.tanh(v) if activation == "tanh" else 1 / (1 + np.exp(-4 * (v - 0.5)))


def slope(v, activation):
    r = rho(v, activation)
    return 1 - r * r if activation == "tanh" else 4 * r * (1 - r)


def replica(case):
    """The learned variables after a case, by the formulas, one sample at a time."""
    s = case.settings
    w1, b1, w2, b2 = (case.weights[f"{name}"].copy() for name in names_in_order())
    for number, learns in enumerate(case.learn):
        slots = range(number * BATCH, (number + 1) * BATCH)
        x = [case.samples[case.order[slot]] for slot in slots]
        y = [np.eye(s.layers[-1])[case.labels[slot]] for slot in slots]
        hidden = [np.zeros(s.layers[1]) for _ in slots]
        output = [np.zeros(s.layers[2]) for _ in slots]
        for phase, (length, nudge, share) in enumerate(phases_of(s)):
            if phase == 1:
                settled = list(hidden), list(output)
            if phase == 2:
                hidden, output = list(settled[0]), list(settled[1])
            if nudge and not learns:
                continue
            beta = nudge * case.sign[number] * s.beta
            for _ in range(round(length / s.step)):
                gain = share / beta / BATCH if nudge else 0
                now = w1.copy(), b1.copy(), w2.copy(), b2.copy()
                for k in range(BATCH):
                    h, o = hidden[k], output[k]
                    rh, ro = rho(h, s.activation), rho(o, s.activation)
                    field_h = x[k] @ now[0] + now[2] @ ro + now[1][0]
                    field_o = rh @ now[2] + now[3][0]
                    dh = -h + slope(h, s.activation) * field_h
                    do = -o + slope(o, s.activation) * field_o + beta * (y[k] - o)
                    hidden[k], output[k] = h + s.step * dh, o + s.step * do
                    rh2 = rho(hidden[k], s.activation)
                    ro2 = rho(output[k], s.activation)
                    w1 += s.eta[0] * gain * np.outer(x[k], rh2 - rh)
                    b1 += s.eta[0] * gain * (rh2 - rh)
                    w2 += s.eta[1] * gain * (np.outer(rh2, ro2) - np.outer(rh, ro))
                    b2 += s.eta[1] * gain * (ro2 - ro)
    return dict(zip(names_in_order(), (w1, b1, w2, b2), strict=True))


def names_in_order():
    return [f"{W[0]}.w", f"{B[0]}.b", f"{W[1]}.w", f"{B[1]}.b"]


def phases_of(settings):
    """Length, sign of the nudge and share of plasticity."""
    if settings.nudging == "symmetric":
        nudges = [(settings.nudged, 1, 0.5), (settings.nudged, -1, 0.5)]
    else:
        nudges = [(settings.nudged, 1, 1.0)]
    return [(settings.free, 0, 0.0), *nudges]


SHORT = replace(SETTLED, free=8, nudged=3, step=0.25, beta=0.4, eta=(0.3, 0.2))


def distance(found, expected, start):
    """Largest error of a learned variable, relative to its largest change."""
    return max(
        np.abs(found[name] - value).max() / np.abs(value - start[name]).max()
        for name, value in expected.items()
    )


# --- compiled targets, each in one process ---


def two_cases():
    """Two settings that one program serves, with other samples and other weights."""
    one = replace(SHORT, nudging="symmetric", activation="sigmoid")
    two = replace(one, beta=0.2, eta=(0.1, 0.05), free=6, nudged=2)
    learn, sign = [1, 1, 0, 1], [1, -1, 1, -1]
    return [case(one, learn, sign, seed=1), case(two, learn, sign, seed=2)]


def compiled(target, folder):
    """Run both cases on a target; this is the program that the tests start."""
    builds = []
    for number, shown in enumerate(two_cases()):
        select_target(target)
        _, simulation = build(shown, set_values=target != "standalone")
        result = show(shown, simulation, folder, f"samples_{number}.raw")
        np.savez(Path(folder) / f"result_{number}.npz", **result)
        builds.append(simulation.describe().get("build_hash"))
    if target == "standalone":
        device.compile_project = lambda *_: None  # its name is all that is asked for
        select_target(target)
        larger = replace(two_cases()[0].settings, layers=(5, 13, 3))
        _, simulation = build(case(larger, [1] * 4), set_values=False)
        builds.append(simulation.bundle.folder.name)
    (Path(folder) / "builds.json").write_text(json.dumps(builds))


if __name__ == "__main__":
    compiled(*sys.argv[1:])
