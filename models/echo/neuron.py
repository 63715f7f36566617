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

# --- neurons: two echoes of one trajectory; until the mirror the second one rests -----

NEURON = """
dp_plus/dt  = (force_plus - nudged*beta*v_unit*pull_plus)/tau          : volt
dp_minus/dt = echo*(force_minus + nudged*beta*v_unit*pull_minus)/tau   : volt
force_plus  = -(k + l*q_plus*q_plus)*q_plus - (1 - r_plus*r_plus)*field_plus + b + drive       : volt
force_minus = -(k + l*q_minus*q_minus)*q_minus - (1 - r_minus*r_minus)*field_minus + b + drive : volt
pull_plus   = judged*read*(q_plus - target)     : 1
pull_minus  = judged*read*(q_minus - target)    : 1
dscore/dt   = judged*q_plus/tau                 : 1
dcost/dt    = pull_plus*(q_plus - target)/2/tau : 1
dg_k/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)/2/tau : 1
dg_l/dt     = echo*(q_plus - q_minus)*(q_plus + q_minus)*(q_plus*q_plus + q_minus*q_minus)/4/tau : 1
dg_b/dt     = echo*(q_minus - q_plus)/tau         : 1
spread      = r_plus - r_minus                  : 1
total       = r_plus + r_minus                  : 1
parting     = q_minus - q_plus                  : 1
g_m         : 1
q_plus      : 1
q_minus     : 1
r_plus      : 1
r_minus     : 1
q_start     : 1
p_start     : volt
field_plus  : volt
field_minus : volt
drive       : volt
k           : volt
l           : volt
b           : volt
m           : volt
target      : 1
read        : 1
nudged      : 1 (shared)
beta        : 1 (shared)
echo        : 1 (shared)
mirror      : 1 (shared)
judged      : 1 (shared)
final       : 1 (shared)
tau         : second (shared, constant)
v_unit      : volt (shared, constant)
"""

# The mirror turns p round and makes the second copy; half a drift; masses are read at
# the momenta before and after the kick.
DRIFT = """
p_plus  = (1 - 2*mirror)*p_plus
q_minus = (1 - mirror)*q_minus + mirror*q_plus
p_minus = (1 - mirror)*p_minus + mirror*p_plus
p_plus  = p_plus - final*nudged*beta*v_unit*read*(q_plus - target)
p_minus = p_minus + final*nudged*beta*v_unit*read*(q_minus - target)
g_m     = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
q_plus  = q_plus + p_plus/m*dt/(2*tau)
q_minus = q_minus + p_minus/m*dt/(2*tau)
r_plus  = tanh(q_plus)
r_minus = tanh(q_minus)
"""

DRIFT_AGAIN = """
g_m     = g_m - echo*(p_plus - p_minus)*(p_plus + p_minus)/(2*m*m)*dt/(2*tau)
q_plus  = q_plus + p_plus/m*dt/(2*tau)
q_minus = q_minus + p_minus/m*dt/(2*tau)
"""

ONSET = {
    "q_plus": "q_start",
    "p_plus": "p_start",
    **dict.fromkeys(
        ("q_minus", "r_minus", "score", "cost", "g_k", "g_l", "g_b", "g_m"), 0
    ),
    "p_minus": 0 * mV,
}

# --- neurons with a single echo, compared with the free run ----------------------------

SINGLE_NEURON = """
dp/dt     = (force - nudged*beta*v_unit*pull)/tau : volt
force     = -(k + l*q*q)*q - (1 - r*r)*field + b + drive : volt
pull      = judged*read*(q - target)        : 1
dscore/dt = judged*q/tau                    : 1
dcost/dt  = pull*(q - target)/2/tau         : 1
dg_k/dt   = (2*echo - 1)*q*q/2/tau          : 1
dg_l/dt   = (2*echo - 1)*q*q*q*q/4/tau      : 1
dg_b/dt   = (1 - 2*echo)*q/tau              : 1
g_m       : 1
q         : 1
r         : 1
q_start   : 1
p_start   : volt
field     : volt
drive     : volt
k         : volt
l         : volt
b         : volt
m         : volt
target    : 1
read      : 1
nudged    : 1 (shared)
beta      : 1 (shared)
echo      : 1 (shared)
mirror    : 1 (shared)
judged    : 1 (shared)
final     : 1 (shared)
tau       : second (shared, constant)
v_unit    : volt (shared, constant)
"""

SINGLE_DRIFT = """
p   = (1 - 2*mirror)*p
p   = p - final*nudged*beta*v_unit*read*(q - target)
g_m = g_m - (2*echo - 1)*p*p/(2*m*m)*dt/(2*tau)
q   = q + p/m*dt/(2*tau)
r   = tanh(q)
"""

SINGLE_DRIFT_AGAIN = """
g_m = g_m - (2*echo - 1)*p*p/(2*m*m)*dt/(2*tau)
q   = q + p/m*dt/(2*tau)
"""

SINGLE_ONSET = {
    "q": "q_start",
    "p": "p_start",
    **dict.fromkeys(("score", "cost", "g_k", "g_l", "g_b", "g_m"), 0),
}

# --- what moves the weights: g/(2 beta), or g/beta, is v_unit times the slope of the cost

# Along the echo, the difference of the energy's slopes of the two copies. For w that is
# r_plus*r_plus - r_minus*r_minus, the symmetric part of spread_pre*total_post.
SYNAPSE = """
dg/dt = echo*spread_pre*total_post/tau : 1 (clock-driven)
field_plus_post  = w*r_plus_pre        : volt (summed)
field_minus_post = echo*w*r_minus_pre  : volt (summed)
w       : volt
"""

INPUT_SYNAPSE = """
dg/dt = echo*x_pre*parting_post/tau : 1 (clock-driven)
drive_post = B*x_pre : volt (summed)
B       : volt
"""

# The same with a single echo: what it adds to what the free run has taken off.
SINGLE_SYNAPSE = """
dg/dt = (2*echo - 1)*r_pre*r_post/tau : 1 (clock-driven)
field_post = w*r_pre : volt (summed)
w       : volt
"""

SINGLE_INPUT_SYNAPSE = """
dg/dt = (1 - 2*echo)*x_pre*q_post/tau : 1 (clock-driven)
drive_post = B*x_pre : volt (summed)
B       : volt
"""

BIAS = """
dg/dt = plastic*g_b_post/dt : 1 (clock-driven)
b_post = b : volt (summed)
b       : volt
"""

STIFFNESS = """
dg/dt = plastic*g_k_post/dt : 1 (clock-driven)
k_post = k : volt (summed)
k       : volt
"""

HARDENING = """
dg/dt = plastic*g_l_post/dt : 1 (clock-driven)
l_post = l : volt (summed)
l       : volt
least   : 1 (shared, constant)
"""

MASS = """
dg/dt = plastic*g_m_post/dt : 1 (clock-driven)
m_post = m : volt (summed)
m       : volt
least   : 1 (shared, constant)
"""
