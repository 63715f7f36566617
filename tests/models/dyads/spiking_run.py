"""One presentation to a small network that speaks in spikes, and what it leaves.

python spiking_run.py TARGET FILE     update and states of the shallow one, as .npz
"""

import sys

import numpy as np

from neuro_ep.build.wiring import layer_names
from neuro_ep.checking.families.dyads import drawn, shown
from neuro_ep.checking.families.spiking_dyads import windowed
from neuro_ep.models.dyads.spiking import SPIKING_DUAL_PROPAGATION
from neuro_ep.records.settings import changed
from neuro_ep.run.target import select_target

LAYERS, SHALLOW, BATCH, SEED, ETA = (6, 9, 8, 4), (6, 9, 4), 3, 1, 1e-9

HIDDEN = ("m", "d", "v_plus", "v_minus", "trace_plus", "trace_minus")


def settings(layers=LAYERS):
    """A burn-in of 60 steps and a window of 80."""
    return changed(windowed(layers, BATCH), free=3, nudged=4)


def presented(layers=LAYERS) -> dict[str, np.ndarray]:
    """Update over eta by projection, in mV; states by "group.variable", in volt."""
    subject = drawn(layers, BATCH, SEED)
    wanted = [f"{name}.{s}" for name in layer_names(layers)[1:-1] for s in HIDDEN]
    wanted += ["output.m", "output.d"]
    how = {"eta": ETA, "wanted": wanted}
    found = shown(SPIKING_DUAL_PROPAGATION, settings(layers), *subject, **how)
    return found.update | found.values


if __name__ == "__main__":
    select_target(sys.argv[1])
    np.savez(sys.argv[2], **presented(SHALLOW))
