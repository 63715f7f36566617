"""Hopfield networks of rate neurons in continuous time, as EP and continual EP use them.

Scellier & Bengio 2017, "Equilibrium Propagation", arXiv 1602.05179; real-time setting of
Ernoult et al. 2020, arXiv 2005.04168.

Symbols
    v        potential of a neuron, mV             s in the papers, in units of v_unit
    rho(v)   activity, dimensionless
    slope    d rho / d (v/v_unit), dimensionless   rho' in the papers
    w, b     weight and bias, mV                   W, b in units of v_unit
    x        clamped input, dimensionless, in [0, 1]
    beta     nudging, signed; nudged is 1 in the nudged phase; plastic opens plasticity
    eta      learning rate, dimensionless

Energy (in volt^2; the neurons descend it: tau dv/dt = -dE/dv)
    E = sum v**2/2 - v_unit * ( sum_ij w_ij rho_i rho_j + sum_i b_i rho_i )
    nudged: E + beta * cost * v_unit**2

Cost, mean over the batch, positive beta pulling the output towards the target
    squared error    1/2 sum_out (v/v_unit - target)**2
    cross-entropy    -sum_out target * log softmax(v/v_unit)

Deviations
    The input enters as it is (rho = x): a pixel is an activity, not a potential. The
    papers' real-time code passes it through rho, their discrete code does not.
    The output layer keeps its rho' so that the field is the gradient of the energy; the
    authors' real-time code leaves it out.
"""

from dataclasses import dataclass, field

from brian2 import ms, mV

from neuro_ep.errors import InputError
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.settings import Settings, suggestion

# What each part adds to the energy; the clamped input adds nothing of its own.
ENERGY = {
    "neuron": "v**2/2",
    "synapse": "-v_unit*w*rho_pre*rho_post",
    "bias": "-v_unit*b*rho_post",
    "output": "nudged*beta*v_unit**2*(v/v_unit - target)**2/2",
}

CROSS_ENTROPY_ENERGY = {
    "output": "nudged*beta*v_unit**2*target*(log(Z) - v/v_unit)",
}

NEURON_PARAMETERS = {"tau": 10 * ms, "v_unit": 1 * mV}

# --- activities: at the start of the step, and where the step has ended --------------

SIGMOID = """
rho      = 1/(1 + exp(-4*(v/v_unit - 0.5))) : 1 (constant over dt)
rho_next = 1/(1 + exp(-4*(v/v_unit - 0.5))) : 1
slope    = 4*rho*(1 - rho)                  : 1
"""

HARD_SIGMOID = """
rho      = clip(v/v_unit, 0, 1)             : 1 (constant over dt)
rho_next = clip(v/v_unit, 0, 1)             : 1
slope    = int(v >= 0*v_unit)*int(v <= v_unit) : 1
"""

TANH = """
rho      = tanh(v/v_unit)                   : 1 (constant over dt)
rho_next = tanh(v/v_unit)                   : 1
slope    = 1 - rho**2                       : 1
"""

ACTIVATIONS = {"sigmoid": SIGMOID, "hard-sigmoid": HARD_SIGMOID, "tanh": TANH}

# --- neurons -------------------------------------------------------------------------

CLAMPED = """
x   : 1
rho = x : 1
"""

STILL = """
rho_next = x : 1
drho     = 0 : 1
rho_rate = 0*hertz : hertz
"""

INPUT = CLAMPED + STILL

POTENTIAL = """
dv/dt    = rate                                                        : volt
"""

HIDDEN_RATE = """
rate     = (-v + slope*(I_forward + I_feedback + I_bias))/tau          : volt/second
"""

OUTPUT_RATE = """
rate     = (-v + slope*(I_forward + I_bias) + nudge)/tau               : volt/second
"""

CHANGES = """
drho     = rho_next - rho                                              : 1
rho_rate = slope*rate/v_unit                                           : hertz
"""

# What hidden and output neurons receive, and their units.
RECEIVED = """
I_forward : volt
I_bias    : volt
tau       : second (shared, constant)
v_unit    : volt (shared, constant)
"""

FROM_ABOVE = """
I_feedback : volt
"""

TAUGHT = """
target : 1
nudged : 1 (shared)
beta   : 1 (shared)
"""

HIDDEN = POTENTIAL + HIDDEN_RATE + CHANGES + RECEIVED + FROM_ABOVE
OUTPUT = POTENTIAL + OUTPUT_RATE + CHANGES + RECEIVED + TAUGHT

# --- the nudge: -beta times the gradient of the cost ---------------------------------

SQUARED_ERROR = """
nudge    = nudged*beta*(target*v_unit - v)                             : volt
"""

CROSS_ENTROPY = """
nudge    = nudged*beta*v_unit*(target - softmax)                       : volt
softmax  = exp(v/v_unit)/Z                                             : 1
Z        : 1
"""

# From every output neuron to every output neuron of the same replica.
NORMALISER = """
Z_post = exp(v_pre/v_unit) : 1 (summed)
v_unit : volt (shared, constant)
"""

COSTS = {"squared-error": SQUARED_ERROR, "cross-entropy": CROSS_ENTROPY}

# --- synapses: one weight for both directions ----------------------------------------

# What synapses are told that learn.
LEARNING = """
eta     : 1 (shared, constant)
v_unit  : volt (shared, constant)
beta    : 1 (shared)
plastic : 1 (shared)
"""

BOTH_WAYS = """
I_forward_post = w*rho_pre  : volt (summed)
I_feedback_pre = w*rho_post : volt (summed)
"""

FROM_BIAS = """
I_bias_post = b : volt (summed)
"""

CURRENTS = BOTH_WAYS + LEARNING
BIAS_CURRENT = FROM_BIAS + LEARNING

SYNAPSE_PARAMETERS = {"v_unit": 1 * mV}

# --- what neurons keep for plasticity that is open rarely ----------------------------

MARK = """
since_mark = rho_next - rho_mark : 1
rho_mark   : 1
marking    : 1 (shared)
"""

INPUT_MARK = """
since_mark = 0 : 1
rho_mark   = x : 1
"""

MARKING = {moment.FINISH: "rho_mark = marking*rho_next + (1 - marking)*rho_mark"}


@dataclass(frozen=True)
class Plasticity:
    """How weights and biases move: equations, and the slot in which they do.

    ``marked`` plasticity compares with the activity when it was open last.
    """

    weights: str
    biases: str
    schedule: dict = field(default_factory=lambda: {"when": moment.LEARN})
    marked: bool = False


def _kept(plasticity: Plasticity) -> dict:
    """What neurons have beside their equations."""
    known = {"parameters": NEURON_PARAMETERS, "onset": {"v": 0 * mV}}
    marks = {"regularly": MARKING, "marks": ("rho_mark",)}
    return known | (marks if plasticity.marked else {})


def network_model(
    settings: Settings, plasticity: Plasticity, source: str
) -> NetworkModel:
    """The equations for an activation, a cost and a form of plasticity."""
    activity = named(ACTIVATIONS, settings.activation, "activation")
    nudge = named(COSTS, settings.cost, "cost")
    marked = plasticity.marked
    mark, input_mark = (MARK, INPUT_MARK) if marked else ("", "")
    known = _kept(plasticity)
    weights, biases = plasticity.weights + CURRENTS, plasticity.biases + BIAS_CURRENT
    schedule, parameters = plasticity.schedule, SYNAPSE_PARAMETERS
    softmax = nudge is CROSS_ENTROPY
    return NetworkModel(
        input=NeuronModel(INPUT + input_mark),
        hidden=NeuronModel(HIDDEN + activity + mark, **known),
        output=NeuronModel(OUTPUT + nudge + activity + mark, **known),
        synapse=SynapseModel(weights, "w", parameters, **schedule),
        bias=SynapseModel(biases, "b", parameters, **schedule),
        normaliser=SynapseModel(NORMALISER, None, parameters) if softmax else None,
        energy=ENERGY | (CROSS_ENTROPY_ENERGY if softmax else {}),
        cost=settings.cost,
        read_out="v",
        read_out_unit="v_unit",
        activity="rho",
        source=source,
    )


def is_discrete(settings: Settings) -> bool:
    """Whether time is that of :mod:`neuro_ep.models.equilibrium.prototypical`; refuses others."""
    named({"continuous": None, "discrete": None}, settings.dynamics, "dynamics")
    if settings.dynamics == "discrete" and settings.step != 1:
        raise InputError(
            f"step = {settings.step}: discrete time is a step of 1 time constant"
        )
    return settings.dynamics == "discrete"


def named(table, name, what):
    """The entry of a table, or an InputError that helps."""
    if name not in table:
        raise InputError(f"no {what} is called {name!r}{suggestion(name, table)}")
    return table[name]
