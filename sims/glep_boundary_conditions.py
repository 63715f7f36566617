"""What is held at the ends decides what nudging measures: six conditions side by side.

Claim:     the gradient of a trajectory's cost is what nudging measures minus a residual
           of the ends. Between held positions or momenta, and on a periodic orbit, it
           vanishes; where the end of the free run is held it is local; where only the
           start is held it is neither, and without it the gradient is wrong
Source:    Pourcel et al. 2025, arXiv 2506.06248; residual and discrete forms derived
           in neuro_ep/boundary/estimate.py
Run:       python sims/glep_boundary_conditions.py [FILE]  (one minute on 1 core)
           python -m neuro_ep.analysis.glep_figure FILE FIGURE
Expected:  relative error at beta 1e-4: glep-civp 1.6e-7 with its residual, 0.92
           without; glep-pfvp 1.3e-6 and 0.20 (masses, velocity held); all others 3e-9
           to 1.2e-8, which have none. Cosine of glep-civp without residual: -0.34 at
           T = 1, between 0.22 and 0.54 from T = 2 to 20

Conditions that are run from an end: 6 neurons, T = 10, dt = 0.05. Conditions whose
whole path is solved: 3 neurons, T = 2, dt = 0.1. Sizes are compared on the same
networks with T = 2, dt = 0.1; where Newton's method fails there is no number.
"""

import sys
import time
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import BoundaryCondition, RunError, check, estimator
from neuro_ep.checking import boundary_conditions as checking
from neuro_ep.models import CIVP, CONDITIONS, PFVP, load
from neuro_ep.oracle import Problem, cosine, reference
from neuro_ep.trajectories import system_of

#: Every condition, by name.
EVERY = {name: load(place) for name, place in CONDITIONS.items()}

#: At which conditions are compared; smaller where the horizon is scanned, for the
#: longest of them amplify a nudge.
BETA, HORIZON_BETA = 1e-4, 1e-5

#: Betas, durations and numbers of neurons that are scanned.
SIZES = {
    "full": (np.geomspace(1e-1, 1e-6, 11), np.arange(1.0, 21.0), (3, 6, 12, 24)),
    "smallest": (np.array([1e-2, 1e-4]), np.array([1.0, 2.0]), (3, 4)),
}

#: What a check gives that is kept as it is.
KEPT = (
    *("relative_error_total", "relative_error_without_residual", "residual_share"),
    *("relative_error_start_held", "order_in_beta", "morse_index"),
    *("newton_iterations", "neurons", "duration", "step", "passed"),
)


def main(size: str = "full", out: str = "runs/glep_boundary_conditions.h5") -> dict:
    """Measure, record; {condition: relative error at beta 1e-4}."""
    betas, durations, sizes = SIZES[size]
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    found = {}
    with h5py.File(out, "w") as file:
        file.attrs["beta"], file.attrs["source"] = BETA, CIVP.source
        groups = file.create_group("conditions", track_order=True)
        for name, condition in EVERY.items():
            group = groups.create_group(name)
            found[name] = write_condition(group, condition, betas)
        write_horizon(file.create_group("horizon"), durations)
        write_sizes(file.create_group("sizes"), sizes)
    print(f"recorded in {out}")
    return found


def write_condition(
    group: h5py.Group, condition: BoundaryCondition, betas: np.ndarray
) -> float:
    """One condition: its check, its error against beta; the error at BETA."""
    record, problem = check(condition), checking.network(condition)
    for name in ("summary", "residual", "time", "memory", "practical", "solved"):
        group.attrs[name] = getattr(condition, name)
    for name in KEPT:
        if name in record:
            group.attrs[name] = record[name]
    curves = group.create_group("against_beta")
    curves["beta"] = betas
    for name, values in against_beta(condition, problem, betas).items():
        curves[name] = values
    error = record["relative_error_total"]
    wrong = record.get("relative_error_without_residual")
    without = "no residual" if wrong is None else f"{wrong:.2f} without residual"
    print(f"{condition.name:14} relative error {error:.1e}, {without}", flush=True)
    return error


def against_beta(
    condition: BoundaryCondition, problem: Problem, betas: np.ndarray
) -> dict[str, np.ndarray]:
    """Relative errors (betas,): symmetric, one-sided, and without the residual."""
    held = "velocity" if condition.solved == "backward" else "momentum"
    subject = checking.subject(condition, problem, held)
    symmetric = [subject.estimate((beta, -beta)) for beta in betas]
    one_sided = [subject.estimate((beta, 0.0)) for beta in betas]
    return {
        "relative_error": errors(subject, [e.gradient for e in symmetric]),
        "relative_error_one_sided": errors(subject, [e.gradient for e in one_sided]),
        "relative_error_without_residual": errors(subject, [e.bulk for e in symmetric]),
    }


def errors(subject: checking.Estimated, gradients) -> np.ndarray:
    """Relative error of each of them."""
    return np.array([subject.error(gradient) for gradient in gradients])


def seconds(condition: BoundaryCondition, problem: Problem, repeats: int = 3) -> float:
    """An update from nothing to the symmetric estimate: the quickest of a few."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        estimator(condition, problem)((BETA, -BETA))
        taken.append(time.perf_counter() - begun)
    return min(taken)


def write_horizon(group: h5py.Group, durations: np.ndarray) -> None:
    """Initial values without and with residual, and final values, against T."""
    columns: dict[str, list[float]] = {}
    pair = (HORIZON_BETA, -HORIZON_BETA)
    for duration in durations:
        problem = reference(duration=duration)
        forward, back = (checking.subject(c, problem) for c in (CIVP, PFVP))
        found, names = forward.estimate(pair), tuple(forward.truth)
        for name, value in (
            ("cosine", cosine(found.gradient, forward.truth, names)),
            ("cosine_without_residual", cosine(found.bulk, forward.truth, names)),
            ("relative_error_without_residual", forward.error(found.bulk)),
            ("relative_error", forward.error(found.gradient)),
            ("relative_error_final_values", back.error(back.estimate(pair).gradient)),
        ):
            columns.setdefault(name, []).append(value)
    group["duration"] = durations
    for name, values in columns.items():
        group[name] = np.array(values)


def write_sizes(group: h5py.Group, sizes: tuple[int, ...]) -> None:
    """Numbers stored and seconds of an update, all conditions on the same networks."""
    problems = [
        reference(1, neurons=n, duration=2.0, dt=0.1, signals="periodic") for n in sizes
    ]
    group["neurons"] = np.array(sizes)
    group["parameters"] = np.array([system_of(CIVP, p).count for p in problems])
    for name, condition in EVERY.items():
        rows = np.array([cost_of(condition, problem) for problem in problems])
        group[f"stored/{name}"], group[f"seconds/{name}"] = rows.T


def cost_of(condition: BoundaryCondition, problem: Problem) -> tuple[float, float]:
    """Numbers stored and seconds; NaN where Newton's method does not converge."""
    try:
        stored = estimator(condition, problem)((BETA, -BETA)).stored
    except RunError as failure:
        print(f"{len(problem.q)} neurons: {failure}", flush=True)
        return np.nan, np.nan
    return stored, seconds(condition, problem, repeats=2)


if __name__ == "__main__":
    main("full", *sys.argv[1:])
