"""Six coupled oscillators learn by their echoes to move like six others.

Claim:     springs and masses that learn by their own echo come to follow a teacher, and
           their learning curve is that of exact gradients
Source:    Pourcel & Ernoult 2025, arXiv 2506.05259, first figure; the task is ours
Task:      six oscillators at rest, all joined to all by springs; three sines drive the
           first, the last is read out, T = 20, dt = 0.1; teacher from seed 5, student
           from seed 11; its masses, walls and springs learn with Adam, rate 0.02.
           "linear": all springs obey Hooke; "hardening": those to the walls harden, and
           learn how much
Controls:  momenta that are not turned round at the mirror; inputs and targets that come
           back one step late
Run:       python sims/coupled_oscillators.py [FILE]     (30 seconds on 1 core)
           python -m neuro_ep.analysis.coupled_oscillators_figure FILE FIGURE
Expected:  cost at step 1, 30, 100, 300, 500; the first two curves agree within 0.1 %

               linear     exact          1.17  0.0511  0.000557  0.000178  8.23e-05
               linear     echoes         1.17  0.0511  0.000557  0.000178  8.23e-05
               linear     replayed late  1.17  0.074   0.0401    0.0428    0.0433
               linear     not turned     1.17  3.59    1.5       1.6       1.95
               hardening  exact          1.02  0.0335  0.00546   0.00352   0.000278
               hardening  echoes         1.02  0.0335  0.00546   0.00352   0.000278
               hardening  replayed late  1.02  0.0454  0.0104    0.0094    0.00882
               hardening  not turned     1.02  0.533   0.657     1.27      1.91

           By exact gradients, students from seeds 12 to 15 fall 710 to 12,700 times.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import Rule, Simulation, moment, on_target
from neuro_ep.checking import trajectory_probe as probing
from neuro_ep.models import COUPLED_OSCILLATORS
from neuro_ep.oracle import Parameters, Problem
from neuro_ep.oracle import trajectory_oscillators as oracle

OSCILLATORS, DT, BETA = 6, 0.1, 1e-3

RATE, DECAY_MOMENT, DECAY_SQUARE, EPSILON = 0.02, 0.9, 0.999, 1e-8

#: Case -> the classes of parameters that learn.
CASES = {"linear": ("w", "k", "m"), "hardening": ("w", "k", "l", "m")}

#: Smallest values that these may take.
LEAST = {"w": 0.0, "k": 0.0, "l": 0.0, "m": 0.2}

#: Duration of a run, and how often the student learns.
SIZES = {"full": (20.0, 500), "smallest": (6.0, 5)}


def main(size="full", out="runs/coupled_oscillators.h5", target="standalone"):
    """Run, print and write everything; {case: {method: cost, one a step}}."""
    duration, steps = SIZES[size]
    problems = {case: student(case, duration) for case in CASES}
    found = {case: {"exact": exact(problems[case], case, steps)} for case in CASES}
    ends = {}
    with_echo = assemble(COUPLED_OSCILLATORS, problems["linear"], steps, target)
    for case, problem in problems.items():
        learned = learn(with_echo, problem, case, steps)
        found[case]["echoes"], ends[case] = learned.cost, learned.theta
        late = np.array([problem.steps, problem.steps - 1])
        learned = learn(with_echo, problem, case, steps, phase_steps=late)
        found[case]["replayed late"] = learned.cost
    unturned = assemble(without_turn(), problems["linear"], steps, target)
    for case, problem in problems.items():
        found[case]["not turned"] = learn(unturned, problem, case, steps).cost
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w") as file:
        for case, problem in problems.items():
            record(file.create_group(case), problem, found[case])
            for name, series in read_outs(problem, case, ends[case]).items():
                file[f"{case}/read_out/{name}"] = series
            for name, value in ends[case].items():
                file[f"{case}/learned/{name}"] = value
    print(f"recorded in {out}")
    return found


def record(group: h5py.Group, problem: Problem, curves: Mapping[str, np.ndarray]):
    """Write and print the curves of a case."""
    group["drive"], group.attrs["dt"] = problem.x[:, 0], problem.dt
    for name, cost in curves.items():
        group[f"cost/{name}"] = cost
        shown = [f"{cost[k - 1]:.3g}" for k in (1, 30, 100, 300, 500) if k <= cost.size]
        case = group.name.removeprefix("/")
        print(f"{case:10} {name:14} {'  '.join(shown)}", flush=True)


# --- the task -------------------------------------------------------------------------


def drawn(seed: int, case: str) -> Parameters:
    """Parameters by class; the first oscillator is driven."""
    draw, units = np.random.default_rng(seed), OSCILLATORS
    theta = {
        "w": draw.uniform(0.1, 0.6, units * (units - 1) // 2),
        "k": draw.uniform(0.5, 1.5, units),
        "l": draw.uniform(0.1, 0.5, units),
        "m": draw.uniform(0.7, 1.5, units),
        "b": np.zeros(units),
        "B": np.eye(units)[:, :1],
    }
    return theta | ({} if "l" in CASES[case] else {"l": np.zeros(units)})


def student(case: str, duration: float) -> Problem:
    """The student before it learns, and what the teacher's last oscillator does."""
    t = (np.arange(round(duration / DT)) + 0.5) * DT
    drive = np.sin(1.3 * t) + 0.4 * np.cos(2.9 * t + 1) + 0.6 * np.sin(0.7 * t)
    rest, nothing = np.zeros(OSCILLATORS), np.zeros((t.size, 1))
    teacher = Problem(drawn(5, case), rest, rest, drive[:, None], nothing, DT)
    aims = oracle.run(teacher).kicks[:, teacher.outputs]
    return replace(teacher, theta=drawn(11, case), target=aims)


# --- students: by echoes, and by exact gradients --------------------------------------


@dataclass(frozen=True)
class Learned:
    """Cost before every update (steps,), and the parameters after the last by class."""

    cost: np.ndarray
    theta: Parameters


def assemble(rule: Rule, problem: Problem, steps: int, target: str) -> Simulation:
    """The oscillators, for so many presentations."""
    learning = {"optimiser": "adam", "eta": (RATE,), "beta": BETA}
    with on_target(target):
        built = probing.probe(rule, problem, watched=(), times=steps, **learning)
    return built.simulation


def without_turn() -> Rule:
    """The rule whose momenta go on as they are at the mirror: no echo comes."""

    def model(settings):
        right = COUPLED_OSCILLATORS.model(settings)
        drifts = {k: v for k, v in right.output.regularly.items() if k != moment.BEGIN}
        return replace(right, output=replace(right.output, regularly=drifts))

    return replace(COUPLED_OSCILLATORS, model=model)


def learn(built: Simulation, problem: Problem, case: str, steps: int, **other):
    """Learned from echoes; other are arrays of the presentations that are not usual."""
    plan = built.plan
    values = {f"{plan.presentations}.{key}": value for key, value in other.items()}
    where = probing.places_of()
    for name, place in where.items():
        values[place] = plan.unit * probing.matrix(name, problem)
        values[f"{place.split('.')[0]}.eta"] = RATE if name in CASES[case] else 0.0
    cost, sample = f"{plan.presentations}.cost", probing.once(problem, steps)
    found = built.run(sample, values, [cost, *where.values()])
    theta = {
        name: probing.by_class(name, found[place], problem) / plan.unit
        for name, place in where.items()
    }
    return Learned(found[cost], theta)


def exact(problem: Problem, case: str, steps: int) -> np.ndarray:
    """Cost before every update by the complex-step gradient and Adam in numpy."""
    theta, costs = dict(problem.theta), []
    moment = {name: np.zeros_like(theta[name]) for name in CASES[case]}
    square = {name: np.zeros_like(theta[name]) for name in CASES[case]}
    for step in range(1, steps + 1):
        now = replace(problem, theta=theta)
        costs.append(float(oracle.run(now).cost))
        theta = dict(theta)
        for name, slope in oracle.exact_gradient(now, CASES[case]).items():
            moment[name] += (1 - DECAY_MOMENT) * (slope - moment[name])
            square[name] += (1 - DECAY_SQUARE) * (slope**2 - square[name])
            first = moment[name] / (1 - DECAY_MOMENT**step)
            second = square[name] / (1 - DECAY_SQUARE**step)
            moved = theta[name] - RATE * first / (np.sqrt(second) + EPSILON)
            theta[name] = np.maximum(moved, LEAST[name])
    return np.array(costs)


def read_outs(problem: Problem, case: str, theta: Parameters) -> dict[str, np.ndarray]:
    """What the last oscillator does, simulated, at the end of every step (steps,)."""
    with on_target("numpy"):
        built = probing.probe(COUPLED_OSCILLATORS, problem)
    networks = {"teacher": drawn(5, case), "before": problem.theta, "after": theta}
    return {name: followed(built, of) for name, of in networks.items()}


def followed(built: probing.EchoProbe, theta: Parameters) -> np.ndarray:
    """The read-out with these parameters."""
    given = probing.with_problem(built, theta=theta)
    state = probing.show(given, BETA).state["q_plus"]
    return state[: built.problem.steps, -1]


if __name__ == "__main__":
    main("full", *sys.argv[1:])
