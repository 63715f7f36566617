"""Continual vector-field learning (C-VF): forward and backward weights of their own.

Ernoult, Grollier, Querlioz, Bengio, Scellier 2020, "Equilibrium Propagation with
Continual Weight Updates", arXiv 2005.04168. Symbols and conventions as in
:mod:`neuro_ep.models.equilibrium.hopfield`; discrete time as in :mod:`neuro_ep.models.equilibrium.prototypical`.

    tau dv/dt = -v + W_forward rho(below) + W_backward rho(above) + b      no rho'
    dw        = (eta/beta) * dv_post/v_unit * rho_pre, in every direction

There is no energy, as no weight need be symmetric: the field is what neurons follow.
The angle between W_forward and the transposed W_backward, ``weight_angle``, is set at
the beginning by flipping signs; the synapses are free afterwards.

Deviations
    Biases move with their neuron, (eta/beta) dv_post, in every layer; the authors'
    discrete code leaves out those of the layer next to the input, and draws biases at
    the start, which are zero here.
"""

from brian2 import mV

from neuro_ep.errors import InputError
from neuro_ep.models.copies import renamed
from neuro_ep.models.equilibrium import prototypical
from neuro_ep.models.equilibrium import published as sets
from neuro_ep.models.equilibrium.hopfield import (
    ACTIVATIONS,
    BIAS_CURRENT,
    CLAMPED,
    FROM_ABOVE,
    LEARNING,
    NEURON_PARAMETERS,
    RECEIVED,
    SQUARED_ERROR,
    SYNAPSE_PARAMETERS,
    TAUGHT,
    Plasticity,
    is_discrete,
    named,
)
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import (
    ACTIVATION,
    DYNAMICS,
    NUDGED,
    NUDGING,
    TOLERANCE,
    WEIGHT_ANGLE,
    among,
)
from neuro_ep.records.protocol import free_then_nudged
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "Ernoult et al. 2020, arXiv 2005.04168"

# --- neurons: the plain vector field, and how far a potential moves in a step ---------

HIDDEN_POTENTIAL = """
dv/dt  = (-v + I_forward + I_feedback + I_bias)/tau     : volt
"""

OUTPUT_POTENTIAL = """
dv/dt  = (-v + I_forward + I_bias + nudge)/tau          : volt
"""

MOVED = """
v_last = v                                              : volt (constant over dt)
moved  = (v - v_last)/v_unit                            : 1
"""

HIDDEN = HIDDEN_POTENTIAL + MOVED + RECEIVED + FROM_ABOVE
OUTPUT = OUTPUT_POTENTIAL + MOVED + RECEIVED + TAUGHT

# --- synapses: the same plasticity in both directions --------------------------------

PLASTICITY = """
dw/dt = plastic*v_unit*(eta/beta)*rho_pre*moved_post/dt : volt (clock-driven)
"""

BIAS_PLASTICITY = """
db/dt = plastic*v_unit*(eta/beta)*moved_post/dt : volt (clock-driven)
"""

UPWARD = """
I_forward_post = w*rho_pre : volt (summed)
"""

DOWNWARD = """
I_feedback_post = w*rho_pre : volt (summed)
"""

FORWARD, BACKWARD = UPWARD + LEARNING, DOWNWARD + LEARNING

# --- the same in discrete time -------------------------------------------------------

DISCRETE_PLASTICITY = """
dw/dt = plastic*v_unit*(eta/beta)*s_last_pre*change_post/dt : volt (clock-driven)
"""

DISCRETE_FORWARD = renamed(UPWARD, rho="s") + LEARNING
DISCRETE_BACKWARD = renamed(DOWNWARD, rho="s") + LEARNING


def model(settings: Settings) -> NetworkModel:
    """The equations for a kind of time and an activation."""
    named({"difference": None}, settings.plasticity, "plasticity of C-VF")
    named({"squared-error": None}, settings.cost, "cost of C-VF")
    if settings.plastic_every != 1:
        raise InputError(
            f"plastic_every = {settings.plastic_every}: what C-VF learns depends on the "
            "path, so its plasticity is open at every step; leave it out"
        )
    return _discrete(settings) if is_discrete(settings) else _continuous(settings)


def _continuous(settings: Settings) -> NetworkModel:
    activity = named(ACTIVATIONS, settings.activation, "activation")
    known, onset = NEURON_PARAMETERS, {"v": 0 * mV}

    def synapses(equations, weight):
        return SynapseModel(equations, weight, SYNAPSE_PARAMETERS, when=moment.LEARN)

    return NetworkModel(
        input=NeuronModel(CLAMPED),
        hidden=NeuronModel(HIDDEN + activity, known, onset),
        output=NeuronModel(OUTPUT + SQUARED_ERROR + activity, known, onset),
        synapse=synapses(PLASTICITY + FORWARD, "w"),
        backward=synapses(PLASTICITY + BACKWARD, "w"),
        bias=synapses(BIAS_PLASTICITY + BIAS_CURRENT, "b"),
        energy={},
        read_out="v",
        read_out_unit="v_unit",
        activity="rho",
        source=SOURCE,
    )


def _discrete(settings: Settings) -> NetworkModel:
    form = Plasticity(DISCRETE_PLASTICITY, prototypical.BIAS_DIFFERENCE)
    backward = DISCRETE_PLASTICITY + DISCRETE_BACKWARD
    return prototypical.network_model(settings, form, DISCRETE_FORWARD, backward)


CONTINUAL_VF = Rule(
    name="continual-vf",
    summary="continual EP with separate forward and backward weights",
    source=SOURCE,
    model=model,
    protocol=lambda settings: free_then_nudged(
        settings.nudging, settings.free, settings.nudged
    ),
    parameters=(
        *(NUDGING, NUDGED, TOLERANCE, WEIGHT_ANGLE),
        among(ACTIVATION, *ACTIVATIONS),
        among(DYNAMICS, "continuous", "discrete"),
    ),
    defaults={
        "digits": Settings(
            layers=(64, 128, 10),
            eta=(0.05, 0.02),
            beta=0.5,
            free=20,
            nudged=8,
            step=1.0,
            epochs=150,
            dynamics="discrete",
        ),
        "mnist": sets.CONTINUAL_VF["mnist-c-vf-1h"].settings,
    },
    presets=sets.CONTINUAL_VF,
    gain=True,
    claims={
        "angle": "the update keeps within 90 degrees of the gradient up to a weight "
        "angle of about 90 degrees, and learning with it",
        "local": "dw/dt reads the two neurons it joins, eta, beta and the gate",
    },
    # The angle is what is claimed: without an energy the update is not the gradient.
    bounds={
        "cosine": (0, 1.0001),
        "relative_error": None,
        "relative_error_symmetric": None,
        "order_in_beta": None,
        "order_in_beta_symmetric": None,
        "step_error": None,
        "step_error_neuron": None,
    },
)
