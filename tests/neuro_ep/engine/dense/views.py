"""Weights as matrices, monitors and run_regularly on one target, run as a script.

python views.py {numpy,standalone} RESULT.npz [BUILD_FOLDER]
"""

import sys

import numpy as np
from brian2 import (
    BrianLogger,
    Network,
    NeuronGroup,
    StateMonitor,
    defaultclock,
    get_device,
    ms,
    mV,
    prefs,
    set_device,
)

from neuro_ep.engine.dense import DenseSynapses

N_PRE, N_POST, REPLICAS = 3, 4, 2

#: What is monitored: a list of flat indices, some synapses by number, all of them.
RECORDS = {"list": lambda s: [0, 3], "row": lambda s: s[1, :], "all": lambda s: True}


def main(target, result, folder=None):
    BrianLogger.log_level_error()
    if target == "standalone":
        from neuro_ep.run.compiler import take_over

        set_device("cpp_standalone", directory=folder)
        prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-std=c++17"]
        take_over(get_device())
    else:
        prefs.codegen.target = target
    defaultclock.dt = 0.1 * ms
    pre = NeuronGroup(REPLICAS * N_PRE, "x : 1", name="n_pre")
    post = NeuronGroup(REPLICAS * N_POST, "I : volt", name="n_post")
    pre.x = np.arange(REPLICAS * N_PRE)
    model = """
        dw/dt = rate : volt (clock-driven)
        twice = 2*w : volt
        rate : volt/second (shared, constant)
        dz/dt = x_pre/ms : 1 (clock-driven, replicated)
        I_post = w*x_pre : volt (summed)
    """
    synapses = DenseSynapses(pre, post, model, replicas=REPLICAS, name="s")
    np.random.seed(11)
    synapses.w = "0.3*randn()*mV + rand()*mV + (i - j)*mV"
    initial = np.asarray(synapses.w)
    synapses.w[0, 1] = 7 * mV
    synapses.w[2, :] = [1, 2, 3, 4] * mV
    synapses.rate = 10 * mV / ms
    changed = np.asarray(synapses.w)
    synapses.run_regularly("w = clip(w, -1*mV, 2.5*mV)", when="end")
    monitors = {
        label: StateMonitor(synapses, ["w", "twice"], record=chosen(synapses))
        for label, chosen in RECORDS.items()
    }
    Network(pre, post, synapses, *monitors.values()).run(0.3 * ms)
    found = {"initial": initial, "changed": changed, "w": np.asarray(synapses.w)}
    found.update(z=np.asarray(synapses.z), current=np.asarray(post.I))
    for label, monitor in monitors.items():
        found[f"{label}_w"] = np.asarray(monitor.w)
        found[f"{label}_twice"] = np.asarray(monitor.twice)
    np.savez(result, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
