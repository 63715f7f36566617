"""Generalized Lagrangian equilibrium propagation: one record a boundary condition.

Pourcel, Basu, Ernoult & Gilra 2025, arXiv 2506.06248, on the network of
:mod:`neuro_ep.models.echo.neuron`, whose energy is all that these records add to: force,
curvature and gradient are derived from its text.

Symbols
    s, p        position and momentum of the trajectory, here q and p of the neurons
    L, H        Lagrangian and energy; A the action, integral of (L - beta c)
    R(t)        (ds/dtheta)^T dp/dbeta - (dp/dtheta)^T ds/dbeta
    K, N, P     steps, neurons, parameters

The gradient, derived here in this form, downhill convention (positive beta pulls)

    dC/dtheta = d/dbeta integral dH/dtheta dt - [R(T) - R(0)]

Deviations
    The papers nudge uphill (L + beta c). CIVP, CBVP and "mixed" are this project's names
    for constant initial values, constant boundary values, and one of each.
"""

from neuro_ep.models.echo.neuron import ENERGY
from neuro_ep.records.condition import BoundaryCondition

SOURCE = "Pourcel et al. 2025, arXiv 2506.06248"
PERIODIC_SOURCE = "Massar 2025, arXiv 2505.07363"

# Measured at beta = 1e-4 by ``check``; a wrong variant has to be wrong by this much.
EXACT = {
    "cosine": (1 - 1e-9, 1 + 1e-9),
    "order_in_beta": (1.9, 2.1),
    "order_in_beta_one_sided": (0.9, 1.1),
}
WRONG, FAR_WRONG = (0.1, 1e6), (0.3, 1e6)

BETWEEN_ENDS = EXACT | {
    "relative_error": (0, 1e-7),
    "residual_share": (0, 1e-6),
    "relative_error_start_held": WRONG,
    "relative_error_start_held_corrected": (0, 1e-6),
}

WHOLE_PATH = {
    "residual": "none",
    "time": "Newton's method on the whole path, O(K N**3) an iteration",
    "memory": "the whole path and its banded Hessian, O(K N**2)",
    "practical": False,
    "claims": {
        "gradient": "exact as beta goes to 0, without residual",
        "order in beta": "1 one-sided, 2 symmetric",
        "local": "each parameter reads the neurons it joins",
        "causal": "no: the whole path answers a nudge at any time",
    },
    "bounds": BETWEEN_ENDS,
}

CIVP = BoundaryCondition(
    name="glep-civp",
    summary="constant start: two causal runs, and a residual that is not local",
    source=SOURCE,
    energy=ENERGY,
    start=("position", "momentum"),
    residual="R(T): how the end depends on every parameter",
    time="2 runs, and one tangent run a parameter, O(K N**2 P)",
    memory="sensitivities of the end, 2 N P",
    practical=False,
    claims={
        "gradient": "exact with the residual; without it wrong, not approximate",
        "order in beta": "1 one-sided, 2 symmetric",
        "local": "no: the residual is real-time recurrent learning",
    },
    bounds=EXACT
    | {
        "relative_error": (0, 1e-6),
        "relative_error_without_residual": FAR_WRONG,
        "relative_error_wrong_sign": FAR_WRONG,
    },
)

CBVP = BoundaryCondition(
    name="glep-cbvp",
    summary="constant positions at both ends",
    source=SOURCE,
    energy=ENERGY,
    start=("position",),
    end=("position",),
    **WHOLE_PATH,
)

MIXED = BoundaryCondition(
    name="glep-mixed",
    summary="constant position at the start, no momentum at the end",
    source=SOURCE,
    energy=ENERGY,
    start=("position",),
    end=("momentum",),
    **WHOLE_PATH,
)

NATURAL = BoundaryCondition(
    name="glep-natural",
    summary="no momentum at either end",
    source=SOURCE,
    energy=ENERGY,
    start=("momentum",),
    end=("momentum",),
    **WHOLE_PATH,
)

PERIODIC = BoundaryCondition(
    name="glep-periodic",
    summary="the end is the start: a periodic orbit",
    source=PERIODIC_SOURCE,
    energy=ENERGY,
    joined=True,
    **WHOLE_PATH | {"residual": "none: R(T) = R(0) cancel"},
)

PFVP = BoundaryCondition(
    name="glep-pfvp",
    summary="the end of the free run held: free forward, nudged backward",
    source=SOURCE,
    energy=ENERGY,
    end=("position", "momentum"),
    residual="R(0), local; zero unless masses change at a velocity that is held",
    time="3 runs: 1 free, 2 nudged backward",
    memory="two states, 2 numbers a parameter",
    practical=True,
    claims={
        "gradient": "exact of the discrete cost, at every dt",
        "order in beta": "1 one-sided, 2 symmetric",
        "local": "each parameter reads the neurons it joins",
        "causal": "yes, after a flip of the momenta: the echo of RHEL",
    },
    bounds=EXACT
    | {
        "relative_error": (0, 1e-5),
        "relative_error_momentum_held": (0, 1e-5),
        "relative_error_without_residual": WRONG,
        "relative_error_wrong_sign": WRONG,
    },
)

CONDITIONS = {
    condition.name: condition
    for condition in (CIVP, CBVP, MIXED, NATURAL, PERIODIC, PFVP)
}
