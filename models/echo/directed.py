"""Echoes of networks whose synapses are directed: two copies that correct each other.

The counterpart in time of equilibrium propagation with forces that have no energy
(Scurria et al. 2026); derived here. Neurons, symbols and parameters are those of
:mod:`neuro_ep.models.echo.neuron`, the learning rule is that of
:mod:`neuro_ep.models.echo.rhel`.

Symbols
    w           weight from one neuron (pre) to another (post); the other way there is
                another. A neuron may be joined to itself
    middle      tanh((q_plus + q_minus)/2), activity half way between the two echoes
    slope       its derivative, 1 - middle**2
    ahead       slope*(q_plus - q_minus)/2

Dynamics
    tau dq/dt = p/m     tau dp/dt = -dH/dq - (1 - r**2)*sum_pre w*r_pre

with H of Hamiltonian neurons without its synapses. The force depends on q alone, so that
an echo returns, but running back nudged would compute an adjoint with w where it takes
its transpose. What is missing is a force on the echo with +beta, and minus it on the
other:

    slope*( sum_pre w*ahead_pre - sum_post w*ahead_post )
    dC/dw = integral of ahead_post/beta*middle_pre along the echo

Deviations: those of the neurons. The correction is not local: it sends what lies ahead
against the direction of the synapses as well.
"""

from dataclasses import replace

from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo import rhel
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.parameter import JUDGED, NUDGING, OPTIMISER, READ, among
from neuro_ep.records.settings import Settings

SOURCE = "derived here, after Scurria et al. 2026"

# --- neurons: two echoes of one trajectory; until the mirror the second one rests -----

NEURON = """
dp_plus/dt  = (force_plus - nudged*beta*v_unit*pull_plus + echo*correction)/tau        : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*pull_minus - correction)/tau      : volt
force_plus  = -(k + l*q_plus*q_plus)*q_plus - (1 - r_plus*r_plus)*field_plus + b + drive       : volt
force_minus = -(k + l*q_minus*q_minus)*q_minus - (1 - r_minus*r_minus)*field_minus + b + drive : volt
correction  = (1 - middle*middle)*(onward - backward) : volt
pull_plus   = judged*read*(q_plus - target)     : 1
pull_minus  = judged*read*(q_minus - target)    : 1
dscore/dt   = judged*q_plus/tau                 : 1
dcost/dt    = pull_plus*(q_plus - target)/2/tau : 1
dg_k/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)/2/tau : 1
dg_l/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt     = echo*(q_minus - q_plus)/tau         : 1
parting     = q_minus - q_plus                  : 1
g_m         : 1
q_plus      : 1
q_minus     : 1
r_plus      : 1
r_minus     : 1
middle      : 1
ahead       : 1
q_start     : 1
p_start     : volt
field_plus  : volt
field_minus : volt
onward      : volt
backward    : volt
drive       : volt
k           : volt
l           : volt
b           : volt
m           : volt
target      : 1
read        : 1
nudged      : 1 (shared)
beta        : 1 (shared)
echo        : 1 (shared)
mirror      : 1 (shared)
judged      : 1 (shared)
final       : 1 (shared)
tau         : second (shared, constant)
v_unit      : volt (shared, constant)
"""

DRIFT = """
p_plus  = (1 - 2*mirror)*p_plus
q_minus = (1 - mirror)*q_minus + mirror*q_plus
p_minus = (1 - mirror)*p_minus + mirror*p_plus
p_plus  = p_plus - final*nudged*beta*v_unit*read*(q_plus - target)
p_minus = p_minus + final*nudged*beta*v_unit*read*(q_minus - target)
g_m     = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
q_plus  = q_plus + p_plus/m*dt/(2*tau)
q_minus = q_minus + p_minus/m*dt/(2*tau)
r_plus  = tanh(q_plus)
r_minus = tanh(q_minus)
middle  = tanh((q_plus + q_minus)/2)
ahead   = (1 - middle*middle)*(q_plus - q_minus)/2
"""

ONSET = {**hamiltonian.ONSET, "middle": 0, "ahead": 0}

# --- synapses; the gradient is g/(2 beta) ------------------------------------------------

SYNAPSE = """
dg/dt = echo*2*middle_pre*ahead_post/tau : 1 (clock-driven)
field_plus_post  = w*r_plus_pre  : volt (summed)
field_minus_post = w*r_minus_pre : volt (summed)
onward_post      = w*ahead_pre   : volt (summed)
backward_pre     = w*ahead_post  : volt (summed)
w       : volt
"""

# --- the parts together ------------------------------------------------------------------


def model(settings: Settings) -> NetworkModel:
    """The equations: as in RHEL, but for the synapses among the neurons.

    Raises InputError for one-sided nudging, and as RHEL does.
    """
    if settings.nudging != "symmetric":
        raise InputError(
            f"nudging {settings.nudging!r}: directed synapses need two copies that "
            "correct each other; choose symmetric"
        )
    neuron = NeuronModel(
        NEURON,
        parameters=hamiltonian.NEURON_PARAMETERS,
        onset=ONSET,
        regularly={
            moment.FIRST_HALF: DRIFT,
            moment.SECOND_HALF: hamiltonian.DRIFT_AGAIN,
        },
    )
    directed = (SYNAPSE, rhel.GRADIENT, rhel.CHANGE_W)
    return replace(
        rhel.model(settings),
        hidden=neuron,
        output=neuron,
        lateral=rhel.synapse(settings, *directed, weight="w"),
        energy={},
        source=SOURCE,
    )


BOUNDS = {
    "reversal": (0, 1e-12),
    "relative_error": (0, 1e-5),
    "cosine": (1 - 1e-9, 1 + 1e-9),
}

DIRECTED = replace(
    rhel.RHEL,
    name="rhel-directed",
    summary="synapses with a direction: two echoes that correct each other",
    source=SOURCE,
    model=model,
    parameters=(among(NUDGING, "symmetric"), OPTIMISER, JUDGED, READ),
    family="directed",
    bounds=BOUNDS,
    claims={
        "gradient": "that of the discrete cost, for every single synapse",
        "order in beta": "2",
        "reversible": "an echo that is not nudged returns to the start, to rounding",
    },
)
