"""Networks of Hamiltonian neurons: position and momentum, no friction, tied synapses.

Pourcel & Ernoult 2025, "Learning long range dependencies through time reversal symmetry
breaking", arXiv 2506.05259 (Recurrent Hamiltonian Echo Learning); Pourcel, Basu, Ernoult
& Gilra 2025, "Lagrangian-based Equilibrium Propagation", arXiv 2506.06248.

Symbols
    q, p      position, dimensionless, and momentum, mV, of a neuron; time in units of tau
    r         activity, r = tanh(q)
    m, k, l   mass, stiffness and hardening of a neuron; b its bias; all in mV
    w         synapse, mV, one weight for both directions of a pair, no self-connection
    B         weight from input to neuron, mV
    x         input, given as a function of time
    target    what the output neurons should follow, given as a function of time
    beta      nudging, signed; zero in the free run
    _plus, _minus    the two echoes of a neuron, nudged with +beta and -beta

Energy (in volt; q and p obey tau dq/dt = dH/dp, tau dp/dt = -dH/dq)
    H = sum_i [ p_i**2/(2 m_i) + k_i q_i**2/2 + l_i q_i**4/4 - b_i q_i ]
        + sum_{i<j} w_ij r_i r_j - sum_{i,d} B_id q_i x_d
    nudged: H + beta * v_unit * cost, so that the force -beta*dcost/dq pulls towards the
    target

Cost, integrated over the time of the run in units of tau, or its last share
    1/2 sum_out (q - target)**2

A step of length dt is drift-kick-drift: q moves by half a drift, p by the force at that
position, q by half a drift. The kick is an Euler step, which is exact because the force
does not depend on p.

Deviations
    The papers' nudge goes uphill (H - epsilon * loss): beta = -epsilon here. Their cost
    is read at whole steps, here where the force is, at half steps: second order in dt.
"""

from brian2 import ms, mV

from neuro_ep.models.copies import renamed, suffixed

# What each part adds to H: every neuron "kinetic" and "neuron", every pair of neurons
# "synapse", every input to a neuron "input". "r" is the activity that synapses read;
# beta times "cost" is added for every output neuron.
ENERGY = {
    "kinetic": "p**2/(2*m)",
    "neuron": "k*q**2/2 + l*q**4/4 - b*q",
    "synapse": "w*r_pre*r_post",
    "input": "-B*x_pre*q_post",
    "r": "tanh(q)",
    "cost": "(q - target)**2/2",
}

NEURON_PARAMETERS = {"tau": 10 * ms, "v_unit": 1 * mV}

INPUT = """
x : 1
"""

# --- a neuron ---------------------------------------------------------------------------

FORCE = """
force = -(k + l*q*q)*q - (1 - r*r)*field + b + drive : volt
"""

PULL = """
pull = judged*read*(q - target) : 1
"""

# The nudge stands beside the force.
KICK = """
dp/dt = (force - nudged*beta*v_unit*pull)/tau : volt
"""

SCORE = """
dscore/dt = judged*q/tau : 1
"""

COST = """
dcost/dt = pull*(q - target)/2/tau : 1
"""

STATE = """
q     : 1
field : volt
"""

ACTIVITY = """
r : 1
"""

PROPERTIES = """
q_start : 1
p_start : volt
drive   : volt
k       : volt
l       : volt
b       : volt
m       : volt
target  : 1
read    : 1
"""

# What all neurons are told of the phase, and their units.
SIGNALS = """
nudged  : 1 (shared)
beta    : 1 (shared)
mirror  : 1 (shared)
final   : 1 (shared)
tau     : second (shared, constant)
v_unit  : volt (shared, constant)
"""

# The same for neurons that gather gradients along an echo.
ECHO_SIGNALS = """
g_m     : 1
echo    : 1 (shared)
judged  : 1 (shared)
"""

# The mirror turns p round.
TURN = """
p = (1 - 2*mirror)*p
"""

# What a cost of the final instant adds to p, when the echo begins.
FINAL_KICK = """
p = p - final*nudged*beta*v_unit*read*(q - target)
"""

HALF_DRIFT = """
q = q + p/m*dt/(2*tau)
"""

READ_ACTIVITY = """
r = tanh(q)
"""

# --- copies: everything that a copy of a neuron has of its own --------------------------


def copy_of(text: str, suffix: str) -> str:
    """A block of one copy, "_plus" or "_minus"."""
    return suffixed(text, suffix, ("q", "p", "r", "force", "pull", "field"))


def plus(text: str) -> str:
    """A block of the copy that is nudged with +beta."""
    return copy_of(text, "_plus")


def both(text: str) -> str:
    """A block of both copies."""
    return plus(text) + copy_of(text, "_minus")


# --- neurons: two echoes of one trajectory; until the mirror the second one rests -----

SECOND_KICK = """
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*pull_minus)/tau : volt
"""

# The slopes of the energy by k, l and b, of one copy minus those of the other.
GATHERED = """
dg_k/dt = echo*(q_plus - q_minus)*(q_plus + q_minus)/2/tau : 1
dg_l/dt = echo*(q_plus - q_minus)*(q_plus + q_minus)*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt = echo*(q_minus - q_plus)/tau : 1
"""

# What synapses read.
SPREAD = """
spread = r_plus - r_minus : 1
"""

TOTAL = """
total = r_plus + r_minus : 1
"""

PARTING = """
parting = q_minus - q_plus : 1
"""

COPIES = both(STATE) + both(ACTIVITY) + PROPERTIES + ECHO_SIGNALS + SIGNALS

FORCES = both(FORCE)
NUDGES = both(PULL) + plus(SCORE) + plus(COST)
DIFFERENCES = SPREAD + TOTAL + PARTING

NEURON = plus(KICK) + SECOND_KICK + FORCES + NUDGES + GATHERED + DIFFERENCES + COPIES

# The mirror makes the second copy.
SECOND_COPY = """
q_minus = (1 - mirror)*q_minus + mirror*q_plus
p_minus = (1 - mirror)*p_minus + mirror*p_plus
"""

SECOND_FINAL_KICK = """
p_minus = p_minus + final*nudged*beta*v_unit*read*(q_minus - target)
"""

# Masses are read at the momenta before and after the kick.
READ_MASS = """
g_m = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
"""

FINAL_KICKS = plus(FINAL_KICK) + SECOND_FINAL_KICK

# Before the kick, and after it.
DRIFT_AGAIN = READ_MASS + both(HALF_DRIFT)
DRIFT = plus(TURN) + SECOND_COPY + FINAL_KICKS + DRIFT_AGAIN + both(READ_ACTIVITY)

ONSET = {
    "q_plus": "q_start",
    "p_plus": "p_start",
    **dict.fromkeys(
        ("q_minus", "r_minus", "score", "cost", "g_k", "g_l", "g_b", "g_m"), 0
    ),
    "p_minus": 0 * mV,
}

# --- neurons with a single echo, compared with the free run ----------------------------

SINGLE_GATHERED = """
dg_k/dt = (2*echo - 1)*q*q/2/tau     : 1
dg_l/dt = (2*echo - 1)*q*q*q*q/4/tau : 1
dg_b/dt = (1 - 2*echo)*q/tau         : 1
"""

SINGLE_NEURON = (
    KICK
    + (FORCE + PULL + SCORE + COST + SINGLE_GATHERED)
    + (STATE + ACTIVITY + PROPERTIES + ECHO_SIGNALS + SIGNALS)
)

SINGLE_READ_MASS = """
g_m = g_m - (2*echo - 1)*p*p/(2*m*m)*dt/(2*tau)
"""

SINGLE_DRIFT_AGAIN = SINGLE_READ_MASS + HALF_DRIFT
SINGLE_DRIFT = TURN + FINAL_KICK + SINGLE_DRIFT_AGAIN + READ_ACTIVITY

SINGLE_ONSET = {
    "q": "q_start",
    "p": "p_start",
    **dict.fromkeys(("score", "cost", "g_k", "g_l", "g_b", "g_m"), 0),
}

# --- what moves the weights: g/(2 beta), or g/beta, is v_unit times the slope of the cost

WEIGHT = """
w : volt
"""

FIELD = """
field_post = w*r_pre : volt (summed)
"""

SECOND_FIELD = """
field_minus_post = echo*w*r_minus_pre : volt (summed)
"""

DRIVE = """
drive_post = B*x_pre : volt (summed)
B : volt
"""

# Along the echo, the difference of the energy's slopes of the two copies. For w that is
# r_plus*r_plus - r_minus*r_minus, the symmetric part of spread_pre*total_post.
READ_WEIGHT = """
dg/dt = echo*spread_pre*total_post/tau : 1 (clock-driven)
"""

READ_INPUT = """
dg/dt = echo*x_pre*parting_post/tau : 1 (clock-driven)
"""

SYNAPSE = READ_WEIGHT + plus(FIELD) + SECOND_FIELD + WEIGHT
INPUT_SYNAPSE = READ_INPUT + DRIVE

# The same with a single echo: what it adds to what the free run has taken off.
SINGLE_READ_WEIGHT = """
dg/dt = (2*echo - 1)*r_pre*r_post/tau : 1 (clock-driven)
"""

SINGLE_READ_INPUT = """
dg/dt = (1 - 2*echo)*x_pre*q_post/tau : 1 (clock-driven)
"""

SINGLE_SYNAPSE = SINGLE_READ_WEIGHT + FIELD + WEIGHT
SINGLE_INPUT_SYNAPSE = SINGLE_READ_INPUT + DRIVE

# A parameter theta of neurons, which the synapses from the one unit hold and deliver.
DELIVERED = """
theta_post = theta : volt (summed)
theta : volt
"""

GATHERED_BY_NEURONS = """
dg/dt = plastic*g_theta_post/dt : 1 (clock-driven)
"""

# The lowest value that learning leaves.
LEAST = """
least : 1 (shared, constant)
"""


def of_neurons(theta: str) -> str:
    """The equations of a parameter of neurons, whose gradient they gather."""
    return renamed(GATHERED_BY_NEURONS + DELIVERED, theta=theta, g_theta=f"g_{theta}")


BIAS = of_neurons("b")
STIFFNESS = of_neurons("k")
HARDENING = of_neurons("l") + LEAST
MASS = of_neurons("m") + LEAST
