"""Presentations to small networks of the EP family, and what should come of them.

    python presented.py TARGET FOLDER     runs the two cases of `compiled_cases` there

`replica` is a second implementation, vectorised over samples, in units of v_unit and
tau, with nothing of Brian2 or neuro_ep in it. Cases are shown by `present`.
"""

import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuro_ep.build.network import build_network
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.models.equilibrium.continual_vf import CONTINUAL_VF
from neuro_ep.models.equilibrium.ep import EQUILIBRIUM_PROPAGATION
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

BATCH, ROWS, MILLI = 4, 20, 1e-3
P = "presentations."
RULES = {
    rule.name: rule for rule in (EQUILIBRIUM_PROPAGATION, CONTINUAL_EP, CONTINUAL_VF)
}

SHORT = Settings(
    layers=(5, 12, 3),
    eta=(0.3, 0.2),
    beta=0.4,
    free=8,
    nudged=3,
    step=0.25,
    batch=BATCH,
    nudging="one-sided",
)
DISCRETE = {"dynamics": "discrete", "step": 1.0}

#: weights: "group.variable" -> array in units of v_unit; sample, label: one a slot.
Case = namedtuple("Case", "rule settings weights samples order labels learn sign")


def case(rule, settings, learn=(1,), sign=None, seed=1, tied=True):
    """Random weights, samples and labels; backward weights are tied if so wished."""
    rng, sizes = np.random.default_rng(seed), settings.layers
    back = np.random.default_rng(seed + 100)  # all else is the same for every rule
    depth = len(sizes) - 2
    hidden = ["hidden"] if depth == 1 else [f"hidden_{k + 1}" for k in range(depth)]
    names, weights = ["input", *hidden, "output"], {}
    for k, (pre, post) in enumerate(zip(names, names[1:], strict=False)):
        limit = 1.5 / np.sqrt(sizes[k])
        forward = rng.uniform(-limit, limit, sizes[k : k + 2])
        weights[f"{pre}_to_{post}.w"] = forward
        weights[f"bias_{post}.b"] = rng.uniform(-0.2, 0.2, (1, sizes[k + 1]))
        if rule == "continual-vf" and k:
            other = back.uniform(-limit, limit, (sizes[k + 1], sizes[k]))
            weights[f"{post}_to_{pre}.w"] = forward.T.copy() if tied else other
    slots = len(learn) * BATCH
    return Case(
        rule,
        settings,
        weights,
        samples=rng.random((ROWS, sizes[0])),
        order=rng.permutation(ROWS)[:slots],
        labels=rng.integers(0, sizes[-1], slots),
        learn=np.array(learn),
        sign=np.ones(len(learn)) if sign is None else np.array(sign, dtype=float),
    )


def build(shown, target="numpy"):
    """The network of a case and its simulation."""
    select_target(target)
    network = build_network(
        RULES[shown.rule],
        shown.settings,
        capacity=len(shown.learn),
        set_values=target != "standalone",
    )
    return network, device.simulation(network)


def run(shown, simulation, folder):
    """What is left of the weights (units of v_unit), and the read-outs."""
    values = {name: value * MILLI for name, value in shown.weights.items()}
    learn, sign = shown.learn, shown.sign
    schedule = Schedule(shown.samples, shown.order, shown.labels, learn, sign)
    read_outs = [f"{P}{name}" for name in ("predicted", "cost", "taken", "diverged")]
    result = simulation.run(schedule, values, [*shown.weights, *read_outs])
    shapes = {name: value.shape for name, value in shown.weights.items()}
    return {
        name: value.reshape(shapes[name]) / MILLI if name in shapes else value
        for name, value in result.items()
    }


def present(shown, folder, target="numpy"):
    """Build and run in one."""
    return run(shown, build(shown, target)[1], folder)


def changes(shown, result):
    """What every learned variable has gained."""
    return {name: result[name] - start for name, start in shown.weights.items()}


def distance(found, expected):
    """Largest error of a learned variable, relative to its largest change."""
    return max(
        np.abs(found[name] - value).max() / np.abs(value).max()
        for name, value in expected.items()
    )


# --- the second implementation -------------------------------------------------------


def rho(v, activation):
    return np.tanh(v) if activation == "tanh" else 1 / (1 + np.exp(-4 * (v - 0.5)))


def slope(v, activation):
    r = rho(v, activation)
    return 1 - r * r if activation == "tanh" else 4 * r * (1 - r)


class Replica:
    """A network of one of the rules, and the weights it has after a case."""

    def __init__(self, shown):
        self.rule, self.s = shown.rule, shown.settings
        self.discrete = self.s.dynamics == "discrete"
        names = list(shown.weights)
        self.weights = {name: value.copy() for name, value in shown.weights.items()}
        forward = [n for n in names if n.endswith(".w") and n not in reversed_(names)]
        self.forward, self.backward = forward, reversed_(names)
        self.bias = [name for name in names if name.endswith(".b")]
        self.depth = len(forward)

    def activities(self, u):
        if self.discrete:
            return u
        return [u[0], *(rho(v, self.s.activation) for v in u[1:])]

    def step(self, u, y, force):
        """The states one Euler step later; force is beta, signed, or 0."""
        a, w = self.activities(u), self.weights
        moved = [u[0]]
        for k in range(1, self.depth + 1):
            current = a[k - 1] @ w[self.forward[k - 1]] + w[self.bias[k - 1]]
            if k < self.depth:
                tied = self.rule != "continual-vf"
                back = w[self.forward[k]].T if tied else w[self.backward[k - 1]]
                current = current + a[k + 1] @ back
            if self.discrete:
                pull = rho(current, self.s.activation)
            elif self.rule == "continual-vf":
                pull = current
            else:
                pull = slope(u[k], self.s.activation) * current
            rate = pull - u[k]
            if k == self.depth:
                rate = rate + force * (y - self.answer(u[k]))
            moved.append(u[k] + self.s.step * rate)
        return moved

    def answer(self, u):
        if self.s.cost == "squared-error":
            return u
        return np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)

    def learn(self, before, after, rate):
        """Change the weights by rate * eta * (what the rule compares)."""
        a, b = self.activities(before), self.activities(after)
        separate, w = self.rule == "continual-vf", self.weights
        for k, eta in enumerate(self.s.eta):
            scale = rate * eta / BATCH
            if separate:
                w[self.forward[k]] += scale * a[k].T @ (after[k + 1] - before[k + 1])
                moved = after[k + 1] - before[k + 1]
                w[self.bias[k]] += scale * moved.sum(axis=0)
                if k:
                    up = a[k + 1].T @ (after[k] - before[k])
                    w[self.backward[k - 1]] += scale * up
            else:
                w[self.forward[k]] += scale * (b[k].T @ b[k + 1] - a[k].T @ a[k + 1])
                w[self.bias[k]] += scale * (b[k + 1] - a[k + 1]).sum(axis=0)

    def phase(self, u, y, beta, share):
        """A nudged phase from u, with the rule's plasticity; the last states."""
        steps, every = round(self.s.nudged / self.s.step), self.s.plastic_every
        mark = u
        for step in range(1, steps + 1):
            u = self.step(u, y, beta)
            if self.rule != "ep" and (step % every == 0 or step == steps):
                self.learn(mark, u, share / beta)
                mark = u
        return u

    def present(self, x, y, learns, sign):
        u = [x, *(np.zeros((len(x), n)) for n in self.s.layers[1:])]
        for _ in range(round(self.s.free / self.s.step)):
            u = self.step(u, y, 0)
        if not learns:
            return
        beta = sign * self.s.beta
        if self.s.nudging == "symmetric":
            up = self.phase(u, y, beta, 0.5)
            down = self.phase(u, y, -beta, 0.5)
            if self.rule == "ep":
                self.learn(down, up, 1 / (2 * beta))
        else:
            nudged = self.phase(u, y, beta, 1)
            if self.rule == "ep":
                self.learn(u, nudged, 1 / beta)


def reversed_(names):
    """Backward weights, from the lowest: their layers stand the other way round."""
    order = ["input", "hidden", *(f"hidden_{k}" for k in range(1, 9)), "output"]
    found = [name.removesuffix(".w").split("_to_") for name in names if "_to_" in name]
    return [
        f"{pre}_to_{post}.w"
        for pre, post in found
        if order.index(pre) > order.index(post)
    ]


def replica(shown):
    """The learned variables after a case."""
    network, outputs = Replica(shown), shown.settings.layers[-1]
    for number, learns in enumerate(shown.learn):
        slots = slice(number * BATCH, (number + 1) * BATCH)
        x = shown.samples[shown.order[slots]]
        y = np.eye(outputs)[shown.labels[slots]]
        network.present(x, y, learns, shown.sign[number])
    return network.weights


# --- for compiled targets ------------------------------------------------------------


def compiled_cases():
    """EP with symmetric nudging and a softmax; C-VF with two hidden layers."""
    shown = {"learn": [1, 1, 0, 1], "sign": [1, -1, 1, -1]}
    soft = replace(SHORT, nudging="symmetric", cost="cross-entropy")
    deep = replace(SHORT, layers=(5, 9, 8, 3), eta=(0.3, 0.2, 0.1), **DISCRETE)
    return [case("ep", soft, **shown), case("continual-vf", deep, tied=False, **shown)]


def main(target, folder):
    for number, shown in enumerate(compiled_cases()):
        result = present(shown, folder, target)
        np.savez(Path(folder) / f"result_{number}.npz", **result)


if __name__ == "__main__":
    main(*sys.argv[1:])
