"""Oscillators coupled by springs, which learn by their echoes.

Pourcel & Ernoult 2025, "Learning long range dependencies through time reversal symmetry
breaking", arXiv 2506.05259: the oscillators of its first figure, six of them, one driven
and another read out, whose equations the authors' demonstration spells out for two
(https://guillaumepourcel.github.io/rhel-demo). The learning rule is that of
:mod:`neuro_ep.models.echo.rhel`.

Symbols
    q, p      position, dimensionless, and momentum, mV, of an oscillator; time in units
              of tau
    m, k, l   its mass, the spring that ties it to a wall, and the hardening of that
              spring; all in mV
    w         spring between a pair, mV, one for both directions, none to itself
    b         constant force on an oscillator, mV
    B         weight from input to oscillator, mV
    x         input, given as a function of time
    target    what the oscillators read out should follow, given as a function of time
    beta      nudging, signed; zero in the free run
    _plus, _minus    the two echoes of an oscillator, nudged with +beta and -beta

Energy (in volt; q and p obey tau dq/dt = dH/dp, tau dp/dt = -dH/dq)
    H = sum_i [ p_i**2/(2 m_i) + k_i q_i**2/2 + l_i q_i**4/4 - b_i q_i ]
        + sum_{i<j} w_ij (q_i - q_j)**2/2 - sum_{i,d} B_id q_i x_d
    nudged: H + beta * v_unit * cost

Cost, integrated over the time of the run in units of tau, or its last share
    1/2 sum_out (q - target)**2

A step of length dt is drift-kick-drift, as in :mod:`neuro_ep.models.echo.neuron`.

Deviations
    The paper's nudge goes uphill: beta = -epsilon here. Its oscillators are linear,
    l = 0, and which pairs have springs is not said: all may here. Springs do not push:
    k, l and w stay at 0 or above, so that H has a lowest value.
"""

from dataclasses import replace

from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo import rhel
from neuro_ep.models.echo.neuron import both, plus
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.settings import Settings

SOURCE = rhel.SOURCE

# What each part adds to H: every oscillator "kinetic" and "neuron", every pair "synapse",
# every input to an oscillator "input"; beta times "cost" for every one that is read out.
ENERGY = {
    "kinetic": "p**2/(2*m)",
    "neuron": "k*q**2/2 + l*q**4/4 - b*q",
    "synapse": "w*(q_pre - q_post)**2/2",
    "input": "-B*x_pre*q_post",
    "cost": "(q - target)**2/2",
}

# --- oscillators: two echoes of one trajectory; until the mirror the second one rests --

FORCE = """
force = -(k + l*q*q)*q + field + b + drive : volt
"""

GATHERED = """
dg_k/dt = echo*spread*total/2/tau : 1
dg_l/dt = echo*spread*total*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt = echo*parting/tau        : 1
spread  = q_plus - q_minus        : 1
total   = q_plus + q_minus        : 1
"""

SIGNALS = hamiltonian.PROPERTIES + hamiltonian.ECHO_SIGNALS + hamiltonian.SIGNALS

OSCILLATOR = (
    (plus(hamiltonian.KICK) + hamiltonian.SECOND_KICK + both(FORCE))
    + (hamiltonian.NUDGES + GATHERED + hamiltonian.PARTING)
    + (both(hamiltonian.STATE) + SIGNALS)
)

# The mirror.
TURN = plus(hamiltonian.TURN)

# It makes the second copy; half a drift; masses are read at the momenta before and after
# the kick.
DRIFT_AGAIN = hamiltonian.DRIFT_AGAIN
DRIFT = hamiltonian.SECOND_COPY + hamiltonian.FINAL_KICKS + DRIFT_AGAIN

ONSET = {name: value for name, value in hamiltonian.ONSET.items() if name != "r_minus"}

# --- springs: along the echo, the difference of their lengths squared -------------------

SPRING = """
dg/dt = echo*(spread_pre - spread_post)*(total_pre - total_post)/2/tau : 1 (clock-driven)
field_plus_post  = w*(q_plus_pre - q_plus_post)          : volt (summed)
field_minus_post = echo*w*(q_minus_pre - q_minus_post)   : volt (summed)
w       : volt
"""

CHANGE_SPRING = "w = clip(w + v_unit*change, 0*v_unit, inf*v_unit)"
CHANGE_STIFFNESS = "k = clip(k + v_unit*change, 0*v_unit, inf*v_unit)"

# --- what is learned otherwise is as in the network of Hamiltonian neurons -------------

NEURON = NeuronModel(
    OSCILLATOR,
    parameters=hamiltonian.NEURON_PARAMETERS,
    onset=ONSET,
    regularly={
        moment.BEGIN: TURN,
        moment.FIRST_HALF: DRIFT,
        moment.SECOND_HALF: DRIFT_AGAIN,
    },
    returning=("q_plus", "p_plus"),
)


def model(settings: Settings) -> NetworkModel:
    """The equations for an optimiser: one layer of oscillators joined to itself.

    Raises InputError for one-sided nudging, and as RHEL does.
    """
    if settings.nudging != "symmetric":
        raise InputError(
            f"nudging {settings.nudging!r}: of coupled oscillators two copies echo; "
            "choose symmetric"
        )
    learned = rhel.model(settings)
    spring = (SPRING, rhel.PAIR_GRADIENT, CHANGE_SPRING)
    stiffness = (hamiltonian.STIFFNESS, rhel.GRADIENT, CHANGE_STIFFNESS)
    tied = rhel.synapse(
        settings, *stiffness, weight="k", initial=1.0, **rhel.OF_NEURONS
    )
    return replace(
        learned,
        hidden=NEURON,
        output=NEURON,
        lateral=rhel.synapse(settings, *spring, weight="w", symmetric=True),
        local={**learned.local, "stiffness": tied},
        energy=ENERGY,
    )


COUPLED_OSCILLATORS = replace(
    rhel.RHEL,
    name="coupled-oscillators",
    summary="springs and masses that learn by their echo to move like others",
    model=model,
    defaults={},
    bounds={},
)
