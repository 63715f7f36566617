"""Memory against the length of a run: echoes store no trajectory.

Claim:     the most memory that echo learning holds does not grow with the length of the
           run; that of backpropagation through time does
Peer:      the same network in PyTorch, beside what it holds before it begins
Run:       python sims/rhel_memory.py [FILE]     (4 minutes on 2 cores)
Expected:  at 1,000,000 steps at most 1.1 times what 10,000 steps need

               ours     10,000 / 100,000 / 1,000,000 steps     5.7 / 5.6 / 5.7 MiB
               peer      1,000 /  10,000 /    30,000 steps    32 / 319 / 965 MiB
"""

import multiprocessing
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import Schedule, Settings, build_network, make_simulation, on_target
from neuro_ep.benchmarks import memory, rhel
from neuro_ep.models import RHEL
from neuro_ep.run import bundle, scheduled

NEURONS, BATCH, INPUTS, OUTPUTS, STEP = 64, 4, 2, 2, 0.02

#: Steps of the runs: ours, and those of the peer, whose memory ends before.
LENGTHS = {
    "full": ((10_000, 100_000, 1_000_000), (1_000, 10_000, 30_000)),
    "smallest": ((200, 400), (20, 40)),
}


def main(size: str = "full", out: str = "runs/rhel_memory.h5"):
    """Run, print and write everything; {"ours", "peer"} -> {steps: bytes}."""
    lengths, peers = LENGTHS[size]
    with on_target("standalone"):
        network = build_network(RHEL, settings(1), dtype=np.float32, set_values=False)
        simulation = make_simulation(network)
    found = {
        "ours": {steps: ours(simulation, steps) for steps in lengths},
        "peer": {steps: in_a_process(peer, steps) for steps in peers},
    }
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w") as file:
        for name, table in found.items():
            file[f"{name}/steps"] = list(table)
            file[f"{name}/peak_bytes"] = list(table.values())
            for steps, peak in table.items():
                print(f"{name:5} {steps:9} steps  {peak / 2**20:8.1f} MiB")
    print(f"recorded in {out}")
    return found


def settings(steps: int) -> Settings:
    """A run of so many steps."""
    return Settings(
        layers=(INPUTS, NEURONS),
        connections=((0, 1), (1, 1)),
        eta=(0.0,),
        beta=0.02,
        free=steps * STEP,
        nudged=steps * STEP,
        step=STEP,
        batch=BATCH,
        nudging="symmetric",
        read=OUTPUTS,
    )


def series(steps: int):
    """Inputs (1, steps, INPUTS) and targets (1, steps, OUTPUTS), for all replicas."""
    draw = np.random.default_rng(0)
    return [
        draw.normal(size=(1, steps, n)).astype(np.float32) for n in (INPUTS, OUTPUTS)
    ]


def ours(simulation, steps: int) -> int:
    """The most memory of the compiled program, in bytes, in run and echo."""
    plan = simulation.plan
    theta = rhel.parameters(NEURONS, INPUTS)
    x, y = series(steps)
    frames = {"frames": steps, "target_frames": steps}
    schedule = Schedule(x, np.zeros(BATCH, int), targets=y, **frames)
    values = {f"{rhel.PLACES[key]}.{key}": plan.unit * theta[key] for key in theta}
    values[f"{plan.presentations}.phase_steps"] = np.array([steps, steps])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = {
            **plan.values,
            **scheduled.scheduled(plan, schedule, folder),
            **values,
        }
        peak = folder / "peak"
        found = bundle.run_bundle(
            simulation.bundle,
            values,
            environment=memory.environment(peak),
            wanted=["output_to_output.gradient"],
        )
        assert np.isfinite(found["output_to_output.gradient"]).all()
        return memory.peak_bytes(peak)


def in_a_process(work, *arguments) -> int:
    """What a function returns in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def peer(steps: int) -> int:
    """The most memory of the peer above what it holds when it begins, in bytes."""
    import torch

    from neuro_ep.benchmarks import peer_hamiltonian

    x, y = (
        torch.tensor(np.repeat(shown, BATCH, axis=0).swapaxes(0, 1).copy())
        for shown in series(steps)
    )
    network = peer_hamiltonian.BackpropagationThroughTime(
        rhel.parameters(NEURONS, INPUTS), STEP
    )
    network.gradient(x[:2], y[:2])
    begun = _peak()
    network.gradient(x, y)
    return _peak() - begun


def _peak() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main("full", *sys.argv[1:])
