"""What a factor of every synapse costs: time of a step beside the plain product rule.

    python tests/neuro_ep/engine/dense/weighted_speed.py

784 x 512 synapses in float32, one thread, 1 and 20 replicas, three programs in turn.
Expected, beside other work: with 1 replica a parameter takes 1.4 and soft bounds take
0.8 times as long as the plain product; with 20 replicas 1.5 and 1.1 times.
"""

import os
import subprocess
import sys
import tempfile
import time

N_PRE, N_POST, STEPS, ROUNDS = 784, 512, 600, 7

RULES = {
    "plain": "dw/dt = x_pre*y_post/tau : 1 (clock-driven)",
    "parameter": "dw/dt = c*x_pre*y_post/tau : 1 (clock-driven)\nc : 1",
    "soft bounds": "dw/dt = (1 - (w/most)**2)*x_pre*y_post/tau : 1 (clock-driven)",
}


def build(rule, replicas, folder):
    """Compile one program, in a process of its own."""
    import numpy as np
    from brian2 import Network, NeuronGroup, device, get_device, ms, prefs, set_device

    from neuro_ep import DenseSynapses
    from neuro_ep.run import compiler

    set_device("cpp_standalone", build_on_run=False)
    prefs.core.default_float_dtype = np.float32
    compiler.take_over(get_device(), np.float32)
    fading = "d{0}/dt = -{0}/(10*ms) : 1"
    draw = np.random.default_rng(1)
    groups = [
        NeuronGroup(n * replicas, fading.format(name), method="euler", name=name * 2)
        for n, name in ((N_PRE, "x"), (N_POST, "y"))
    ]
    groups[0].x = draw.normal(size=N_PRE * replicas)
    groups[1].y = draw.normal(size=N_POST * replicas)
    known = {"tau": 1000 * ms, "most": 2.0}
    synapses = DenseSynapses(*groups, RULES[rule], replicas=replicas, namespace=known)
    synapses.w = 0.1 * draw.normal(size=(N_PRE, N_POST))
    if "c" in synapses.variables:
        synapses.c = draw.normal(size=(N_PRE, N_POST))
    Network(*groups, synapses).run(STEPS * 0.1 * ms)
    device.build(run=False, directory=folder)


def main():
    """Print seconds and ratios."""
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    for replicas in (1, 20):
        folders = {rule: tempfile.mkdtemp() for rule in RULES}
        for rule, folder in folders.items():
            command = [sys.executable, __file__, rule, str(replicas), folder]
            subprocess.run(command, check=True)
        seconds = {rule: [] for rule in RULES}
        for _ in range(ROUNDS):
            for rule, folder in folders.items():
                began = time.perf_counter()
                quiet = {"stdout": subprocess.DEVNULL, "env": one_thread}
                subprocess.run(["./main"], cwd=folder, check=True, **quiet)
                seconds[rule].append(time.perf_counter() - began)
        best = {rule: min(times) for rule, times in seconds.items()}
        ratios = ", ".join(f"{r} {best[r] / best['plain']:.2f}" for r in RULES)
        print(f"{replicas} replicas: plain {best['plain']:.3f} s; times that: {ratios}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        build(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        main()
