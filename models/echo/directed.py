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
from neuro_ep.models.echo.neuron import both
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel
from neuro_ep.records.parameter import JUDGED, NUDGING, OPTIMISER, READ, among
from neuro_ep.records.settings import Settings

SOURCE = "derived here, after Scurria et al. 2026"

# --- neurons: two echoes of one trajectory; until the mirror the second one rests -----

KICKS = """
dp_plus/dt  = (force_plus - nudged*beta*v_unit*pull_plus + echo*correction)/tau    : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*pull_minus - correction)/tau  : volt
"""

CORRECTION = """
correction = (1 - middle*middle)*(onward - backward) : volt
middle     : 1
ahead      : 1
onward     : volt
backward   : volt
"""

NEURON = (
    (KICKS + hamiltonian.FORCES + CORRECTION + hamiltonian.NUDGES)
    + (hamiltonian.GATHERED + hamiltonian.PARTING)
    + hamiltonian.COPIES
)

HALF_WAY = """
middle = tanh((q_plus + q_minus)/2)
ahead  = (1 - middle*middle)*(q_plus - q_minus)/2
"""

DRIFT = hamiltonian.DRIFT + HALF_WAY

ONSET = {**hamiltonian.ONSET, "middle": 0, "ahead": 0}

# --- synapses; the gradient is g/(2 beta) ------------------------------------------------

READ_WEIGHT = """
dg/dt = echo*2*middle_pre*ahead_post/tau : 1 (clock-driven)
"""

CORRECTING = """
onward_post  = w*ahead_pre  : volt (summed)
backward_pre = w*ahead_post : volt (summed)
"""

SYNAPSE = READ_WEIGHT + both(hamiltonian.FIELD) + CORRECTING + hamiltonian.WEIGHT

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
