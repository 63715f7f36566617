"""Echo learning follows gradient descent: a student learns what its teacher does.

Claim:     a network that learns by its echoes has the learning curve of exact gradients
Source:    set-up of this project; rule: Pourcel & Ernoult 2025, arXiv 2506.05259
Task:      six Hamiltonian neurons, T = 6, dt = 0.05; the outputs of a teacher (seed 5),
           student from seed 11, same start state and input; Adam, rate 0.02
Run:       python sims/rhel_teacher_student.py [FILE]     (1 minute on 2 cores)
Expected:  cost at step 1, 30, 100, 200, 300; the first two curves agree within 1 %

               exact                     7.507  0.2626  0.05257  0.03413  0.02600
               symmetric  beta 0.001     7.507  0.2626  0.05257  0.03413  0.02600
               one-sided  beta 0.01      7.507  0.2627  0.05231  0.03384  0.02576
               symmetric  beta 0.3       7.507  0.2576  0.04440  0.02810  0.02174
"""

import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import on_target
from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.models import RHEL
from neuro_ep.oracle import trajectory

#: Nudging and beta of every run.
RUNS = (("symmetric", 1e-3), ("one-sided", 1e-2), ("symmetric", 0.3))

RATE, DECAY_MOMENT, DECAY_SQUARE, EPSILON = 0.02, 0.9, 0.999, 1e-8

#: Smallest values that parameters may take.
LEAST = {"m": 0.2, "l": 0.0}

STEPS = {"full": 300, "smallest": 3}


def main(size="full", out="runs/rhel_teacher_student.h5", target="standalone"):
    """Run, print and write everything; name -> cost, one a step."""
    problem, steps = student(), STEPS[size]
    curves = {"exact": exact(problem, steps)}
    for nudging, beta in RUNS:
        curves[f"{nudging} beta {beta:g}"] = ours(problem, nudging, beta, steps, target)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w") as file:
        for name, cost in curves.items():
            file[f"{name}/cost"] = cost
            shown = [f"{cost[k - 1]:.4g}" for k in (1, 30, 100, 200, 300) if k <= steps]
            print(f"{name:24} {'  '.join(shown)}")
    print(f"recorded in {out}")
    return curves


def student() -> trajectory.Problem:
    """The student before it learns, and what the teacher's outputs do."""
    teacher = trajectory.reference(5, duration=6.0)
    aims = trajectory.run(teacher).kicks[:, teacher.outputs]
    begun = trajectory.reference(11, duration=6.0).theta
    return replace(teacher, theta=begun, target=aims)


def ours(problem, nudging, beta, steps, target) -> np.ndarray:
    """Cost before every update of the simulated network, (steps,)."""
    learning = {"optimiser": "adam", "eta": (RATE,), "beta": beta}
    with on_target(target):
        built = probing.probe(
            RHEL, problem, nudging, watched=(), times=steps, **learning
        )
    return probing.costs(built, beta, steps)


def exact(problem, steps) -> np.ndarray:
    """The same with the complex-step gradient and Adam in numpy."""
    theta = dict(problem.theta)
    moment = {name: np.zeros_like(value) for name, value in theta.items()}
    square = {name: np.zeros_like(value) for name, value in theta.items()}
    costs = []
    for step in range(1, steps + 1):
        now = replace(problem, theta=theta)
        costs.append(float(trajectory.run(now).cost))
        gradient = trajectory.exact_gradient(now)
        for name in theta:
            moment[name] += (1 - DECAY_MOMENT) * (gradient[name] - moment[name])
            square[name] += (1 - DECAY_SQUARE) * (gradient[name] ** 2 - square[name])
            first = moment[name] / (1 - DECAY_MOMENT**step)
            second = square[name] / (1 - DECAY_SQUARE**step)
            moved = theta[name] - RATE * first / (np.sqrt(second) + EPSILON)
            theta[name] = np.maximum(moved, LEAST.get(name, -np.inf))
    return np.array(costs)


if __name__ == "__main__":
    main("full", *sys.argv[1:])
