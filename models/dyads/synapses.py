"""Synapses of dyads: the mean up, the difference down; symbols as those of the neurons.

See :mod:`neuro_ep.models.dyads.neurons` and
:mod:`neuro_ep.models.dyads.dual_propagation`.
"""

from neuro_ep.models.dyads.neurons import BASAL_TIME, UNIT
from neuro_ep.models.equilibrium.hopfield import BIAS_CURRENT, LEARNING

# --- one weight for both directions ---------------------------------------------------

PLASTIC_WEIGHT = """
dw/dt = plastic*v_unit*(eta/beta)*s_diff_post*s_mean_pre/tau_basal : volt (clock-driven)
"""

PLASTIC_BIAS = """
db/dt = plastic*v_unit*(eta/beta)*s_diff_post/tau_basal : volt (clock-driven)
"""

UP = """
I_basal_post = w*s_mean_pre : volt (summed)
"""

DOWN = """
I_apical_pre = w*s_diff_post : volt (summed)
"""

PLASTICITY = PLASTIC_WEIGHT + LEARNING + BASAL_TIME
TIED = UP + DOWN
BIAS = PLASTIC_BIAS + BIAS_CURRENT + BASAL_TIME

# --- separate feedback weights (Kolen & Pollack 1994): the same increment and decay ----

DECAYING_FORWARD = """
dw/dt = plastic*(v_unit*(eta/beta)*s_diff_post*s_mean_pre - decay*w)/tau_basal : volt (clock-driven)
decay : 1 (shared, constant)
"""

DECAYING_FEEDBACK = """
dw/dt = plastic*(v_unit*(eta/beta)*s_diff_pre*s_mean_post - decay*w)/tau_basal : volt (clock-driven)
decay : 1 (shared, constant)
"""

DOWN_ALONE = """
I_apical_post = w*s_diff_pre : volt (summed)
"""

FORWARD = DECAYING_FORWARD + UP + LEARNING + BASAL_TIME
FEEDBACK = DECAYING_FEEDBACK + DOWN_ALONE + LEARNING + BASAL_TIME

# --- average pooling --------------------------------------------------------------------

AVERAGES = """
I_basal_post = v_unit*s_mean_pre  : volt (summed)
I_apical_pre = v_unit*s_diff_post : volt (summed)
"""

POOL = AVERAGES + UNIT
