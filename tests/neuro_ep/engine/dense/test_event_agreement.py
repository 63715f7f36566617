"""Event pathways against Brian2's own synapses, and against explicit loops.

The networks are in ``event_scenarios.py``. One replica is compared with stock synapses,
several with loops over events, replicas and synapses, written here.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = runpy.run_path(str(Path(__file__).with_name("event_scenarios.py")))
STEPS, N_PRE, N_POST = (SCRIPT[name] for name in ("STEPS", "N_PRE", "N_POST"))
TARGETS = (
    "numpy",
    pytest.param("cython", marks=pytest.mark.exhaustive),
    "standalone",
)
REPLICAS = 3

#: Sums in another order differ by some 1e-16 a step; a wrong rule by far more.
ROUNDING = 1e-12


def relative_error(found, truth):
    assert found.shape == truth.shape and np.isfinite(found).all()
    return np.linalg.norm(found - truth) / np.linalg.norm(truth)


def variables(results, name, replicas):
    prefix = f"{name}/{replicas}/"
    return {
        key.removeprefix(prefix): values
        for key, values in results.items()
        if key.startswith(prefix)
    }


def errors(found, truth):
    assert found.keys() == truth.keys() and len(found) > 1
    return {key: relative_error(found[key], truth[key]) for key in truth}


# --- one replica: Brian2's own synapses ---


@pytest.mark.parametrize("name", SCRIPT["SCENARIOS"])
@pytest.mark.parametrize("target", TARGETS)
def test_equals_stock_synapses(target, name, solved):
    dense, stock = solved("event_scenarios", target), solved("event_scenarios", "stock")
    found = errors(variables(dense, name, 1), variables(stock, name, 1))
    assert max(found.values()) < ROUNDING, found


# --- several replicas: explicit loops ---


class Oracle:
    """One scenario by loops, in volt; ``share`` of a change of weights counts."""

    def __init__(self, name, share, backwards=False):
        self.name, self.share, self.backwards = name, share, backwards
        self.w = SCRIPT["initial_weights"](name) * 1e-3
        self.x = {"pre": np.zeros((REPLICAS, N_PRE)), "post": None}
        self.x["post"] = np.zeros((REPLICAS, N_POST))
        self.pre = {key: np.zeros((REPLICAS, N_PRE)) for key in ("drive", "sent")}
        self.post = {key: np.zeros((REPLICAS, N_POST)) for key in ("J", "drive")}
        self.coincidences = np.zeros(2, int)  # of two ends, of two replicas

    def run(self):
        spikes = {
            side: SCRIPT["raster"](side, REPLICAS).reshape(STEPS, REPLICAS, -1)
            for side in ("pre", "post")
        }
        for step in range(STEPS):
            for x in self.x.values():
                x *= 1 - 0.1 / 2
            now = {side: values[step] for side, values in spikes.items()}
            for r in range(REPLICAS)[:: -1 if self.backwards else 1]:
                for i in np.flatnonzero(now["pre"][r]):
                    for j in range(N_POST):
                        self.on_pre(r, i, j)
            for r in range(REPLICAS)[:: -1 if self.backwards else 1]:
                for j in np.flatnonzero(now["post"][r]):
                    for i in range(N_PRE):
                        self.on_post(r, i, j)
            both = now["pre"][:, :, None] & now["post"][:, None, :]
            self.coincidences += both.sum(), (now["pre"].sum(axis=0) > 1).sum()
            for side, x in self.x.items():
                x += now[side]
        return self.results()

    def on_pre(self, r, i, j):
        w = self.w[i, j]
        if self.name == "stdp":
            self.post["J"][r, j] += w
            self.change(i, j, np.clip(w - 0.2e-3 * self.x["post"][r, j], 0, 1.5e-3))
        else:  # eqspike
            self.post["drive"][r, j] += w
            new = w + 0.2e-3 / 0.5 * self.x["post"][r, j] * 0.8
            self.pre["sent"][r, i] += new
            self.change(i, j, new)

    def on_post(self, r, i, j):
        w = self.w[i, j]
        if self.name == "stdp":
            self.change(i, j, np.clip(w + 0.2e-3 * self.x["pre"][r, i], 0, 1.5e-3))
        elif self.name == "eqspike":
            self.pre["drive"][r, i] += w
            self.change(i, j, w - 0.2e-3 / 0.5 * self.x["pre"][r, i] * 0.6)

    def change(self, i, j, new):
        self.w[i, j] += self.share * (new - self.w[i, j])

    def results(self):
        if self.name == "stdp":
            return {"w": self.w, "J_post": self.post["J"]}
        return {
            "w": self.w,
            "drive_post": self.post["drive"],
            "drive_pre": self.pre["drive"],
            "sent_pre": self.pre["sent"],
        }


@pytest.mark.parametrize("name", SCRIPT["PLASTIC"])
@pytest.mark.parametrize("target", TARGETS)
def test_replicas_equal_explicit_loops(target, name, solved):
    found = variables(solved("event_scenarios", target), name, REPLICAS)
    truth = Oracle(name, 1 / REPLICAS).run()
    assert max(errors(found, truth).values()) < ROUNDING, errors(found, truth)


@pytest.mark.parametrize("name", SCRIPT["PLASTIC"])
@pytest.mark.parametrize(
    "wrong",
    [{"share": 1}, {"share": 1 / REPLICAS, "backwards": True}],
    ids=["the sum over replicas", "the last replica first"],
)
def test_wrong_loops_are_noticed(name, wrong, solved):
    found = variables(solved("event_scenarios", "numpy"), name, REPLICAS)
    assert max(errors(found, Oracle(name, **wrong).run()).values()) > 1e4 * ROUNDING


def test_both_ends_and_several_replicas_spike_in_one_step():
    """Otherwise order and mean would not be seen above."""
    oracle = Oracle("stdp", 1 / REPLICAS)
    oracle.run()
    assert oracle.coincidences.min() > 20, oracle.coincidences
