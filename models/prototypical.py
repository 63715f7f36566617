"""Discrete-time ("prototypical") networks of the EP papers, as equations with dt = tau.

Ernoult et al. 2019, arXiv 1905.13633; Ernoult et al. 2020, arXiv 2005.04168. With the
Euler step equal to the time constant, ``ds/dt = (-s + f)/tau`` is ``s(t+1) = f(t)``:

    s(t+1) = rho( W s_below(t) + W^T s_above(t) + b )       output: + beta*(y - s(t))

Symbols: s is the state and the activity of a neuron, dimensionless; s_last its value at
the start of the step, change = s - s_last after it. Everything else as in continual EP.

Deviations: none known. The rule ignores the outer rho', so these networks follow the
gradient only approximately (Ernoult et al. 2019), which is a property of the papers'
networks and not of this file.
"""

from brian2 import ms, mV

from neuro_ep.model import NetworkModel, NeuronModel, SynapseModel

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

HIDDEN = """
ds/dt  = (-s + f)/tau                               : 1
s_last = s                                          : 1 (constant over dt)
change = s - s_last                                 : 1
I      = I_forward + I_feedback + I_bias            : volt
I_forward  : volt
I_feedback : volt
I_bias     : volt
tau        : second (shared, constant)
v_unit     : volt (shared, constant)
"""

OUTPUT = """
ds/dt  = (-s + f + nudged*beta*(target - s))/tau    : 1
s_last = s                                          : 1 (constant over dt)
change = s - s_last                                 : 1
I      = I_forward + I_bias                         : volt
I_forward : volt
I_bias    : volt
target    : 1
nudged    : 1 (shared)
beta      : 1 (shared)
tau       : second (shared, constant)
v_unit    : volt (shared, constant)
"""

SYNAPSE = """
dw/dt = plastic*v_unit*(eta/beta)*(change_pre*s_post + s_last_pre*change_post)/dt : volt (clock-driven)
I_forward_post = w*s_pre  : volt (summed)
I_feedback_pre = w*s_post : volt (summed)
eta     : 1 (shared, constant)
v_unit  : volt (shared, constant)
beta    : 1 (shared)
plastic : 1 (shared)
"""

BIAS = """
db/dt = plastic*v_unit*(eta/beta)*change_post/dt : volt (clock-driven)
I_bias_post = b : volt (summed)
eta     : 1 (shared, constant)
v_unit  : volt (shared, constant)
beta    : 1 (shared)
plastic : 1 (shared)
"""

NEURON_PARAMETERS = {"tau": 10 * ms, "v_unit": 1 * mV}
SYNAPSE_PARAMETERS = {"v_unit": 1 * mV}


def network_model(activation: str) -> NetworkModel:
    """The equations for one of :data:`ACTIVATIONS`."""
    f = ACTIVATIONS[activation]
    return NetworkModel(
        input=NeuronModel(INPUT),
        hidden=NeuronModel(HIDDEN + f, NEURON_PARAMETERS, {"s": 0}),
        output=NeuronModel(OUTPUT + f, NEURON_PARAMETERS, {"s": 0}),
        synapse=SynapseModel(SYNAPSE, "w", SYNAPSE_PARAMETERS, when="synapses"),
        bias=SynapseModel(BIAS, "b", SYNAPSE_PARAMETERS, when="synapses"),
        energy=PRIMITIVE,
        read_out="s",
        read_out_unit=None,
        activity="s",
        source=SOURCE,
    )
