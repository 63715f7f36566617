"""Chains of Hamiltonian layers: one echo of all layers at once, nothing stored.

Layers as in Pourcel & Ernoult 2025, "Learning long range dependencies through time
reversal symmetry breaking", arXiv 2506.05259, who chain them one after the other (their
section on state space models); the simultaneous echo is derived here. Neurons, symbols,
energy and parameters are those of :mod:`neuro_ep.models.echo.neuron`, the learning rule
is that of :mod:`neuro_ep.models.echo.rhel`.

Symbols
    q, p             the copy of a neuron that is never nudged
    _plus, _minus    the two that are
    x                what the layer above reads: the input, or q
    above            force from the layer above on the copy that is nudged with +beta

A layer drives the next by its copy that is not nudged, in the run and in the echo:

    H = sum over layers of their energy, with -q_post B x_pre for inputs

At the top the nudge is beta*dcost/dq. Below it is the slope, along the echo, of what the
layer above gives, in which beta cancels:

    above = sum_post B*(q_plus - q_minus)_post/2     on the copy with +beta, minus it on
                                                     the copy with -beta

Drives and forces from above enter the kicks only, and all positions are read at the same
half step, so that no layer has to wait for another. Sequentially, the same gradients
come from the top layer echoing alone, and then the layer below with the cost g(t)*q,
where -beta*g is the force from above: :data:`TOLD`.

Deviations: those of the neurons.
"""

from dataclasses import replace

from brian2 import mV

from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.echo import rhel
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.parameter import JUDGED, NUDGING, OPTIMISER, READ, among
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

SOURCE = "Pourcel & Ernoult 2025, arXiv 2506.05259; simultaneous echo derived here"

# --- neurons: a run, and three echoes of it; until the mirror two of them rest --------

NEURON = """
dp/dt       = force/tau                                                       : volt
dp_plus/dt  = echo*(force_plus - nudged*beta*v_unit*pull_plus + above)/tau    : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*pull_minus - above)/tau  : volt
force       = -(k + l*q*q)*q - (1 - r*r)*field + b + drive                                     : volt
force_plus  = -(k + l*q_plus*q_plus)*q_plus - (1 - r_plus*r_plus)*field_plus + b + drive       : volt
force_minus = -(k + l*q_minus*q_minus)*q_minus - (1 - r_minus*r_minus)*field_minus + b + drive : volt
pull_plus   = judged*read*(q_plus - target)     : 1
pull_minus  = judged*read*(q_minus - target)    : 1
dscore/dt   = judged*q/tau                      : 1
dcost/dt    = judged*read*(q - target)**2/2/tau : 1
dg_k/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)/2/tau : 1
dg_l/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt     = echo*(q_minus - q_plus)/tau         : 1
spread      = r_plus - r_minus                  : 1
total       = r_plus + r_minus                  : 1
parting     = q_minus - q_plus                  : 1
x           = q                                 : 1
g_m         : 1
q           : 1
q_plus      : 1
q_minus     : 1
r           : 1
r_plus      : 1
r_minus     : 1
q_start     : 1
p_start     : volt
field       : volt
field_plus  : volt
field_minus : volt
drive       : volt
above       : volt
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
p       = (1 - 2*mirror)*p
q_plus  = (1 - mirror)*q_plus + mirror*q
q_minus = (1 - mirror)*q_minus + mirror*q
p_plus  = (1 - mirror)*p_plus + mirror*p
p_minus = (1 - mirror)*p_minus + mirror*p
p_plus  = p_plus - final*nudged*beta*v_unit*read*(q_plus - target)
p_minus = p_minus + final*nudged*beta*v_unit*read*(q_minus - target)
g_m     = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
q       = q + p/m*dt/(2*tau)
q_plus  = q_plus + p_plus/m*dt/(2*tau)
q_minus = q_minus + p_minus/m*dt/(2*tau)
r       = tanh(q)
r_plus  = tanh(q_plus)
r_minus = tanh(q_minus)
"""

DRIFT_AGAIN = """
g_m     = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
q       = q + p/m*dt/(2*tau)
q_plus  = q_plus + p_plus/m*dt/(2*tau)
q_minus = q_minus + p_minus/m*dt/(2*tau)
"""

AT_REST = ("q_plus", "q_minus", "r", "r_plus", "r_minus", "score", "cost")

ONSET = {
    "q": "q_start",
    "p": "p_start",
    **dict.fromkeys((*AT_REST, "g_k", "g_l", "g_b", "g_m"), 0),
    **dict.fromkeys(("p_plus", "p_minus"), 0 * mV),
}

# --- synapses: two copies echo apart, the third drives the layer above -----------------

SYNAPSE = """
dg/dt = echo*spread_pre*total_post/tau : 1 (clock-driven)
field_post       = w*r_pre       : volt (summed)
field_plus_post  = w*r_plus_pre  : volt (summed)
field_minus_post = w*r_minus_pre : volt (summed)
w       : volt
"""

INPUT_SYNAPSE = """
dg/dt = echo*x_pre*parting_post/tau : 1 (clock-driven)
drive_post = B*x_pre           : volt (summed)
above_pre  = -B*parting_post/2 : volt (summed)
B       : volt
"""

# --- a layer below, alone: what it is told replaces the slope of a cost ----------------

TOLD_NEURON = """
dp_plus/dt  = (force_plus - nudged*beta*v_unit*told)/tau               : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*told)/tau         : volt
force_plus  = -(k + l*q_plus*q_plus)*q_plus - (1 - r_plus*r_plus)*field_plus + b + drive       : volt
force_minus = -(k + l*q_minus*q_minus)*q_minus - (1 - r_minus*r_minus)*field_minus + b + drive : volt
told        = judged*read*target                : 1
dscore/dt   = judged*q_plus/tau                 : 1
dcost/dt    = told*q_plus/tau                   : 1
dg_k/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)/2/tau : 1
dg_l/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt     = echo*(q_minus - q_plus)/tau         : 1
spread      = r_plus - r_minus                  : 1
total       = r_plus + r_minus                  : 1
parting     = q_minus - q_plus                  : 1
g_m         : 1
q_plus      : 1
q_minus     : 1
r_plus      : 1
r_minus     : 1
q_start     : 1
p_start     : volt
field_plus  : volt
field_minus : volt
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

TOLD_DRIFT = """
p_plus  = (1 - 2*mirror)*p_plus
q_minus = (1 - mirror)*q_minus + mirror*q_plus
p_minus = (1 - mirror)*p_minus + mirror*p_plus
p_plus  = p_plus - final*nudged*beta*v_unit*read*target
p_minus = p_minus + final*nudged*beta*v_unit*read*target
g_m     = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
q_plus  = q_plus + p_plus/m*dt/(2*tau)
q_minus = q_minus + p_minus/m*dt/(2*tau)
r_plus  = tanh(q_plus)
r_minus = tanh(q_minus)
"""

# --- the parts together ------------------------------------------------------------------


def model(settings: Settings) -> NetworkModel:
    """The equations: every layer joined to the next and to itself.

    Raises InputError for other connections and for one-sided nudging.
    """
    layers = range(1, len(settings.layers))
    chain = {pair for k in layers for pair in ((k - 1, k), (k, k))}
    if set(settings.edges) != chain:
        raise InputError(
            f"connections {settings.edges}: in a chain every layer is joined to the "
            f"next and to itself: {sorted(chain)}"
        )
    check_nudging(settings)
    neuron = NeuronModel(
        NEURON,
        parameters=hamiltonian.NEURON_PARAMETERS,
        onset=ONSET,
        regularly={moment.FIRST_HALF: DRIFT, moment.SECOND_HALF: DRIFT_AGAIN},
        returning=("q", "p"),
    )
    local = rhel.of_neurons(settings, rhel.GRADIENT)
    pairs = (SYNAPSE, rhel.PAIR_GRADIENT, rhel.CHANGE_W)
    inputs = (INPUT_SYNAPSE, rhel.GRADIENT, rhel.CHANGE_INPUT)
    return NetworkModel(
        input=NeuronModel(hamiltonian.INPUT),
        hidden=neuron,
        output=neuron,
        synapse=rhel.synapse(settings, *inputs, weight="B"),
        lateral=rhel.synapse(settings, *pairs, weight="w", symmetric=True),
        bias=local.pop("bias"),
        local=local,
        energy=hamiltonian.ENERGY,
        cost="cost",
        read_out="score" if settings.judged else "q",
        read_out_unit=None,
        activity=None,
        source=SOURCE,
    )


def told(settings: Settings) -> NetworkModel:
    """One layer joined to itself, whose targets in time are the slopes it is told."""
    check_nudging(settings)
    neuron = NeuronModel(
        TOLD_NEURON,
        parameters=hamiltonian.NEURON_PARAMETERS,
        onset=hamiltonian.ONSET,
        regularly={
            moment.FIRST_HALF: TOLD_DRIFT,
            moment.SECOND_HALF: hamiltonian.DRIFT_AGAIN,
        },
    )
    return replace(rhel.model(settings), hidden=neuron, output=neuron)


def check_nudging(settings: Settings):
    """Raises InputError unless two copies are nudged."""
    if settings.nudging != "symmetric":
        raise InputError(
            f"nudging {settings.nudging!r}: in a chain two copies echo beside the one "
            "that is not nudged; choose symmetric"
        )


CHAIN = replace(
    rhel.RHEL,
    name="rhel-chain",
    summary="layers drive each other and echo together, every one nudged by the next",
    source=SOURCE,
    model=model,
    parameters=(among(NUDGING, "symmetric"), OPTIMISER, JUDGED, READ),
    defaults={
        "digits-rows": changed(
            rhel.RHEL.defaults["digits-rows"],
            layers=(8, 48, 48),
            connections=((0, 1), (1, 1), (1, 2), (2, 2)),
        )
    },
    family="chain",
    bounds={
        "reversal": (0, 1e-12),
        "relative_error": (0, 1e-5),
        "cosine": (1 - 1e-9, 1 + 1e-9),
        "relative_error_end": (0, 1e-5),
        "sequential_error": (0, 1e-8),
        "float32_error": (0, 1e-2),
        "control_above": (0.99, 1.01),
        "control_targets": (5e-3, 1e3),
    },
    claims={
        "gradient": "that of the discrete cost in every layer, as beta goes to 0",
        "order in beta": "2",
        "simultaneous": "layers echo in one sweep, no trajectory is stored",
    },
)

TOLD: Rule = replace(
    rhel.RHEL,
    name="rhel-told",
    summary="a layer of a chain, alone, with the slopes that the next one gives",
    model=told,
    defaults={},
)
