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
from neuro_ep.models.echo.neuron import both, plus
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.parameter import JUDGED, NUDGING, OPTIMISER, READ, among
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

SOURCE = "Pourcel & Ernoult 2025, arXiv 2506.05259; simultaneous echo derived here"

# --- neurons: a run, and three echoes of it; until the mirror two of them rest --------

KICKS = """
dp/dt       = force/tau                                                       : volt
dp_plus/dt  = echo*(force_plus - nudged*beta*v_unit*pull_plus + above)/tau    : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*pull_minus - above)/tau  : volt
above       : volt
"""

COST = """
dcost/dt = judged*read*(q - target)**2/2/tau : 1
"""

READ_ABOVE = """
x = q : 1
"""

NEURON = (
    KICKS
    + (hamiltonian.FORCE + both(hamiltonian.FORCE) + both(hamiltonian.PULL))
    + (hamiltonian.SCORE + COST + hamiltonian.GATHERED + hamiltonian.DIFFERENCES)
    + (READ_ABOVE + hamiltonian.STATE + hamiltonian.ACTIVITY + hamiltonian.COPIES)
)

# The mirror makes the two copies that are nudged.
TWO_COPIES = """
q_plus  = (1 - mirror)*q_plus + mirror*q
q_minus = (1 - mirror)*q_minus + mirror*q
p_plus  = (1 - mirror)*p_plus + mirror*p
p_minus = (1 - mirror)*p_minus + mirror*p
"""

HALF_DRIFTS = hamiltonian.HALF_DRIFT + both(hamiltonian.HALF_DRIFT)
ACTIVITIES = hamiltonian.READ_ACTIVITY + both(hamiltonian.READ_ACTIVITY)
DRIFT_AGAIN = hamiltonian.READ_MASS + HALF_DRIFTS
DRIFT = (
    (hamiltonian.TURN + TWO_COPIES + hamiltonian.FINAL_KICKS) + DRIFT_AGAIN + ACTIVITIES
)

AT_REST = ("q_plus", "q_minus", "r", "r_plus", "r_minus", "score", "cost")

ONSET = {
    "q": "q_start",
    "p": "p_start",
    **dict.fromkeys((*AT_REST, "g_k", "g_l", "g_b", "g_m"), 0),
    **dict.fromkeys(("p_plus", "p_minus"), 0 * mV),
}

# --- synapses: two copies echo apart, the third drives the layer above -----------------

FIELDS = hamiltonian.FIELD + both(hamiltonian.FIELD)

TO_BELOW = """
above_pre = -B*parting_post/2 : volt (summed)
"""

SYNAPSE = hamiltonian.READ_WEIGHT + FIELDS + hamiltonian.WEIGHT
INPUT_SYNAPSE = hamiltonian.INPUT_SYNAPSE + TO_BELOW

# --- a layer below, alone: what it is told replaces the slope of a cost ----------------

TOLD_KICKS = """
dp_plus/dt  = (force_plus - nudged*beta*v_unit*told)/tau        : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*told)/tau  : volt
"""

TOLD_SLOPE = """
told = judged*read*target : 1
"""

TOLD_COST = """
dcost/dt = told*q_plus/tau : 1
"""

TOLD_NEURON = (
    (TOLD_KICKS + hamiltonian.FORCES + TOLD_SLOPE + plus(hamiltonian.SCORE))
    + (TOLD_COST + hamiltonian.GATHERED + hamiltonian.DIFFERENCES)
    + hamiltonian.COPIES
)

TOLD_FINAL_KICKS = """
p_plus  = p_plus - final*nudged*beta*v_unit*read*target
p_minus = p_minus + final*nudged*beta*v_unit*read*target
"""

TOLD_DRIFT = (
    (plus(hamiltonian.TURN) + hamiltonian.SECOND_COPY + TOLD_FINAL_KICKS)
    + hamiltonian.DRIFT_AGAIN
    + both(hamiltonian.READ_ACTIVITY)
)

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
