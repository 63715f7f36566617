"""Continual equilibrium propagation by spikes: synapses wait for events, and learn then.

After Martin et al. 2021, "EqSpike: Spike-driven equilibrium propagation for neuromorphic
implementations", arXiv 2010.07859, where spiking neurons learn by a rule in the style of
C-EP (Ernoult et al. 2020, arXiv 2005.04168). The rule here was derived anew, from

    dW_ij/dt = (eta/beta) (rho_i drho_j/dt + drho_i/dt rho_j)       in the nudged phase

with the activity that is multiplied by replaced by the spikes that it is the mean of:
when i spikes, w_ij moves by the rate of change of j's activity, and when j spikes by
that of i's. A neuron knows how fast its activity changes from its own spikes, filtered
twice: the difference of both filters.

Activity becomes spikes by a sigma-delta converter: every neuron integrates rho, fires
where its integrator reaches theta, and what was above threshold stays. So many spikes
and the integral of rho never differ by more than one.

Symbols
    v           potential, mV; rho(v) its activity, as a share of the highest rate
    g           integrator of the activity, mV; its threshold theta, mV
    spike       an event of Brian2: SpikeMonitor(group)
    I_forward, I_feedback   currents by spikes of the layers below and above, mV, which
                decay with tau_s
    rho_1       spikes filtered by exp(-t/tau_1); rho_2 the same, filtered once more
    rho_rate    how fast rho_2 changes, Hz
    rate_max    highest rate, Hz
    w, b, x, beta, target, nudged, plastic, eta   as in :mod:`neuro_ep.models.equilibrium.hopfield`

Fixed points
    rho = rho(W rho + b): stationary points of Hopfield's energy of 1984, the sum of the
    integrals of rho's inverse - rho W rho/2 - b rho; the nudge is that of the squared
    error 1/2 sum_out (rho - target)**2. EP asks for no more than such a point.

Deviations of the neurons from those of C-EP
    The membrane leaks to its current: no slope of the activation multiplies it.
    Input, hidden and output neurons spike. The input is clamped: as its activity does
    not change, a spike of the neuron that it drives moves nothing.
    Every sample begins at rest, integrators at a quarter of theta.
    With ``nudging="symmetric"`` both nudged phases start from the same state, so that
    what the free phase had not settled cancels; with others it adds to the change.

Time
    The membrane is faster than filters, and filters are faster than phases, which are
    given in units of tau. The integration step is the shortest interval of spikes.

What does worse, by the name of ``dynamics`` or ``plasticity``
    hard-reset   what is above threshold is lost: the rate is no longer rho
    noise        fires with probability rho; drawn anew in every run
    hebbian      spikes times filtered spikes, with no derivative
"""

from brian2 import Hz, ms, mV

from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium.hopfield import (
    BIAS_CURRENT,
    CLAMPED,
    LEARNING,
    TAUGHT,
    named,
)
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import (
    ACTIVATION,
    DYNAMICS,
    NUDGED,
    NUDGING,
    PLASTICITY,
    among,
)
from neuro_ep.records.protocol import free_then_nudged
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "derived here; after Martin et al. 2021 (EqSpike), arXiv 2010.07859"

TAU, TAU_S, TAU_1, TAU_2 = 10 * ms, 5 * ms, 30 * ms, 30 * ms
RATE_MAX, THETA, V_UNIT = 1000 * Hz, 1 * mV, 1 * mV

# --- activity, from 0 to the highest rate ----------------------------------------------

SIGMOID = """
rho = 1/(1 + exp(-4*(v/v_unit - 0.5))) : 1
"""

HARD_SIGMOID = """
rho = clip(v/v_unit, 0, 1)             : 1
"""

ACTIVATIONS = {"sigmoid": SIGMOID, "hard-sigmoid": HARD_SIGMOID}

# --- neurons ---------------------------------------------------------------------------

HIDDEN_POTENTIAL = """
dv/dt          = (-v + I_forward + I_feedback + I_bias)/tau : volt
"""

OUTPUT_POTENTIAL = """
dv/dt          = (-v + I_forward + I_bias + nudge)/tau      : volt
"""

NUDGE = """
nudge          = nudged*beta*v_unit*(target - rho)          : volt
"""

# Spikes arrive as currents that decay.
FROM_BELOW = """
dI_forward/dt  = -I_forward/tau_s                           : volt
I_bias         : volt
"""

FROM_ABOVE = """
dI_feedback/dt = -I_feedback/tau_s                          : volt
"""

HIDDEN = HIDDEN_POTENTIAL + FROM_BELOW + FROM_ABOVE
OUTPUT = OUTPUT_POTENTIAL + FROM_BELOW + NUDGE + TAUGHT

# rho_rate is what rho_2 moves by in this step, and not in the next: then the change that
# one spike tells of adds up to nothing, and constant activity moves no weight.
FILTERS = """
drho_1/dt = -rho_1/tau_1          : 1
drho_2/dt = rho_rate              : 1
rho_rate  = (rho_1 - rho_2)/tau_2 : hertz (constant over dt)
tau    : second (shared, constant)
tau_s  : second (shared, constant)
tau_1  : second (shared, constant)
tau_2  : second (shared, constant)
v_unit : volt (shared, constant)
"""

GENERATOR = """
rate_max : Hz (shared, constant)
"""

INTEGRATOR = """
dg/dt = theta*rate_max*rho : volt
theta : volt (shared, constant)
"""

# --- when a neuron spikes, and what follows in it --------------------------------------

THRESHOLD = "g >= theta"

CHANCE = "rand() < rho*rate_max*dt"

SUBTRACTIVE_RESET = """
g -= theta
"""

HARD_RESET = """
g = 0*theta
"""

FILTERED = """
rho_1 += 1/(rate_max*tau_1)
"""

# --- synapses: one weight for both directions, changed by spikes of both sides ---------

ARRIVES_ABOVE = """
I_forward_post += w/(rate_max*tau_s)
"""

ARRIVES_BELOW = """
I_feedback_pre += w/(rate_max*tau_s)
"""

LEARN_ON_PRE = """
w += plastic*v_unit*(eta/beta)*rho_rate_post/rate_max
"""

LEARN_ON_POST = """
w += plastic*v_unit*(eta/beta)*rho_rate_pre/rate_max
"""

HEBBIAN_ON_PRE = """
w += plastic*v_unit*(eta/beta)*rho_2_post
"""

HEBBIAN_ON_POST = """
w += plastic*v_unit*(eta/beta)*rho_2_pre
"""

WEIGHT = """
w        : volt
rate_max : Hz (shared, constant)
tau_s    : second (shared, constant)
"""

SYNAPSE = WEIGHT + LEARNING

# --- biases: from a unit that is always active -----------------------------------------

BIAS = """
db/dt = plastic*v_unit*(eta/beta)*rho_rate_post : volt (clock-driven)
"""

HEBBIAN_BIAS = """
db/dt = plastic*v_unit*(eta/beta)*rho_2_post/dt : volt (clock-driven)
"""

#: dynamics -> integrator, when a neuron spikes, what that takes from the integrator.
GENERATORS = {
    "sigma-delta": (INTEGRATOR + GENERATOR, THRESHOLD, SUBTRACTIVE_RESET),
    "hard-reset": (INTEGRATOR + GENERATOR, THRESHOLD, HARD_RESET),
    "noise": (GENERATOR, CHANCE, ""),
}

#: plasticity -> how spikes of either side move the weight, and how biases move.
FORMS = {
    "derivative": (LEARN_ON_PRE, LEARN_ON_POST, BIAS),
    "hebbian": (HEBBIAN_ON_PRE, HEBBIAN_ON_POST, HEBBIAN_BIAS),
}

UNITS = {"v_unit": V_UNIT}
#: Where integrators start. A quarter of theta, and not a half: rho = 1/2 would land on
#: the threshold, where rounding decides.
START = {"g": 0.25 * THETA}

TIMES = {"tau": TAU, "tau_s": TAU_S, "tau_1": TAU_1, "tau_2": TAU_2}
AT_REST = {"v": 0 * mV, "I_forward": 0 * mV, "rho_1": 0.0, "rho_2": 0.0}
FEEDBACK_AT_REST = {"I_feedback": 0 * mV}


def spiking_neurons(settings: Settings) -> NetworkModel:
    """The equations for an activation, a way to spike and a form of plasticity."""
    activity = named(ACTIVATIONS, settings.activation, "activation of spiking neurons")
    integrator, fires, reset = named(
        GENERATORS, settings.dynamics, "dynamics of spiking neurons"
    )
    learn_on_pre, learn_on_post, bias = named(
        FORMS, settings.plasticity, "plasticity of spiking neurons"
    )
    named({"squared-error": None}, settings.cost, "cost of spiking neurons")
    _check_times(settings)
    integrates = integrator is not GENERATOR
    firing = {"rate_max": RATE_MAX} | ({"theta": THETA} if integrates else {})
    start = START if integrates else {}
    spikes = {"spike": (fires, reset + FILTERED)}
    cells, known = FILTERS + integrator + activity, {**TIMES, **firing, **UNITS}
    synaptic = {**UNITS, "rate_max": RATE_MAX, "tau_s": TAU_S}
    return NetworkModel(
        input=NeuronModel(
            CLAMPED + integrator, firing, start, events={"spike": (fires, reset)}
        ),
        hidden=NeuronModel(
            HIDDEN + cells,
            known,
            {**AT_REST, **FEEDBACK_AT_REST, **start},
            events=spikes,
        ),
        output=NeuronModel(OUTPUT + cells, known, {**AT_REST, **start}, events=spikes),
        synapse=SynapseModel(
            SYNAPSE,
            "w",
            synaptic,
            on_pre=ARRIVES_ABOVE + learn_on_pre,
            on_post=ARRIVES_BELOW + learn_on_post,
        ),
        bias=SynapseModel(bias + BIAS_CURRENT, "b", UNITS, when=moment.LEARN),
        energy={},
        read_out="rho_2",
        read_out_unit=None,
        activity=None,
        source=SOURCE,
    )


def _check_times(settings: Settings):
    most = float(1 / (RATE_MAX * TAU))
    if settings.step > most * (1 + 1e-9):
        raise InputError(
            f"step = {settings.step}: a neuron fires once a step at most, up to "
            f"{RATE_MAX}; choose a step of at most {most:g}"
        )
    if settings.tolerance:
        raise InputError(
            f"tolerance = {settings.tolerance}: neurons that spike never come to rest; "
            "leave it out"
        )
    if settings.plastic_every != 1:
        raise InputError(
            f"plastic_every = {settings.plastic_every}: synapses learn when a neuron "
            "spikes; leave it out"
        )


#: 0.949, mean of seeds 0 to 2 (0.969, 0.942, 0.936). With eta = 0.1 it is about 0.7.
DIGITS = Settings(
    layers=(64, 64, 10),
    eta=(0.05,),
    beta=0.3,
    free=20,
    nudged=10,
    step=0.1,
    epochs=40,
    nudging="symmetric",
    activation="hard-sigmoid",
    dynamics="sigma-delta",
    plasticity="derivative",
)

SPIKING_EP = Rule(
    name="spiking-ep",
    summary="spikes carry activity both ways, and synapses learn when one arrives",
    source=SOURCE,
    model=spiking_neurons,
    protocol=lambda settings: free_then_nudged(
        settings.nudging, settings.free, settings.nudged
    ),
    parameters=(
        *(NUDGING, NUDGED, among(ACTIVATION, *ACTIVATIONS)),
        among(DYNAMICS, *GENERATORS),
        among(PLASTICITY, *FORMS),
    ),
    defaults={"digits": DIGITS},
    claims={
        "gradient": "cosine of 0.99 or more with the gradient at the fixed point of rates "
        "in every layer, mean of 20 samples; not by neurons that lose what is above "
        "threshold or fire at random, nor in phases shorter than filters, nor without "
        "the derivative, nor by one sign of beta before the neurons have settled",
        "local": "w moves when one of its two neurons spikes, by the filtered spikes of "
        "the other, eta, beta and the gate",
    },
    family="spiking equilibrium",
    bounds={
        "relative_error": (0, 0.25),
        "cosine": (0.99, 1.0001),
        "oracle_error": (0, 1e-2),
        "control_hard_reset": (-1, 0.9),
        "control_independent_noise": (-1, 0.9),
        "control_short_window": (-1, 0.9),
        "control_no_derivative": (-1, 0.9),
        "control_one_sign": (-1, 0.9),
    },
)
