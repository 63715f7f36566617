"""One presentation to a small network that learns by spikes, and what it leaves.

python spiking_ep_run.py TARGET FILE     update and states, as .npz
"""

import sys

import numpy as np

from neuro_ep.checking.families.dyads import shown
from neuro_ep.checking.families.spiking_equilibrium import drawn, presented
from neuro_ep.models.equilibrium.spiking_ep import SPIKING_EP
from neuro_ep.records.settings import changed
from neuro_ep.run.target import select_target

LAYERS, BATCH, SEED, ETA = (6, 9, 8, 4), 3, 1, 1e-9

#: Variables of the oracle's states, by their names in Brian2.
HIDDEN = ("v", "I_forward", "I_feedback", "g", "rho_1", "rho_2")
WANTED = [f"{name}.{s}" for name in ("hidden_1", "hidden_2") for s in HIDDEN]
WANTED += ["input.g", "output.v", "output.I_forward", "output.rho_2"]


def settings(**choices):
    """60 steps freely, then 40 with each sign of beta."""
    return changed(presented(LAYERS, BATCH), free=6, nudged=4, **choices)


def subject():
    """(weights and biases by projection, inputs, labels)."""
    return drawn(LAYERS, BATCH, SEED)


def shown_once(learn=True) -> dict[str, np.ndarray]:
    """Update over eta by projection, in mV; states by "group.variable", in SI units."""
    how = {"eta": ETA, "wanted": WANTED, "learn": learn}
    found = shown(SPIKING_EP, settings(), *subject(), **how)
    return found.update | found.values


if __name__ == "__main__":
    select_target(sys.argv[1])
    np.savez(sys.argv[2], **shown_once())
