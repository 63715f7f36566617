"""How far dual propagation is from backpropagation, against beta and alpha.

Claim:     the error is of order beta**2 at alpha 1/2 and of order beta elsewhere; the
           transpose settles at every alpha, the original off 1/2 not always
Source:    Hoeier, Staudt & Zach 2023, arXiv 2302.01228; Hoeier & Zach 2024, arXiv
           2402.08573; the orders are derived and measured here
Run:       python sims/dual_propagation_error.py [FILE]  (1 minute on 1 core)
           python -m neuro_ep.analysis.dual_propagation_figure FILE FIGURE
Expected:  tanh, beta 0.1: median relative error 5.8e-5 at alpha 1/2 and 7.8e-3 for the
           transpose at alpha 0 and 1; orders 2.00 and 1.00. ReLU, alpha 1/2: exact
           (below 1e-9) in 0.35 of the networks at beta 0.1, in all up to 0.006

Random networks 20-64-64-64-10, one sample each, computed in numpy by
neuro_ep.oracle.dyads and .backpropagation: no simulation. Errors are of all weights;
NaN where sweeps do not settle. Cross-entropy with the slope of the cost frozen, but for
"squared error", where it is taken in every possible way (of the exact prox, errors are
those after multiplication with its known factor).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import RunError
from neuro_ep.oracle import Chain, chain, compare, dyads
from neuro_ep.oracle import backpropagation as bp

LAYERS = (20, 64, 64, 64, 10)
#: Sweeps after which what has not settled is said not to.
MOST = 1000
VARIANTS = {
    "alpha 0.5": {"alpha": 0.5},
    "alpha 0.25": {"alpha": 0.25},
    "alpha 1": {"alpha": 1.0},
    "transpose, alpha 0": {"alpha": 0.0, "transpose": True},
    "transpose, alpha 0.25": {"alpha": 0.25, "transpose": True},
    "transpose, alpha 1": {"alpha": 1.0, "transpose": True},
}
DAMPED = {"damped, alpha 1": {"alpha": 1.0, "damped": True}}
SQUARED = {"activation": "tanh", "cost": "squared-error"}
#: What is varied in each panel, and what all in it have in common.
PANELS: dict[str, tuple[dict, dict]] = {
    "tanh": (VARIANTS, {"activation": "tanh"}),
    "sigmoid": (VARIANTS, {"activation": "sigmoid"}),
    "relu": (VARIANTS | DAMPED, {"activation": "relu"}),
    "squared error": ({r: {"reference": r} for r in chain.REFERENCES}, SQUARED),
}
#: Where alpha is varied.
BETA = 0.1
RULES = {"dual propagation": False, "transpose": True}

#: Betas, alphas, networks.
SIZES = {
    "full": (np.geomspace(1e-3, 1, 13), np.linspace(0, 1, 21), 20),
    "smallest": (np.geomspace(1e-2, 1, 3), np.linspace(0, 1, 3), 2),
}


def main(size: str = "full", out: str = "runs/dual_propagation_error.h5") -> dict:
    """Measure and write; {panel: {variant: relative errors (betas, networks)}}."""
    betas, alphas, networks = SIZES[size]
    cases = [case(seed) for seed in range(networks)]
    errors: dict = {}
    cosines: dict = {}
    for panel, (variants, common) in PANELS.items():
        errors[panel], cosines[panel] = {}, {}
        for name, variant in variants.items():
            found = against_beta(cases, betas, common | variant)
            errors[panel][name], cosines[panel][name] = found
            print(f"{panel:14} {name:22} {row(found[0])}", flush=True)
    of_alpha = {name: against_alpha(cases, alphas, RULES[name]) for name in RULES}
    write(Path(out), (betas, alphas), errors, cosines, of_alpha)
    return errors


def case(seed: int) -> tuple:
    """(weights, biases, x, y): normal x, one-hot y."""
    random = np.random.default_rng(seed)
    weights, biases = bp.random_network(LAYERS, random)
    x = random.standard_normal((1, LAYERS[0]))
    return weights, biases, x, np.eye(LAYERS[-1])[random.integers(0, LAYERS[-1], 1)]


def against_beta(cases, betas, setting) -> tuple[np.ndarray, np.ndarray]:
    """Relative errors and cosines, each (betas, networks)."""
    found = [[fidelity(c, {"beta": float(b), **setting}) for c in cases] for b in betas]
    errors, cosines = np.moveaxis(np.array(found), -1, 0)
    return errors, cosines


def against_alpha(cases, alphas, transpose) -> np.ndarray:
    """Relative errors with tanh, (alphas, networks)."""
    common = {"activation": "tanh", "beta": BETA, "transpose": transpose}
    return np.array(
        [[fidelity(c, {"alpha": float(a), **common})[0] for c in cases] for a in alphas]
    )


def fidelity(case, setting) -> tuple[float, float]:
    """(relative error, cosine) of the gradient of all weights; NaN where unsettled."""
    there = Chain(*case, **setting)
    try:
        settled = dyads.settle(there, most=MOST)
    except RunError:
        return np.nan, np.nan
    found = compare.flat(dyads.gradient(settled)[0])
    if there.reference == "prox":
        found = found * dyads.prox_factor(there)
    network = there.weights, there.biases, there.x, there.y
    truth = bp.backpropagation(*network, there.activation, there.cost)[0]
    truth = compare.flat(truth)
    return compare.relative_error(found, truth), compare.cosine(found, truth)


def row(errors) -> str:
    """Medians of the networks that settled; a dash where most did not."""
    texts: Iterator[str] = (
        "   -   " if np.isnan(line).mean() > 0.5 else f"{np.nanmedian(line):.1e}"
        for line in errors
    )
    return " ".join(texts)


def write(out: Path, axes, errors, cosines, of_alpha) -> None:
    """One file with what the figure shows; nothing in it has a unit."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(out, "w") as file:
        file.attrs["layers"], file.attrs["beta_of_alpha"] = LAYERS, BETA
        file["beta"], file["alpha"] = axes
        for panel, variants in errors.items():
            for name in variants:
                file[f"error/{panel}/{name}"] = errors[panel][name]
                file[f"cosine/{panel}/{name}"] = cosines[panel][name]
        for name, values in of_alpha.items():
            file[f"error_of_alpha/{name}"] = values
    print(f"recorded in {out}")


if __name__ == "__main__":
    main("full", *sys.argv[1:])
