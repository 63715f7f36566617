"""Discrete-time ("prototypical") networks of the EP papers, as equations with dt = tau.

Ernoult et al. 2019, arXiv 1905.13633; Ernoult et al. 2020, arXiv 2005.04168. With the
Euler step equal to the time constant, ``ds/dt = (-s + f)/tau`` is ``s(t+1) = f(t)``:

    s(t+1) = rho( W s_below(t) + W^T s_above(t) + b )       output: + beta*(y - s(t))

Symbols: s is the state and the activity of a neuron, dimensionless; s_last its value at
the start of the step, change = s - s_last after it; s_mark its value when plasticity
was open last. Everything else as in :mod:`neuro_ep.models.equilibrium.hopfield`.

Deviations: none known. The rule ignores the outer rho', so these networks follow the
gradient only approximately (Ernoult et al. 2019), which is a property of the papers'
networks and not of this file.
"""

from neuro_ep.models.equilibrium.hopfield import (
    BIAS_CURRENT,
    FROM_ABOVE,
    LEARNING,
    NEURON_PARAMETERS,
    RECEIVED,
    SYNAPSE_PARAMETERS,
    TAUGHT,
    Plasticity,
    named,
)
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.settings import Settings

SOURCE = "Ernoult et al. 2020, arXiv 2005.04168, discrete time"

#: The primitive function whose derivative the states would follow without the outer rho.
PRIMITIVE = "w*s_pre*s_post/v_unit + b*s/v_unit"

SIGMOID = """
f = 1/(1 + exp(-4*(I/v_unit - 0.5))) : 1
"""

HARD_SIGMOID = """
f = clip(I/v_unit, 0, 1)             : 1
"""

TANH = """
f = tanh(I/v_unit)                   : 1
"""

ACTIVATIONS = {"sigmoid": SIGMOID, "hard-sigmoid": HARD_SIGMOID, "tanh": TANH}

INPUT = """
x      : 1
s      = x : 1
s_last = x : 1
change = 0 : 1
"""

HIDDEN_STATE = """
ds/dt  = (-s + f)/tau                               : 1
"""

OUTPUT_STATE = """
ds/dt  = (-s + f + nudge)/tau                       : 1
"""

CHANGE = """
s_last = s                                          : 1 (constant over dt)
change = s - s_last                                 : 1
"""

HIDDEN_CURRENT = """
I      = I_forward + I_feedback + I_bias            : volt
"""

OUTPUT_CURRENT = """
I      = I_forward + I_bias                         : volt
"""

HIDDEN = HIDDEN_STATE + CHANGE + HIDDEN_CURRENT + RECEIVED + FROM_ABOVE
OUTPUT = OUTPUT_STATE + CHANGE + OUTPUT_CURRENT + RECEIVED + TAUGHT

# --- the nudge: -beta times the gradient of the cost ---------------------------------

SQUARED_ERROR = """
nudge   = nudged*beta*(target - s)                  : 1
"""

CROSS_ENTROPY = """
nudge   = nudged*beta*(target - softmax)            : 1
softmax = exp(s)/Z                                  : 1
Z       : 1
"""

NORMALISER = """
Z_post = exp(s_pre) : 1 (summed)
"""

COSTS = {"squared-error": SQUARED_ERROR, "cross-entropy": CROSS_ENTROPY}

# --- synapses ------------------------------------------------------------------------

BOTH_WAYS = """
I_forward_post = w*s_pre  : volt (summed)
I_feedback_pre = w*s_post : volt (summed)
"""

CURRENTS = BOTH_WAYS + LEARNING

# The difference of s_pre*s_post over one step.
DIFFERENCE = """
dw/dt = plastic*v_unit*(eta/beta)*(change_pre*s_post + s_last_pre*change_post)/dt : volt (clock-driven)
"""

BIAS_DIFFERENCE = """
db/dt = plastic*v_unit*(eta/beta)*change_post/dt : volt (clock-driven)
"""

# The same since plasticity was open last.
MARKED = """
dw/dt = plastic*v_unit*(eta/beta)*(since_mark_pre*s_post + s_mark_pre*since_mark_post)/dt : volt (clock-driven)
"""

BIAS_MARKED = """
db/dt = plastic*v_unit*(eta/beta)*since_mark_post/dt : volt (clock-driven)
"""

MARK = """
since_mark = s - s_mark : 1
s_mark     : 1
marking    : 1 (shared)
"""

INPUT_MARK = """
since_mark = 0 : 1
s_mark     = x : 1
"""

MARKING = {moment.FINISH: "s_mark = marking*s + (1 - marking)*s_mark"}

STEPWISE = Plasticity(DIFFERENCE, BIAS_DIFFERENCE)
CONTRAST = Plasticity(MARKED, BIAS_MARKED, marked=True)


def _kept(plasticity: Plasticity) -> dict:
    """What neurons have beside their equations."""
    known = {"parameters": NEURON_PARAMETERS, "onset": {"s": 0}}
    marks = {"regularly": MARKING, "marks": ("s_mark",)}
    return known | (marks if plasticity.marked else {})


def network_model(
    settings: Settings,
    plasticity: Plasticity,
    currents: str = CURRENTS,
    backward: str | None = None,
) -> NetworkModel:
    """The equations for an activation, a cost and a form of plasticity.

    ``currents`` are those of the synapses to the next layer, ``backward`` the equations
    of synapses that lead back, where these have weights of their own.
    """
    f = named(ACTIVATIONS, settings.activation, "activation")
    nudge = named(COSTS, settings.cost, "cost")
    marked = plasticity.marked
    mark, input_mark = (MARK, INPUT_MARK) if marked else ("", "")
    known = _kept(plasticity)

    def synapses(equations, weight):
        return SynapseModel(
            equations, weight, SYNAPSE_PARAMETERS, **plasticity.schedule
        )

    softmax = nudge is CROSS_ENTROPY
    return NetworkModel(
        input=NeuronModel(INPUT + input_mark),
        hidden=NeuronModel(HIDDEN + f + mark, **known),
        output=NeuronModel(OUTPUT + nudge + f + mark, **known),
        synapse=synapses(plasticity.weights + currents, "w"),
        bias=synapses(plasticity.biases + BIAS_CURRENT, "b"),
        backward=synapses(backward, "w") if backward else None,
        normaliser=SynapseModel(NORMALISER, None) if softmax else None,
        energy=PRIMITIVE,
        cost=settings.cost,
        read_out="s",
        read_out_unit=None,
        activity="s",
        source=SOURCE,
    )
