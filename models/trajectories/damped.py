"""Linear damped networks that answer symmetrically learn by a second run, with friction.

Berneman & Hexner 2025, arXiv 2506.20402; discrete formulas derived here, the same in
numpy in :mod:`neuro_ep.trajectories.damped`.

Symbols
    x           position, dimensionless; v its velocity
    _nudged     a second copy of the network, which is nudged; answer the difference
    mass        second**2; friction second; stiffness of a pair 1, the same both ways
    force       on a neuron, given as a function of time
    recorded    the first run, last to first; aim the targets, last to first
    read        1 for neurons that the cost reads

Dynamics
    mass*dv/dt = force - friction*v - sum stiffness*x                first run: x
    the same - beta*read*(recorded - aim)                            second: x + answer

Both start at rest; friction stays friction and no momentum is flipped. With x(t) of the
first run and the answer at T - t, over beta, at any beta:

    dC/dstiffness_ij = integral answer_i*x_j dt        one a pair: (i,j) and (j,i)
    dC/dfriction_i   = integral answer_i*v_i dt        dC/dmass_i the same with dv_i/dt

Cost, integrated over the time of the run
    1/2 sum_out (x - target)**2

A step of length dt is a central difference: the friction of the mean of the velocities
before and after it, the force at its middle.

Deviations: the copy that is not nudged runs again beside the other, so that their
difference is there at every step.
"""

from neuro_ep.records import moment
from neuro_ep.records.condition import SecondRun
from neuro_ep.records.model import NeuronModel, SynapseModel

SOURCE = "Berneman & Hexner 2025, arXiv 2506.20402"

NEURON_EQUATIONS = """
x          : 1
v          : Hz
x_nudged   : 1
v_nudged   : Hz
pull       : 1
pull_nudged : 1
answer     : 1
past       : 1
g_friction : 1
g_mass     : Hz
mass       : second**2
friction   : second
read       : 1
beta       : 1 (shared)
"""

STEP = """
v          = ((mass/dt - friction/2)*v + force(t, i) - pull)/(mass/dt + friction/2)
v_nudged   = ((mass/dt - friction/2)*v_nudged + force(t, i) - pull_nudged - beta*read*(recorded(t, i) - aim(t, i)))/(mass/dt + friction/2)
x          = x + dt*v
x_nudged   = x_nudged + dt*v_nudged
answer     = x_nudged - x
past       = recorded(t + dt, i)
g_friction = g_friction + answer*(recorded(t, i) - recorded(t + 2*dt, i))/2
g_mass     = g_mass + answer*(recorded(t, i) - 2*past + recorded(t + 2*dt, i))/dt
"""

SYNAPSE_EQUATIONS = """
dg/dt = answer_post*past_pre : second (clock-driven)
pull_post        = stiffness*x_pre        : 1 (summed)
pull_nudged_post = stiffness*x_nudged_pre : 1 (summed)
stiffness : 1
"""

NEURON = NeuronModel(NEURON_EQUATIONS, regularly={moment.SECOND_HALF: STEP})

SYNAPSE = SynapseModel(SYNAPSE_EQUATIONS, "stiffness", when=moment.FINISH)

DAMPED = SecondRun(
    name="damped",
    summary="damped networks: the gradient by a second run, friction and all",
    source=SOURCE,
    neuron=NEURON,
    synapse=SYNAPSE,
    claims={
        "gradient": "that of the discrete cost, at any beta",
        "friction": "the second run keeps it, and no momentum is flipped",
    },
)
