"""Theorem 1 of continual EP: every step of neurons and synapses follows BPTT.

Claim:     in the nudged phase Delta_s(t) = (s(t+1) - s(t))/beta and Delta_theta(t) =
           (theta(t) - theta(t-1))/eta tend to minus the terms of backpropagation
           through the last t steps of the free phase, as eta, then beta, go to 0
Source:    Ernoult et al. 2020, arXiv 2005.04168, Theorem 1 and its figures
Run:       python sims/continual_ep_gdu.py [FILE]  (half a minute on 2 cores)
           python -m neuro_ep.analysis.gdu_figure FILE FIGURE
Expected:  mean RelMSE at beta 0.001: 1.6e-3 real time, 7.3e-2 discrete time

Digits in a 64-128-10 network of tanh units, one sample, random weights; BPTT is that of
the oracle, through the states that were simulated. Real-time dynamics in steps of 0.08
time constants; the discrete dynamics are those of the papers, whose rule ignores the
outer slope of the activation, so that their error has a floor. RelMSE is the norm of
the difference of two curves over the larger norm; errors are means over a layer.
"""

import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import Settings, changed, checking, load_dataset, on_target
from neuro_ep.checking import mean_error, stepwise_curves
from neuro_ep.models import CONTINUAL_EP
from neuro_ep.oracle import assembly, gradient

#: Curves that are drawn of every layer, and the beta at which they are taken.
SHOWN, BETA, SEED = 5, 0.005, 1

#: Settings of each kind of time: Euler step and nudged phase, in time constants.
DYNAMICS = {"continuous": (0.08, 6.4), "discrete": (1.0, 10.0)}

#: Layers, betas (at the smallest gain), gains g ~ eta/beta (at the smallest beta).
SIZES = {
    "full": ((64, 128, 10), np.geomspace(1e-3, 0.3, 6), np.geomspace(3e-5, 0.1, 6)),
    "smallest": ((64, 6, 10), np.array([1e-3, 1e-2]), np.array([3e-5, 1e-2])),
}


def main(size: str = "full", out: str = "runs/continual_ep_gdu.h5"):
    """Simulate, compare, record; {dynamics: mean RelMSE at the smallest beta}."""
    layers, betas, gains = SIZES[size]
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    found = {}
    with h5py.File(out, "w") as file, on_target("numpy"):
        file.attrs["rule"], file.attrs["seed"] = CONTINUAL_EP.name, SEED
        file.attrs["layers"], file.attrs["beta"] = layers, BETA
        for dynamics, (step, nudged) in DYNAMICS.items():
            built = probe_of(dynamics, layers, step, nudged)
            group = file.create_group(dynamics)
            group.attrs["step"] = step
            group.attrs["settling_time"] = built.subject.settings.free
            write_curves(group, built)
            found[dynamics] = write_errors(group, built, betas, gains)
            print(
                f"{dynamics:10}  mean RelMSE {found[dynamics]:.2e} at beta "
                f"{betas[0]:g}; residual {checking.residual(built):.1e}",
                flush=True,
            )
    print(f"recorded in {out}")
    return found


def probe_of(dynamics, layers, step, nudged) -> checking.EquilibriumProbe:
    """One digit shown to a network whose weights are recorded at every step."""
    settings = Settings(
        layers, (0.0,), BETA, 1, 1, step, activation="tanh", dynamics=dynamics
    )
    subject = checking.make_subject(CONTINUAL_EP, settings, layers, 1, SEED)
    digits = load_dataset("digits")
    row = digits.train[:1]
    labels = digits.labels[row]
    target = np.eye(layers[-1])[labels]
    clamp = replace(subject.clamp, x=digits.inputs[row].astype(float), target=target)
    free = gradient.fixed_point(subject.field, subject.theta, clamp)
    settings = changed(subject.settings, step=step)
    subject = replace(subject, settings=settings, clamp=clamp, labels=labels, free=free)
    return checking.probe(subject, "one-sided", stepwise=nudged)


def write_curves(group: h5py.Group, built: checking.EquilibriumProbe):
    """Some neurons and synapses of every layer: minus BPTT, and what was simulated."""
    draw = np.random.default_rng(SEED)
    for order, (kind, name, nabla, delta) in enumerate(curves(built, BETA)):
        alive = np.flatnonzero(np.abs(nabla).max(axis=0) > 0)
        chosen = draw.choice(alive, min(SHOWN, len(alive)), replace=False)
        place = group.create_group(f"{kind}/{name}")
        place.attrs["order"] = order
        place["index"] = chosen
        place["minus_bptt"] = -nabla[:, chosen]
        place["simulated"] = delta[:, chosen]


def curves(
    built: checking.EquilibriumProbe, beta: float, g: float = checking.STEPWISE_GAIN
):
    """(kind, layer or class, nabla, Delta), the curves of each as (steps, number)."""
    nabla_s, nabla_theta, delta_s, delta_theta = stepwise_curves(built, beta, g)
    sizes = built.subject.field.sizes
    cuts = np.cumsum(sizes[1:])[:-1]
    parts = (np.split(values[:, 0], cuts, axis=1) for values in (nabla_s, delta_s))
    names = assembly.layer_names(len(sizes))[1:]
    for name, nabla, delta in zip(names, *parts, strict=True):
        yield "neurons", name, nabla, delta
    for name in (
        edge.name for edge in built.subject.field.learned if edge.pre is not None
    ):
        steps = len(nabla_theta[name])
        yield (
            "synapses",
            name,
            nabla_theta[name].reshape(steps, -1),
            delta_theta[name].reshape(steps, -1),
        )


def write_errors(
    group: h5py.Group, built: checking.EquilibriumProbe, betas, gains
) -> float:
    """Mean RelMSE of every layer against beta and against eta; that at the first."""
    tables = {
        "beta": [errors(built, beta, checking.STEPWISE_GAIN) for beta in betas],
        "gain": [errors(built, betas[0], g) for g in gains],
    }
    for axis, values in (("beta", betas), ("gain", gains)):
        place = group.create_group(f"error_against_{axis}")
        place[axis] = values
        for name in tables[axis][0]:
            place[name] = [row[name] for row in tables[axis]]
    return float(np.mean(list(tables["beta"][0].values())))


def errors(built: checking.EquilibriumProbe, beta: float, g: float) -> dict[str, float]:
    return {
        name: mean_error(delta, nabla)
        for _, name, nabla, delta in curves(built, beta, g)
    }


if __name__ == "__main__":
    main("full", *sys.argv[1:])
