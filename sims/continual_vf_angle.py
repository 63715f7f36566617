"""C-VF learns as long as its update stays within about 90 degrees of the gradient.

Claim:     the angle psi_G between the first total update and minus the gradient grows
           with the angle psi_W between forward and backward weights; near 90
           degrees the weights into the hidden layer stop learning
Source:    Ernoult et al. 2020, arXiv 2005.04168 (on MNIST)
Run:       python sims/continual_vf_angle.py [FILE]  (5 minutes on 2 cores)
           python -m neuro_ep.analysis.angle_figure FILE FIGURE
Expected:  psi_G of those weights grows from 29 to 148 degrees and passes 90 where psi_W
           is 95; accuracy "hidden" is 0.94 at psi_W 0, 0.68 at 67.5, and chance or
           below from 90 on; accuracy "all" falls from 0.96 to 0.95 only

Output weights learn from the nudge itself, whatever comes back, and with them alone
digits are mostly learned. So networks are trained twice: with output and backward
weights as they began (accuracy "hidden"), and as in the paper (accuracy "all").
The gradient is the implicit one of the settled free state, without biases: with
s = f(s) and J = df/ds, dL/dw = (df/dw)^T (1 - J^T)^-1 dL/ds, computed here in numpy.
"""

import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import (
    Schedule,
    build_network,
    changed,
    initial_weights,
    load_dataset,
    make_simulation,
    on_target,
    train,
)
from neuro_ep.models import CONTINUAL_VF

WEIGHTS = ("input_to_hidden", "hidden_to_output", "output_to_hidden")
#: Weights whose angle is taken together.
GROUPS = {"hidden": ("input_to_hidden", "output_to_hidden"), "all": WEIGHTS}
MILLI, P = 1e-3, "presentations."

#: Angles in degrees, seeds of each point, settings other than the measured ones.
SIZES = {
    "full": (np.arange(0, 181, 22.5), range(3), {"epochs": 30}),
    "smallest": (np.array([0.0, 180.0]), range(1), {"epochs": 1, "free": 20}),
}


def main(size: str = "full", out: str = "runs/continual_vf_angle.h5", target=None):
    """Train and measure at every angle; (psi_W, psi_G by group, accuracies)."""
    angles, seeds, choices = SIZES[size]
    digits = load_dataset("digits")
    shape = (len(angles), len(seeds))
    psi_g, accuracy = ({name: np.zeros(shape) for name in GROUPS} for _ in range(2))
    for row, angle in enumerate(angles):
        settings = CONTINUAL_VF.settings("digits", weight_angle=angle, **choices)
        for column, seed in enumerate(seeds):
            fixed = changed(settings, eta=(settings.eta[0], 0.0))
            for name, case in (("hidden", fixed), ("all", settings)):
                accuracy[name][row, column] = trained(digits, case, seed, target)
            for name, found in update_angles(digits, settings, seed).items():
                psi_g[name][row, column] = found
        means = "  ".join(f"{n} {psi_g[n][row].mean():5.1f}" for n in GROUPS)
        reached = "  ".join(f"{n} {accuracy[n][row].mean():.3f}" for n in GROUPS)
        print(f"psi_W {angle:5.1f}  psi_G {means}  accuracy {reached}", flush=True)
    write(out, angles, psi_g, accuracy, settings)
    return angles, psi_g, accuracy


def write(out, angles, psi_g, accuracy, settings):
    """One file with what the figure shows."""
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w") as file:
        file.attrs["rule"], file.attrs["task"] = CONTINUAL_VF.name, "digits"
        file.attrs["layers"], file.attrs["epochs"] = settings.layers, settings.epochs
        for name, values, unit in (
            ("weight_angle", angles, "degree"),
            *((f"update_angle_{n}", psi_g[n], "degree") for n in GROUPS),
            *((f"test_accuracy_{n}", accuracy[n], "1") for n in GROUPS),
        ):
            file[name] = values
            file[name].attrs["units"] = unit
    print(f"recorded in {out}")


def trained(digits, settings, seed, target) -> float:
    """Test accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        options = {"seed": seed, "target": target, "on_warning": lambda text: None}
        return train(CONTINUAL_VF, digits, settings, out=out, **options).test_accuracy


# --- the angle of the first update ---------------------------------------------------


def update_angles(digits, settings, seed) -> dict[str, float]:
    """Degrees between the first total update and minus the gradient, by group."""
    weights = initial_weights(CONTINUAL_VF, settings, seed)
    rows = np.random.default_rng(seed).permutation(digits.train)[: settings.batch]
    after = {sign: presented(digits, settings, weights, rows, sign) for sign in (1, -1)}
    update = [
        sum(changed[name] - weights[name] for changed in after.values()) / 2 / eta
        for name, eta in zip(WEIGHTS, (*settings.eta, settings.eta[-1]), strict=True)
    ]
    downhill = minus_gradient(digits, settings, weights, rows)
    chosen = {name: [WEIGHTS.index(w) for w in GROUPS[name]] for name in GROUPS}
    return {
        name: degrees([update[k] for k in which], [downhill[k] for k in which])
        for name, which in chosen.items()
    }


def degrees(these, those) -> float:
    """The angle between two lists of arrays, each taken as one vector."""
    a, b = (np.concatenate([array.ravel() for array in v]) for v in (these, those))
    return float(np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))))


def presented(digits, settings, weights, rows, sign) -> dict[str, np.ndarray]:
    """The weights after one presentation with this sign of beta, on numpy, float64."""
    with on_target("numpy"):
        simulation = make_simulation(build_network(CONTINUAL_VF, settings))
    values = {f"{name}.w": weights[name] * MILLI for name in WEIGHTS}
    schedule = Schedule(digits.inputs, rows, digits.labels[rows], sign=sign)
    result = simulation.run(schedule, values, [f"{name}.w" for name in WEIGHTS])
    return {
        name: result[f"{name}.w"].reshape(weights[name].shape) / MILLI
        for name in WEIGHTS
    }


def minus_gradient(digits, settings, weights, rows) -> list[np.ndarray]:
    """Minus the gradient of the squared error at the settled state, by weight."""
    w_in, w_out, w_back = (weights[name] for name in WEIGHTS)
    x, y = digits.inputs[rows], np.eye(digits.classes)[digits.labels[rows]]
    hidden, output = np.zeros((len(rows), w_in.shape[1])), np.zeros(y.shape)
    for _ in range(1000):
        hidden, output = sigmoid(x @ w_in + output @ w_back), sigmoid(hidden @ w_out)
    units = hidden.shape[1]
    gradient = [np.zeros(w.shape) for w in (w_in, w_out, w_back)]
    for k in range(len(rows)):
        slope = 4 * hidden[k] * (1 - hidden[k])
        slope_out = 4 * output[k] * (1 - output[k])
        error = np.concatenate([np.zeros(units), output[k] - y[k]])
        # J[i, j] = d f_i / d s_j, hidden units first
        jacobian = np.zeros((len(error), len(error)))
        jacobian[:units, units:] = slope[:, None] * w_back.T
        jacobian[units:, :units] = slope_out[:, None] * w_out.T
        adjoint = np.linalg.solve(np.eye(len(error)) - jacobian.T, error)
        below, above = adjoint[:units] * slope, adjoint[units:] * slope_out
        gradient[0] += np.outer(x[k], below)
        gradient[1] += np.outer(hidden[k], above)
        gradient[2] += np.outer(output[k], below)
    return [-g / len(rows) for g in gradient]


def sigmoid(v):
    return 1 / (1 + np.exp(-4 * (v - 0.5)))


if __name__ == "__main__":
    main("full", *sys.argv[1:])
