"""Dyads, the neurons of dual propagation: two states, read from two compartments.

Sources, time and deviations: :mod:`neuro_ep.models.dyads.dual_propagation`.

Symbols
    m, d            basal and apical potential, mV
    s_plus, s_minus the two states of a dyad, dimensionless       s+, s- in the papers
    s_mean          alpha s_plus + (1 - alpha) s_minus: activity
    s_diff          s_plus - s_minus: error
    c_plus, c_minus feedback gains of the two states, of sum 1: alpha and 1 - alpha, or,
                    in the transpose, 1 - alpha and alpha
    w, b            weight and bias, mV
    x               clamped input, dimensionless
    beta            nudging; nudged is 1 while there is a target; plastic opens plasticity
    reference       where the slope of the cost is taken, mV

Cost, mean over the batch, positive beta pulling the output towards the target
    squared error    1/2 sum_out (s - target)**2, output units being linear
    cross-entropy    -sum_out target * log softmax(s)
"""

from brian2 import ms, mV

from neuro_ep.models.equilibrium.hopfield import TAUGHT

# --- the two states of a dyad, a static read-out of its two compartments --------------

RELU = """
s_plus  = clip((m + c_plus*d)/v_unit, 0, inf)        : 1
s_minus = clip((m - c_minus*d)/v_unit, 0, inf)       : 1
"""

HARD_SIGMOID = """
s_plus  = clip((m + c_plus*d)/v_unit, 0, 1)          : 1
s_minus = clip((m - c_minus*d)/v_unit, 0, 1)         : 1
"""

SIGMOID = """
s_plus  = 1/(1 + exp(-(m + c_plus*d)/v_unit))        : 1
s_minus = 1/(1 + exp(-(m - c_minus*d)/v_unit))       : 1
"""

TANH = """
s_plus  = tanh((m + c_plus*d)/v_unit)                : 1
s_minus = tanh((m - c_minus*d)/v_unit)               : 1
"""

LINEAR = """
s_plus  = (m + c_plus*d)/v_unit                      : 1
s_minus = (m - c_minus*d)/v_unit                     : 1
"""

# Squared error by its proximal step: the states are those that minimise it, exactly.
PROXIMAL = """
s_plus  = (m/v_unit + c_plus*nudged*beta*target)/(1 + c_plus*nudged*beta)    : 1
s_minus = (m/v_unit - c_minus*nudged*beta*target)/(1 - c_minus*nudged*beta)  : 1
"""

ACTIVATIONS = {
    "relu": RELU,
    "hard-sigmoid": HARD_SIGMOID,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "linear": LINEAR,
}

GAINS = """
alpha   : 1 (shared, constant)
c_plus  : 1 (shared, constant)
c_minus : 1 (shared, constant)
"""

UNIT = """
v_unit : volt (shared, constant)
"""

MEAN_AND_DIFFERENCE = """
s_mean  = alpha*s_plus + (1 - alpha)*s_minus         : 1
s_diff  = s_plus - s_minus                           : 1
"""

DYAD = MEAN_AND_DIFFERENCE + GAINS + UNIT

# --- the compartments ----------------------------------------------------------------

INPUT = """
x      : 1
s_mean = x : 1
s_diff = 0 : 1
"""

BASAL_TIME = """
tau_basal : second (shared, constant)
"""

BASAL_POTENTIAL = """
dm/dt   = (-m + I_basal + I_bias)/tau_basal          : volt
I_basal : volt
I_bias  : volt
"""

APICAL_POTENTIAL = """
dd/dt   = (-d + I_apical)/tau_apical                 : volt
tau_apical : second (shared, constant)
"""

OUTPUT_APICAL_POTENTIAL = """
dd/dt   = (-d + I_apical + nudge)/tau_apical         : volt
tau_apical : second (shared, constant)
"""

# The apical compartment is a group of its own, and each reads the other's potential.
APICAL_CURRENT = """
I_apical : volt
"""

FROM_BASAL = """
I_apical : volt (linked)
"""

LINKED = """
d : volt (linked)
"""

PHASE = """
m       : volt (linked)
target  : 1 (linked)
nudged  : 1 (shared)
beta    : 1 (shared)
"""

BASAL = BASAL_POTENTIAL + BASAL_TIME + APICAL_CURRENT + LINKED
APICAL = APICAL_POTENTIAL + FROM_BASAL
OUTPUT = BASAL_POTENTIAL + BASAL_TIME + APICAL_CURRENT + TAUGHT
OUTPUT_APICAL = OUTPUT_APICAL_POTENTIAL + FROM_BASAL + PHASE + UNIT

# Average pooling: linear dyads that take the mean of a window, and hand back its error.
POOLED_POTENTIAL = """
dm/dt   = (-m + I_basal)/tau_basal                   : volt
I_basal : volt
"""

POOLED = POOLED_POTENTIAL + BASAL_TIME + APICAL_CURRENT + LINKED

# --- the nudge: -beta times the slope of the cost at the reference --------------------

SQUARED_ERROR = """
nudge   = nudged*beta*(target*v_unit - reference)    : volt
"""

CROSS_ENTROPY = """
nudge   = nudged*beta*v_unit*(target - softmax)      : volt
softmax = exp(reference/v_unit)/Z                    : 1
Z       : 1
"""

# From every output neuron to every output neuron of the same replica.
SUM = """
Z_post = exp(reference_pre/v_unit) : 1 (summed)
"""

NORMALISER = SUM + UNIT

COSTS = {"squared-error": SQUARED_ERROR, "cross-entropy": CROSS_ENTROPY}

# The prediction as it was before any nudge, kept from the first step on.
FROZEN = """
reference = marking*m + (1 - marking)*prediction     : volt
dprediction/dt = marking*(m - prediction)/dt         : volt
marking : 1 (shared)
"""

# The mean of the output's dyads as it is now.
MEAN_REFERENCE = """
reference = m + (alpha*c_plus - (1 - alpha)*c_minus)*d : volt
"""

AT_THE_MEAN = MEAN_REFERENCE + GAINS

# --- parameters ------------------------------------------------------------------------

UNITS = {"v_unit": 1 * mV}
BASAL_TIMES = {"tau_basal": 10 * ms}
APICAL_TIMES = {"tau_apical": 10 * ms}


def gains_of(alpha: float, transpose=False) -> dict:
    """alpha and the feedback gains of the two states, as parameters."""
    plus, minus = (1 - alpha, alpha) if transpose else (alpha, 1 - alpha)
    return {"alpha": alpha, "c_plus": plus, "c_minus": minus}
