"""Dual propagation by spikes: the two states of a dyad are the rates of two generators.

Dual propagation: Hoeier, Staudt & Zach 2023, arXiv 2302.01228. Its compartments and
this spiking form are derived here; no other spiking realisation is known to us.

Every hidden neuron has a basal and an apical compartment, which two spike generators
share. One is driven by m + c_plus d, one by m - c_minus d; each integrates its drive and
fires where its integrator reaches theta. The threshold is taken off, and what was above
it stays: what a generator has fired never differs from the integral of its drive by more
than one spike, so that rates are told as by a sigma-delta converter, and a small
difference of two rates by the difference of two spike trains. No derivative of the
activation is taken, nor a surrogate of one: it is the f-I curve of the generators.

Symbols
    m, d              basal and apical potential, mV
    f_plus, f_minus   drives of the two generators, as shares of the highest rate
    v_plus, v_minus   their integrators, mV; threshold theta, mV
    spike_plus, spike_minus   events of Brian2: EventMonitor(group, "spike_plus")
    trace_plus, trace_minus   spikes filtered by exp(-t/tau_s), mV
    s_plus, s_minus   the same, as shares of rate_max
    rate_max          highest rate, Hz
    s_mean, s_diff, c_plus, c_minus, alpha, beta, w, b, x, target, nudged, plastic,
    reference         as in :mod:`neuro_ep.models.dyads.neurons`

A synapse of weight w delivers ``w*s_mean_pre`` to the basal compartment above and
``w*s_diff_post`` to the apical one below, and its weight moves by the product of the
filtered spikes, ``s_diff_post*s_mean_pre``, while it is plastic. All synapses of a
neuron share its filters.

Time
    Samples have to be shown for long: a window of T steps tells a difference of rates
    to about 1/T. Burn-in ``free``, window ``nudged``, in units of tau_basal.

Deviations
    Input and output are analog, the input clamped. Every sample begins at rest, both
    integrators of a dyad with the same share of theta.

Generators that do worse, by the name of ``dynamics`` (compare ``neuro-ep check``)
    hard-reset         what is above threshold is lost
    shared-noise       fires with probability f, by one random number for the dyad
    independent-noise  by one for each generator: differences of rates drown in noise
    Random numbers are drawn anew in every run, whatever the seed of training.
"""

from brian2 import Hz, ms, mV

from neuro_ep.errors import InputError
from neuro_ep.models.copies import suffixed
from neuro_ep.models.dyads.neurons import (
    APICAL_CURRENT,
    APICAL_POTENTIAL,
    BASAL_POTENTIAL,
    BASAL_TIME,
    COSTS,
    DYAD,
    INPUT,
    LINEAR,
    NORMALISER,
    UNITS,
    gains_of,
)
from neuro_ep.models.dyads.protocol import protocol
from neuro_ep.models.dyads.synapses import BIAS, PLASTICITY, TIED
from neuro_ep.models.equilibrium.hopfield import TAUGHT, named
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import (
    ACTIVATION,
    ALPHA,
    COST,
    DYNAMICS,
    NUDGED,
    NUDGING,
    among,
)
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "derived here; dyads: Hoeier et al. 2023, arXiv 2302.01228"

TAU, TAU_S, RATE_MAX, THETA = 20 * ms, 5 * ms, 1000 * Hz, 1 * mV

# --- drives: the f-I curve, from 0 to the highest rate ---------------------------------

SIGMOID = """
f_plus  = 1/(1 + exp(-(m + c_plus*d)/v_unit))        : 1
f_minus = 1/(1 + exp(-(m - c_minus*d)/v_unit))       : 1
"""

HARD_SIGMOID = """
f_plus  = clip((m + c_plus*d)/v_unit, 0, 1)          : 1
f_minus = clip((m - c_minus*d)/v_unit, 0, 1)         : 1
"""

DRIVES = {"sigmoid": SIGMOID, "hard-sigmoid": HARD_SIGMOID}

# --- neurons ---------------------------------------------------------------------------

TRACE = """
dtrace/dt  = -trace/tau_s                            : volt
"""

STATE = """
s          = trace/v_unit                            : 1
"""

SPIKING = """
tau_s      : second (shared, constant)
rate_max   : Hz (shared, constant)
"""

INTEGRATOR = """
dv/dt      = theta*rate_max*f                        : volt
"""

THRESHOLD = """
theta      : volt (shared, constant)
"""

OUTPUT_APICAL = """
dd/dt      = (-d + nudge)/tau_apical                 : volt
reference  = v_unit*s_mean                           : volt
tau_apical : second (shared, constant)
"""


def copy_of(text: str, suffix: str) -> str:
    """A block of one generator, "_plus" or "_minus"."""
    return suffixed(text, suffix, ("v", "f", "s", "trace"))


def both(text: str) -> str:
    """A block of both generators."""
    return copy_of(text, "_plus") + copy_of(text, "_minus")


BASAL = BASAL_POTENTIAL + BASAL_TIME
FILTERED = both(TRACE) + both(STATE) + SPIKING
HIDDEN = BASAL + APICAL_POTENTIAL + APICAL_CURRENT + FILTERED
INTEGRATORS = both(INTEGRATOR) + THRESHOLD
OUTPUT = BASAL + OUTPUT_APICAL + TAUGHT

COMMON_LUCK = """
luck = rand() : 1 (constant over dt)
"""

OUTPUT = """
dm/dt   = (-m + I_basal + I_bias)/tau_basal          : volt
dd/dt   = (-d + nudge)/tau_apical                    : volt
reference = v_unit*s_mean                            : volt
I_basal  : volt
I_bias   : volt
target   : 1
nudged   : 1 (shared)
beta     : 1 (shared)
tau_basal  : second (shared, constant)
tau_apical : second (shared, constant)
"""

# --- generators: event -> (when it happens, what follows) ------------------------------

REACHED = "v >= theta"
WITH_COMMON_LUCK = "luck < f*rate_max*dt"
WITH_OWN_LUCK = "rand() < f*rate_max*dt"

SUBTRACT = """
v -= theta
"""

LOSE = """
v = 0*theta
"""

LEAVE_TRACE = """
trace += v_unit/(rate_max*tau_s)
"""


def generators(condition: str, reset: str = "") -> dict[str, tuple[str, str]]:
    """The events of both generators of a dyad."""
    return {
        f"spike{copy}": (copy_of(condition, copy), copy_of(reset + LEAVE_TRACE, copy))
        for copy in ("_plus", "_minus")
    }


SIGMA_DELTA, HARD_RESET = generators(REACHED, SUBTRACT), generators(REACHED, LOSE)
SHARED_NOISE, INDEPENDENT_NOISE = map(generators, (WITH_COMMON_LUCK, WITH_OWN_LUCK))

#: Where integrators start. A quarter of theta, and not a half: a drive of 1/2 would land
#: on the threshold, where rounding decides.
START = {"v_plus": 0.25 * THETA, "v_minus": 0.25 * THETA}

#: Name -> (further equations, their parameters, events, where integrators start).
GENERATORS = {
    "sigma-delta": (INTEGRATORS, {"theta": THETA}, SIGMA_DELTA, START),
    "hard-reset": (INTEGRATORS, {"theta": THETA}, HARD_RESET, START),
    "shared-noise": (COMMON_LUCK, {}, SHARED_NOISE, {}),
    "independent-noise": ("", {}, INDEPENDENT_NOISE, {}),
}

COMPARTMENT_TIMES = {"tau_basal": TAU, "tau_apical": TAU}
SPIKE_TIMES = {"tau_s": TAU_S, "rate_max": RATE_MAX}
AT_REST = {"m": 0 * mV, "d": 0 * mV}
SILENT = {"trace_plus": 0 * mV, "trace_minus": 0 * mV}


def spiking_dyads(settings: Settings) -> NetworkModel:
    """The equations for a drive, a cost and a kind of generator."""
    drive = named(DRIVES, settings.activation, "activation of spiking dyads")
    nudge = named(COSTS, settings.cost, "cost of spiking dyads")
    generator = named(GENERATORS, settings.dynamics, "dynamics of spiking dyads")
    _check_times(settings)
    more, constants, events, start = generator
    known = {**COMPARTMENT_TIMES, **UNITS, **gains_of(settings.alpha)}
    synaptic = {**UNITS, "tau_basal": TAU}
    return NetworkModel(
        input=NeuronModel(INPUT),
        hidden=NeuronModel(
            HIDDEN + more + drive + DYAD,
            {**known, **SPIKE_TIMES, **constants},
            onset={**AT_REST, **SILENT, **start},
            events=events,
        ),
        output=NeuronModel(OUTPUT + nudge + LINEAR + DYAD, known, onset=AT_REST),
        synapse=SynapseModel(
            PLASTICITY + TIED, "w", synaptic, when=moment.LEARN_AFTER_RESET
        ),
        bias=SynapseModel(BIAS, "b", synaptic, when=moment.LEARN_AFTER_RESET),
        normaliser=(
            SynapseModel(NORMALISER, None, UNITS)
            if settings.cost == "cross-entropy"
            else None
        ),
        energy={},
        cost=settings.cost,
        read_out="m",
        read_out_unit="v_unit",
        activity=None,
        time_constant="tau_basal",
        source=SOURCE,
    )


def _check_times(settings: Settings):
    most = float(1 / (RATE_MAX * TAU))
    if settings.step > most * (1 + 1e-9):
        raise InputError(
            f"step = {settings.step}: a generator fires once a step at most, up to "
            f"{RATE_MAX}; choose a step of at most {most:g}"
        )
    if settings.tolerance:
        raise InputError(
            f"tolerance = {settings.tolerance}: neurons that spike never come to rest; "
            "leave it out"
        )


#: 0.977, mean of seeds 0 to 4; dyads that speak in rates: 0.980
#: (sims/spiking_dual_propagation_digits.py).
DIGITS = Settings(
    layers=(64, 64, 10),
    eta=(0.3,),
    beta=0.5,
    free=6,
    nudged=5,
    step=0.05,
    epochs=30,
    nudging="one-sided",
    activation="hard-sigmoid",
    dynamics="sigma-delta",
)

SPIKING_DUAL_PROPAGATION = Rule(
    name="spiking-dual-propagation",
    summary="dyads that speak in spikes: two generators a neuron, with common phase",
    source=SOURCE,
    model=spiking_dyads,
    protocol=protocol,
    parameters=(
        *(ALPHA, NUDGED, among(NUDGING, "one-sided")),
        among(ACTIVATION, *DRIVES),
        among(DYNAMICS, *GENERATORS),
        among(COST, "squared-error", "cross-entropy"),
    ),
    defaults={"digits": DIGITS},
    claims={
        "gradient": "cosine with backpropagation of 0.99 or more in every layer, after "
        "a window of 400 steps at beta = 1/2; not by generators that lose what is above "
        "threshold, nor by independent noise, nor in 50 steps",
        "local": "dw/dt reads the spikes of the two dyads it joins, filtered, eta, beta "
        "and the gate",
    },
    family="spiking dyads",
    bounds={
        "relative_error": (0, 0.1),
        "cosine": (0.99, 1.0001),
        "oracle_error": (0, 1e-2),
        "control_hard_reset": (-1, 0.9),
        "control_independent_noise": (-1, 0.9),
        "control_short_window": (-1, 0.99),
    },
)
