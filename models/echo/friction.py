"""Echoes of Hamiltonian neurons with friction: gain on the way back, and weights in time.

Friction rate common to all neurons: exponential weights of Bosch, Gediz & Tureci 2026,
who credit them to the dissipative extension of Pourcel et al. 2025, arXiv 2506.06248;
discrete form derived here. Neurons, symbols, energy and
parameters are those of :mod:`neuro_ep.models.echo.neuron`, the learning rule is that of
:mod:`neuro_ep.models.echo.rhel`.

Symbols
    friction   rate gamma at which momenta are lost, the same for all neurons, in 1/tau
    weight     exp(-friction*s), s the time since the mirror in units of tau

Dynamics
    tau dq/dt = p/m         tau dp/dt = -dH/dq - friction*p

P = exp(friction*t) p belongs to a Hamiltonian that depends on time. Turned round, it
returns with gain instead of friction; seen in p, the nudge grows and readings fade:

    tau dp/dt = -dH/dq + friction*p - beta/weight*dcost/dq
    dC/dtheta = d/dbeta integral of weight*dH/dtheta along the echo

A step is half the friction (or gain), drift, kick, drift, half the friction: it is
reversed exactly. Gain amplifies rounding, by exp(friction*T) in all.

Deviations
    Unequal frictions have no such weight, settings give one for all neurons: with
    rates up to 10 % below and above it, at friction*T = 1, the gradient errs by 3 %.
"""

import math
import warnings
from dataclasses import replace

from brian2 import mV

from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo import rhel
from neuro_ep.models.echo.neuron import both, plus
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.parameter import FRICTION as FRICTION_RATE
from neuro_ep.records.parameter import JUDGED, NUDGING, OPTIMISER, READ, among
from neuro_ep.records.settings import Settings, changed

SOURCE = "Pourcel et al. 2025, arXiv 2506.06248; discrete form derived here"

#: Friction times duration from which rounding spoils the gradient in float64.
MOST = 15.0

# --- neurons: two echoes of one trajectory, with gain --------------------------------

KICKS = """
dp_plus/dt  = (force_plus - nudged*beta/weight*v_unit*pull_plus)/tau          : volt
dp_minus/dt = echo*(force_minus + nudged*beta/weight*v_unit*pull_minus)/tau   : volt
weight      : 1
friction    : 1 (shared, constant)
"""

GATHERED = """
dg_k/dt = echo*weight*(q_plus - q_minus)*(q_plus + q_minus)/2/tau : 1
dg_l/dt = echo*weight*(q_plus - q_minus)*(q_plus + q_minus)*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt = echo*weight*(q_minus - q_plus)/tau : 1
"""

SPREAD = """
spread = weight*(r_plus - r_minus) : 1
"""

PARTING = """
parting = weight*(q_minus - q_plus) : 1
"""

NEURON = (
    (KICKS + hamiltonian.FORCES + hamiltonian.NUDGES + GATHERED)
    + (SPREAD + hamiltonian.TOTAL + PARTING)
    + hamiltonian.COPIES
)

# The weight is that of the kick, half a step after the mirror and then every step.
WEIGHT = """
weight = mirror*exp(-friction*dt/(2*tau)) + (1 - mirror)*weight*exp(-friction*dt/tau)
"""

# Friction on the way out, gain on the way back.
GAIN = """
p = p*exp((2*echo - 1)*friction*dt/(2*tau))
"""

READ_MASS = """
g_m = g_m - echo*weight*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
"""

DRIFT = (
    (WEIGHT + plus(hamiltonian.TURN) + hamiltonian.SECOND_COPY)
    + (hamiltonian.FINAL_KICKS + both(GAIN) + READ_MASS)
    + (both(hamiltonian.HALF_DRIFT) + both(hamiltonian.READ_ACTIVITY))
)

DRIFT_AGAIN = READ_MASS + both(hamiltonian.HALF_DRIFT) + both(GAIN)

ONSET = {**hamiltonian.ONSET, "p_minus": 0 * mV, "weight": 1}

# --- what is learned is as without friction --------------------------------------------


def model(settings: Settings) -> NetworkModel:
    """The equations; warns where friction and duration amplify rounding too much.

    Raises InputError for one-sided nudging, and as RHEL does.
    """
    if settings.nudging != "symmetric":
        raise InputError(
            f"nudging {settings.nudging!r}: with friction two copies echo; choose "
            "symmetric"
        )
    friction, gain = settings.friction, settings.friction * settings.free
    if gain > MOST:
        warnings.warn(
            f"friction {friction:g} over {settings.free:g} time constants: the echo "
            f"amplifies rounding by {math.exp(gain):.0e}; keep their product below "
            f"{MOST:g}",
            stacklevel=2,
        )
    neuron = NeuronModel(
        NEURON,
        parameters={**hamiltonian.NEURON_PARAMETERS, "friction": friction},
        onset=ONSET,
        regularly={moment.FIRST_HALF: DRIFT, moment.SECOND_HALF: DRIFT_AGAIN},
        returning=("q_plus", "p_plus"),
    )
    return replace(rhel.model(settings), hidden=neuron, output=neuron, source=SOURCE)


FRICTION = replace(
    rhel.RHEL,
    name="rhel-friction",
    summary="run with friction, run back with gain, nudged: the adjoint",
    source=SOURCE,
    model=model,
    parameters=(among(NUDGING, "symmetric"), OPTIMISER, JUDGED, READ, FRICTION_RATE),
    # Test accuracy 0.957, 0.950 to 0.964, of seeds 0 to 4.
    defaults={
        "digits-rows": changed(rhel.RHEL.defaults["digits-rows"], friction=0.05),
    },
    family="friction",
    bounds={
        "reversal": (0, 1e-11),
        "relative_error": (0, 1e-5),
        "cosine": (1 - 1e-9, 1 + 1e-9),
        "relative_error_coarse": (0, 1e-5),
        "relative_error_end": (0, 1e-5),
        "float32_error": (0, 5e-3),
        "control_unweighted": (0.1, 1e3),
    },
    claims={
        "gradient": "that of the discrete cost, at every dt, as beta goes to 0",
        "order in beta": "2",
        "reversible": "an echo that is not nudged returns, to amplified rounding",
    },
)
