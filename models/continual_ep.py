"""Continual equilibrium propagation (C-EP): neurons and synapses move together.

Ernoult, Grollier, Querlioz, Bengio, Scellier 2020, "Equilibrium Propagation with
Continual Weight Updates", arXiv 2005.04168. Real-time (energy-based) setting after
Scellier & Bengio 2017.

Symbols
    v        potential of a neuron, mV             s in the paper, in units of v_unit
    rho(v)   activity, dimensionless
    slope    d rho / d (v/v_unit), dimensionless   rho' in the paper
    w, b     weight and bias, mV                   W, b in units of v_unit
    x        clamped input, dimensionless, in [0, 1]
    beta     nudging, signed; nudged is 1 in the nudged phase; plastic opens plasticity
    eta      learning rate, dimensionless

Energy (in volt^2; the neurons descend it: tau dv/dt = -dE/dv)
    E = sum v**2/2 - v_unit * ( sum_ij w_ij rho_i rho_j + sum_i b_i rho_i )
    nudged: E + beta * cost * v_unit**2,  cost = 1/2 sum_out (v/v_unit - target)**2

Conventions
    Cost: one half of the squared error, summed over outputs, mean over the batch.
    Positive beta pulls the output towards the target. eta/beta carries beta's sign.

Deviations
    The input enters as it is (rho = x): a pixel is an activity, not a potential. The
    paper's real-time code passes it through rho, its discrete code does not.
    The output layer keeps its rho' so that the field is the gradient of the energy; the
    authors' real-time code leaves it out.
"""

from brian2 import ms, mV

from neuro_ep.errors import InputError
from neuro_ep.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.models import prototypical
from neuro_ep.protocol import free_then_nudged
from neuro_ep.rule import Rule, Settings, suggestion

SOURCE = "Ernoult et al. 2020, arXiv 2005.04168"

# What each part adds to the energy; the clamped input adds nothing of its own.
ENERGY = {
    "neuron": "v**2/2",
    "synapse": "-v_unit*w*rho_pre*rho_post",
    "bias": "-v_unit*b*rho_post",
    "output": "nudged*beta*v_unit**2*(v/v_unit - target)**2/2",
}

NEURON_PARAMETERS = {"tau": 10 * ms, "v_unit": 1 * mV}

# --- activities: at the start of the step, and where the step has ended --------------

SIGMOID = """
rho      = 1/(1 + exp(-4*(v/v_unit - 0.5))) : 1 (constant over dt)
rho_next = 1/(1 + exp(-4*(v/v_unit - 0.5))) : 1
slope    = 4*rho*(1 - rho)                  : 1
"""

HARD_SIGMOID = """
rho      = clip(v/v_unit, 0, 1)             : 1 (constant over dt)
rho_next = clip(v/v_unit, 0, 1)             : 1
slope    = int(v >= 0*v_unit)*int(v <= v_unit) : 1
"""

TANH = """
rho      = tanh(v/v_unit)                   : 1 (constant over dt)
rho_next = tanh(v/v_unit)                   : 1
slope    = 1 - rho**2                       : 1
"""

ACTIVATIONS = {"sigmoid": SIGMOID, "hard-sigmoid": HARD_SIGMOID, "tanh": TANH}

# --- neurons -------------------------------------------------------------------------

INPUT = """
x        : 1
rho      = x : 1
rho_next = x : 1
drho     = 0 : 1
rho_rate = 0*hertz : hertz
"""

HIDDEN = """
dv/dt    = rate                                                        : volt
rate     = (-v + slope*(I_forward + I_feedback + I_bias))/tau          : volt/second
drho     = rho_next - rho                                              : 1
rho_rate = slope*rate/v_unit                                           : hertz
I_forward  : volt
I_feedback : volt
I_bias     : volt
tau        : second (shared, constant)
v_unit     : volt (shared, constant)
"""

OUTPUT = """
dv/dt    = rate                                                        : volt
rate     = (-v + slope*(I_forward + I_bias) + nudge)/tau               : volt/second
nudge    = nudged*beta*(target*v_unit - v)                             : volt
drho     = rho_next - rho                                              : 1
rho_rate = slope*rate/v_unit                                           : hertz
I_forward : volt
I_bias    : volt
target    : 1
nudged    : 1 (shared)
beta      : 1 (shared)
tau       : second (shared, constant)
v_unit    : volt (shared, constant)
"""

# --- synapses: one weight for both directions ----------------------------------------

CURRENTS = """
I_forward_post = w*rho_pre  : volt (summed)
I_feedback_pre = w*rho_post : volt (summed)
eta     : 1 (shared, constant)
v_unit  : volt (shared, constant)
beta    : 1 (shared)
plastic : 1 (shared)
"""

BIAS_CURRENT = """
I_bias_post = b : volt (summed)
eta     : 1 (shared, constant)
v_unit  : volt (shared, constant)
beta    : 1 (shared)
plastic : 1 (shared)
"""

# The exact difference of rho_pre*rho_post over one step (it telescopes), written so
# that nothing cancels: rho'rho' - rho rho = drho_pre*rho'_post + rho_pre*drho_post.
DIFFERENCE = """
dw/dt = plastic*v_unit*(eta/beta)*(drho_pre*rho_next_post + rho_pre*drho_post)/dt : volt (clock-driven)
"""

BIAS_DIFFERENCE = """
db/dt = plastic*v_unit*(eta/beta)*drho_post/dt : volt (clock-driven)
"""

# The same by the product rule, as an ordinary differential equation: first order in dt.
PRODUCT_RULE = """
dw/dt = plastic*v_unit*(eta/beta)*(rho_rate_pre*rho_post + rho_pre*rho_rate_post) : volt (clock-driven)
"""

BIAS_PRODUCT_RULE = """
db/dt = plastic*v_unit*(eta/beta)*rho_rate_post : volt (clock-driven)
"""

# The same difference, taken since plasticity was open last: for synapses slower than the
# neurons, and for EP, where plasticity opens once, in the last step.
MARKED = """
dw/dt = plastic*v_unit*(eta/beta)*(since_mark_pre*rho_next_post + rho_mark_pre*since_mark_post)/dt : volt (clock-driven)
"""

BIAS_MARKED = """
db/dt = plastic*v_unit*(eta/beta)*since_mark_post/dt : volt (clock-driven)
"""

MARK = """
since_mark = rho_next - rho_mark : 1
rho_mark   : 1
marking    : 1 (shared)
"""

INPUT_MARK = """
since_mark = 0 : 1
rho_mark   = x : 1
"""

MARKING = {"end": "rho_mark = marking*rho_next + (1 - marking)*rho_mark"}

SYNAPSE_PARAMETERS = {"v_unit": 1 * mV}

# The difference is taken after the neurons have moved; the product rule reads rates
# before they move, with the currents of this step.
PLASTICITY = {
    "difference": (DIFFERENCE, BIAS_DIFFERENCE, {"when": "synapses"}),
    "marked": (MARKED, BIAS_MARKED, {"when": "synapses"}),
    "product-rule": (PRODUCT_RULE, BIAS_PRODUCT_RULE, {"order": -0.5}),
}


def network_model(settings: Settings) -> NetworkModel:
    """The equations for a kind of time, an activation and a form of plasticity."""
    if settings.dynamics == "discrete":
        return _discrete(settings)
    _named({"continuous": None}, settings.dynamics, "dynamics")
    activity = _named(ACTIVATIONS, settings.activation, "activation")
    weights, biases, schedule = _named(PLASTICITY, _form(settings), "plasticity")
    marked = weights is MARKED
    onset, regularly = {"v": 0 * mV}, MARKING if marked else {}
    marks = ("rho_mark",) if marked else ()
    known = (NEURON_PARAMETERS, onset, "euler", regularly, marks)
    mark = MARK if marked else ""
    return NetworkModel(
        input=NeuronModel(INPUT + (INPUT_MARK if marked else "")),
        hidden=NeuronModel(HIDDEN + activity + mark, *known),
        output=NeuronModel(OUTPUT + activity + mark, *known),
        synapse=SynapseModel(weights + CURRENTS, "w", SYNAPSE_PARAMETERS, **schedule),
        bias=SynapseModel(biases + BIAS_CURRENT, "b", SYNAPSE_PARAMETERS, **schedule),
        energy=ENERGY,
        read_out="v",
        read_out_unit="v_unit",
        activity="rho",
        source=SOURCE,
    )


def _form(settings: Settings) -> str:
    """The difference since the last opening, where plasticity is slower than a step."""
    if settings.plastic_every == 1:
        return settings.plasticity
    _named({"difference": None}, settings.plasticity, "plasticity with plastic_every")
    return "marked"


def _discrete(settings: Settings) -> NetworkModel:
    """The papers' discrete-time networks, see :mod:`neuro_ep.models.prototypical`."""
    _named(prototypical.ACTIVATIONS, settings.activation, "activation")
    _named({"difference": None}, settings.plasticity, "plasticity in discrete time")
    if settings.step != 1:
        raise InputError(
            f"step = {settings.step}: discrete time is a step of 1 time constant"
        )
    return prototypical.network_model(settings.activation)


def _named(table, name, what):
    if name not in table:
        raise InputError(f"no {what} is called {name!r}{suggestion(name, table)}")
    return table[name]


CONTINUAL_EP = Rule(
    name="continual-ep",
    summary="neurons and synapses move together in the nudged phase",
    source=SOURCE,
    model=network_model,
    protocol=lambda settings: free_then_nudged(
        settings.nudging, settings.free, settings.nudged, settings.plastic_every
    ),
    defaults={
        "digits": Settings(
            layers=(64, 128, 10),
            eta=(0.022, 0.014),
            beta=0.7,
            free=10,
            nudged=4.8,
            step=0.4,
            epochs=150,
        ),
        "mnist": Settings(
            layers=(784, 512, 10),
            eta=(0.0056, 0.0028),
            beta=0.2,
            free=40,
            nudged=15,
            step=1.0,
            epochs=100,
            dynamics="discrete",
        ),
    },
    gain=True,
    claims={
        "conserved": "w - v_unit*(eta/beta) <rho_pre rho_post> in the nudged phase",
        "gradient": "each step follows the BPTT gradient as eta, then beta, go to 0",
        "order in beta": "1 one-sided, 2 symmetric",
        "local": "dw/dt reads the two neurons it joins, eta, beta and the gate",
    },
)
