"""Dyads as neurons with a soma and an apical compartment: conductances and currents.

Dual propagation (Hoeier et al. 2023, arXiv 2302.01228) in the compartments of
:mod:`neuro_ep.models.dyads.neurons`, m and d, written as those of a neuron with leak and
coupling; derived here. Two-compartment neurons that keep an error apart from the
activity: Sacramento et al. 2018, arXiv 1810.11393.

Symbols
    v_soma, v_apical  potentials, mV; at rest both are E_leak
    m, d              their distance from rest, mV
    C_soma, C_apical  capacitances, pF
    g_leak            leak of each compartment, nS
    g_couple          conductance that couples them, nS
    I_basal, I_bias   synaptic currents into the soma, pA
    I_apical, I_nudge those into the apical compartment, pA
    w, b              weight and bias, mV: a synapse injects (g_leak + g_couple) w s
    s_plus, s_minus, s_mean, s_diff, c_plus, c_minus, alpha, beta, x, target
                      as in :mod:`neuro_ep.models.dyads.neurons`

What makes both forms one
    With g = g_leak + g_couple, B = (I_basal + I_bias)/g and A = (I_apical + I_nudge)/g,

        C_soma dm/dt   = -g m + g_couple d + g B - g_couple A
        C_apical dd/dt = -g d + g_couple m + g A - g_couple B

    The last term of each line is a compensating current: every synapse onto one
    compartment also takes g_couple/g of its current, with opposite sign, from the
    other, as an interneuron that it excites would. So m = B and d = A at rest whatever
    the coupling (for g_leak above zero, the only such point): the fixed point is that
    of tau dm/dt = -m + B, tau dd/dt = -d + A. On the way there, where C_soma = C_apical
    = C, deviations of m + d decay with C/g_leak and those of m - d with
    C/(g_leak + 2 g_couple). Time is in units of the longer one, the membrane's.

Deviations
    Synapses are current-based. A weight couples with the conductance of its target, so
    that weights are the same numbers, in mV, as in the other form.
"""

from brian2 import mV, nS, pF

from neuro_ep.models.dyads.dual_propagation import CONTINUOUS, SOURCE
from neuro_ep.models.dyads.neurons import (
    ACTIVATIONS,
    AT_THE_MEAN,
    COSTS,
    DYAD,
    INPUT,
    LINEAR,
    NORMALISER,
    UNIT,
    UNITS,
    gains_of,
)
from neuro_ep.models.dyads.protocol import protocol
from neuro_ep.models.equilibrium.hopfield import LEARNING, named
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import (
    ACTIVATION,
    ALPHA,
    COST,
    DYNAMICS,
    NUDGED,
    NUDGING,
    TOLERANCE,
    among,
)
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

C_SOMA, C_APICAL = 100 * pF, 100 * pF
G_LEAK, G_COUPLE = 10 * nS, 5 * nS
E_LEAK = -70 * mV

# --- neurons ---------------------------------------------------------------------------

MEMBRANES = """
g_leak     : siemens (shared, constant)
g_couple   : siemens (shared, constant)
"""

REST = """
E_leak     : volt (shared, constant)
"""

DISTANCES = """
m          = v_soma - E_leak                                         : volt
d          = v_apical - E_leak                                       : volt
"""

SOMATIC_CURRENTS = """
dv_soma/dt = (I_leak + I_couple + I_basal + I_bias + I_compensating)/C_soma : volt
I_leak     = -g_leak*(v_soma - E_leak)                               : amp
I_couple   = -g_couple*(v_soma - v_apical)                           : amp
I_compensating = -g_couple/(g_leak + g_couple)*(I_apical + I_nudge)  : amp
I_basal    : amp
I_bias     : amp
I_apical   : amp
I_nudge    : amp (linked)
v_apical   : volt (linked)
C_soma     : farad (shared, constant)
"""

APICAL_CURRENTS = """
dv_apical/dt = (I_leak + I_couple + I_apical + I_nudge + I_compensating)/C_apical : volt
I_leak     = -g_leak*(v_apical - E_leak)                             : amp
I_couple   = -g_couple*(v_apical - v_soma)                           : amp
I_compensating = -g_couple/(g_leak + g_couple)*(I_basal + I_bias)    : amp
I_basal    : amp (linked)
I_bias     : amp (linked)
I_apical   : amp (linked)
v_soma     : volt (linked)
C_apical   : farad (shared, constant)
"""

SOMA = SOMATIC_CURRENTS + DISTANCES + MEMBRANES + REST
APICAL = APICAL_CURRENTS + MEMBRANES + REST

UNTAUGHT = """
I_nudge    = 0*amp                                                   : amp
"""

MEMBRANE_TIME = """
tau_membrane : second (shared, constant)
"""

PREDICTION = """
target     : 1
prediction : volt
"""

OUTPUT = PREDICTION + MEMBRANE_TIME

READ_OUT = {moment.FINISH: "prediction = v_soma - E_leak"}

NUDGE_CURRENT = """
I_nudge    = (g_leak + g_couple)*nudge                               : amp
target     : 1 (linked)
nudged     : 1 (shared)
beta       : 1 (shared)
"""

OUTPUT_APICAL = NUDGE_CURRENT + DISTANCES + UNIT

# --- synapses: the mean to the soma, the difference to the apical compartment ----------

TIED = """
dw/dt = plastic*v_unit*(eta/beta)*s_diff_post*s_mean_pre/tau_membrane : volt (clock-driven)
I_basal_post = (g_leak + g_couple)*w*s_mean_pre : amp (summed)
I_apical_pre = (g_leak + g_couple)*w*s_diff_post : amp (summed)
"""

FROM_BIAS = """
db/dt = plastic*v_unit*(eta/beta)*s_diff_post/tau_membrane : volt (clock-driven)
I_bias_post = (g_leak + g_couple)*b : amp (summed)
"""

SYNAPSE = TIED + LEARNING + MEMBRANES + MEMBRANE_TIME
BIAS = FROM_BIAS + LEARNING + MEMBRANES + MEMBRANE_TIME

CONDUCTANCES = {"g_leak": G_LEAK, "g_couple": G_COUPLE}
SOMATIC = {"C_soma": C_SOMA, "E_leak": E_LEAK, **CONDUCTANCES}
IN_THE_APICAL = {"C_apical": C_APICAL, "E_leak": E_LEAK, **CONDUCTANCES}
MEMBRANE_TIMES = {"tau_membrane": C_SOMA / G_LEAK}


def compartments(settings: Settings) -> NetworkModel:
    """The equations for an activation and a cost, in continuous time or a stream."""
    activity = named(ACTIVATIONS, settings.activation, "activation of dyads")
    named(dict.fromkeys(("continuous", "stream")), settings.dynamics, "dynamics")
    nudge = named(COSTS, settings.cost, "cost of dyads")
    synaptic = {**UNITS, **CONDUCTANCES, **MEMBRANE_TIMES}
    softmax = settings.cost == "cross-entropy"
    return NetworkModel(
        input=NeuronModel(INPUT),
        hidden=_hidden(settings, activity),
        output=_output(settings, nudge),
        synapse=SynapseModel(SYNAPSE, "w", synaptic, when=moment.LEARN),
        bias=SynapseModel(BIAS, "b", synaptic, when=moment.LEARN),
        normaliser=SynapseModel(NORMALISER, None, UNITS) if softmax else None,
        energy={},
        cost=settings.cost,
        read_out="prediction",
        read_out_unit="v_unit",
        activity=None,
        time_constant="tau_membrane",
        source=SOURCE,
    )


def _at_rest(settings: Settings, potential: str) -> dict:
    """Where a potential begins; in a stream it goes on."""
    return {} if settings.dynamics == "stream" else {potential: E_LEAK}


def _hidden(settings: Settings, activity: str) -> NeuronModel:
    at_rest = _at_rest(settings, "v_apical")
    return NeuronModel(
        SOMA + activity + DYAD,
        {**SOMATIC, **UNITS, **gains_of(settings.alpha)},
        onset=_at_rest(settings, "v_soma"),
        apical=NeuronModel(APICAL + UNTAUGHT, IN_THE_APICAL, at_rest),
    )


def _output(settings: Settings, nudge: str) -> NeuronModel:
    gains = gains_of(settings.alpha)
    return NeuronModel(
        SOMA + OUTPUT + LINEAR + DYAD,
        {**SOMATIC, **MEMBRANE_TIMES, **UNITS, **gains},
        onset=_at_rest(settings, "v_soma"),
        regularly=READ_OUT,
        apical=NeuronModel(
            APICAL + OUTPUT_APICAL + nudge + AT_THE_MEAN,
            {**IN_THE_APICAL, **UNITS, **gains},
            onset=_at_rest(settings, "v_apical"),
        ),
    )


DYADIC_COMPARTMENTS = Rule(
    name="dyadic-compartments",
    summary="dyads as neurons with a soma and an apical compartment: conductances",
    source=SOURCE,
    model=compartments,
    protocol=protocol,
    parameters=(
        *(ACTIVATION, ALPHA, NUDGED, TOLERANCE, among(NUDGING, "one-sided")),
        among(COST, "squared-error", "cross-entropy"),
        among(DYNAMICS, "continuous", "stream"),
    ),
    defaults={"digits": changed(CONTINUOUS, free=10)},  # 0.982, mean of seeds 0 to 4
    claims={
        "fixed point": "that of dual propagation, whatever couples the compartments",
        "gradient": "that of backpropagation to second order in beta at alpha = 1/2",
        "local": "dw/dt reads the two dyads it joins, eta, beta and the gate",
    },
    family="compartments",
    bounds={
        "relative_error": (0, 1e-4),
        "cosine": (1 - 1e-8, 1 + 1e-8),
        "order_in_beta": (1.95, 2.05),
    },
)
