"""Hamiltonian echo backpropagation (HEB): parameters that move, and so learn alone.

Lopez-Pastor & Marquardt 2023, "Self-learning machines based on Hamiltonian echo
backpropagation", PRX 13, 031020, arXiv 2103.04992; derived here for real parameters.
Neurons, their energy and the conventions are those of
:mod:`neuro_ep.models.echo.neuron`, one copy of every neuron.

Symbols
    theta          a parameter w, B, k, l or b, mV
    momentum       of the parameter, dimensionless; written pi below
    inverse_mass   of the parameters, 1/M in units of 1/v_unit; 0: they stand still
    damping        lambda, how far the momenta decay after an echo
    eta            learning rate; the decay constant of the paper is beta/(eta*plastic)
    learns         1 where parameters may move; what is only tested holds them fast

Energy (in volt): H of the neurons, and of every parameter inverse_mass*v_unit*pi**2/2
    tau dtheta/dt = inverse_mass*v_unit*pi          tau dpi/dt = -dH/dtheta

    echo    run; turn every momentum round and kick those of the output neurons by
            -beta*dcost/dq; run with the input in reverse; turn every momentum round:
                pi <- pi + beta*dC/dtheta       theta <- theta - beta*dC/dpi
    decay   theta <- theta - eta*plastic*pi/beta*(1 - exp(-damping)),
            pi <- pi*exp(-damping)

The second term of the echo is a bias, of relative size (beta/eta)*|dC/dpi|/|dC/dtheta|.
Echo and decay with -beta, then with +beta, it cancels ("symmetric" nudging). There is no
optimiser outside: a physical system with friction on its parameters learns.

Cost, at the end of the run
    1/2 sum_out (q - target)**2

A step is drift-kick-drift for neurons and parameters alike.

Deviations
    The authors' neurons are complex waves, their momenta imaginary parts. Masses of
    neurons stand still: with them moving, the step would not be reversible. Replicas
    share parameters whose momenta get the mean of their kicks. Neurons begin every run
    at their start state.
"""

from dataclasses import replace

from neuro_ep.errors import InputError
from neuro_ep.models.copies import renamed
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.equilibrium.hopfield import named
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import JUDGED, NUDGING, READ
from neuro_ep.records.protocol import Phase, Protocol
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "Lopez-Pastor & Marquardt 2023, PRX 13, 031020, arXiv 2103.04992"

# What each part adds to H; further keys as in the energy of Hamiltonian neurons.
ENERGY = {**hamiltonian.ENERGY, "momentum": "inverse_mass*v_unit*momentum**2/2"}

# --- neurons ---------------------------------------------------------------------------

KICK = """
dp/dt = force/tau : volt
"""

# What stiffness and hardening are kicked by.
SLOPES = """
half_qq      = q*q/2     : 1
quarter_qqqq = q*q*q*q/4 : 1
plastic      : 1 (shared)
"""

OWN = hamiltonian.STATE + hamiltonian.ACTIVITY + hamiltonian.PROPERTIES
NEURON = KICK + hamiltonian.FORCE + SLOPES + OWN + hamiltonian.SIGNALS

DRIFT_AGAIN = hamiltonian.HALF_DRIFT
DRIFT = (
    hamiltonian.TURN
    + hamiltonian.FINAL_KICK
    + hamiltonian.HALF_DRIFT
    + hamiltonian.READ_ACTIVITY
)

# After an echo the neurons are put back to where runs start.
RESET = """
q = q + int(plastic > 0)*(q_start - q)
p = p + int(plastic > 0)*(p_start - p)
"""

ONSET = {"q": "q_start", "p": "p_start", "r": 0}

# --- parameters and their momenta, which move by minus the slope of H -----------------

MOVING = """
inverse_mass : 1 (shared, constant)
damping : 1 (shared, constant)
eta     : 1 (shared, constant)
v_unit  : volt (shared, constant)
tau     : second (shared, constant)
beta    : 1 (shared)
mirror  : 1 (shared)
plastic : 1 (shared)
learns  : 1 (shared)
"""

KICK_WEIGHT = """
dmomentum/dt = -learns*r_pre*r_post/tau : 1 (clock-driven)
"""

KICK_INPUT = """
dmomentum/dt = learns*x_pre*q_post/tau : 1 (clock-driven)
"""

KICK_BIAS = """
dmomentum/dt = learns*q_post/tau : 1 (clock-driven)
"""

KICK_STIFFNESS = """
dmomentum/dt = -learns*half_qq_post/tau : 1 (clock-driven)
"""

KICK_HARDENING = """
dmomentum/dt = -learns*quarter_qqqq_post/tau : 1 (clock-driven)
"""

SYNAPSE = KICK_WEIGHT + hamiltonian.FIELD + hamiltonian.WEIGHT
INPUT_SYNAPSE = KICK_INPUT + hamiltonian.DRIVE
BIAS = KICK_BIAS + renamed(hamiltonian.DELIVERED, theta="b")
STIFFNESS = KICK_STIFFNESS + renamed(hamiltonian.DELIVERED, theta="k")
HARDENING = KICK_HARDENING + renamed(hamiltonian.DELIVERED, theta="l")

# Drifts of the parameters; the mirror turns their momenta round before the first. No
# neuron meets itself, whatever the momentum of that synapse.
MIRROR = "momentum = (1 - 2*mirror)*momentum\n"
MOVE = "theta = theta + inverse_mass*v_unit*momentum*dt/(2*tau)"
MOVE_PAIR = "w = w + int(i != j)*inverse_mass*v_unit*momentum*dt/(2*tau)"

# As an echo ends: momenta are turned round again, and decay. The two directions of a
# pair have one weight: what rounding has set apart is put together.
TURN = "momentum = -momentum\n"
TURN_PAIR = """
momentum = -(momentum + momentum_transposed)/2
w = (w + w_transposed)/2
"""
DECAY = "theta = theta - eta*plastic*v_unit*momentum/beta*(1 - exp(-damping))\n"
DECAY_PAIR = (
    "w = w - int(i != j)*eta*plastic*v_unit*momentum/beta*(1 - exp(-damping))\n"
)
DECAY_MOMENTUM = "momentum = momentum*exp(-damping)"

LEARNS_NOT = """
eta : 1 (shared, constant)
"""

MASS = renamed(hamiltonian.DELIVERED, theta="m") + LEARNS_NOT

#: How a parameter moves, is turned round and decays, and the same for the weight of a pair.
ALONE, PAIRED = (MOVE, TURN, DECAY), (MOVE_PAIR, TURN_PAIR, DECAY_PAIR)

# --- the parts together ------------------------------------------------------------------

PARAMETERS = {**hamiltonian.NEURON_PARAMETERS, "inverse_mass": 1e-4, "damping": 100.0}


def moving(weight: str, equations: str, motion=ALONE, **known) -> SynapseModel:
    """Synapses whose weight has a momentum."""
    move, turn, decay = (renamed(text, theta=weight) for text in motion)
    return SynapseModel(
        equations + MOVING,
        weight,
        PARAMETERS,
        regularly={moment.FIRST_HALF: MIRROR + move, moment.SECOND_HALF: move},
        gate="learns",
        update=turn + decay + DECAY_MOMENTUM,
        carried=("momentum",),
        **known,
    )


NEURONS = NeuronModel(
    NEURON,
    parameters=hamiltonian.NEURON_PARAMETERS,
    onset=ONSET,
    regularly={
        moment.FIRST_HALF: DRIFT,
        moment.SECOND_HALF: DRIFT_AGAIN,
        moment.FINISH: RESET,
    },
)


def model(settings: Settings) -> NetworkModel:
    """The equations: one layer of neurons, joined to itself.

    Raises InputError for other connections, and for a cost that is not that of the end.
    """
    _check(settings)
    return NetworkModel(
        input=NeuronModel(hamiltonian.INPUT),
        hidden=NEURONS,
        output=NEURONS,
        synapse=moving("B", INPUT_SYNAPSE),
        lateral=moving("w", SYNAPSE, PAIRED, symmetric=True),
        bias=moving("b", BIAS),
        local={
            "stiffness": moving("k", STIFFNESS, initial=1.0),
            "hardening": moving("l", HARDENING, initial=0.1),
            "mass": SynapseModel(MASS, "m", deliver=moment.BEGIN, initial=1.0),
        },
        energy=ENERGY,
        read_out="q",
        read_out_unit=None,
        activity=None,
        source=SOURCE,
    )


def _check(settings: Settings):
    if settings.edges != ((0, 1), (1, 1)):
        raise InputError(
            f"connections {settings.edges}: an echo is of one layer joined to itself, "
            "(0, 1) and (1, 1)"
        )
    if settings.judged != 0:
        raise InputError(
            f"judged = {settings.judged}: heb learns from the final instant; choose 0"
        )


def protocol(settings: Settings) -> Protocol:
    """Run and echo; with "symmetric" nudging twice, nudged with -beta and with +beta."""
    run = Phase("run", settings.free)
    echo = Phase(*("echo", settings.free), nudge=1, plastic=1.0, every=0, echo=True)
    below, above = replace(echo, nudge=-1, plastic=0.5), replace(echo, plastic=0.5)
    phases = named(
        {
            "symmetric": (run, below, run, above),
            "one-sided": (run, echo),
            "random-sign": (run, echo),
        },
        settings.nudging,
        "nudging",
    )
    return Protocol(settings.nudging, phases, settings.nudging == "random-sign")


HEB = Rule(
    name="heb",
    summary="parameters have momenta: run, echo and let them decay, nothing else learns",
    source=SOURCE,
    model=model,
    protocol=protocol,
    parameters=(NUDGING, READ, replace(JUDGED, high=0.0)),
    defaults={
        "digits-rows": Settings(
            layers=(8, 64),
            connections=((0, 1), (1, 1)),
            eta=(0.04,),
            beta=0.05,
            free=16,
            nudged=16,
            step=0.4,
            epochs=40,
            nudging="symmetric",
            judged=0.0,
            read=10,
        ),
    },
    family="heb",
    claims={
        "reversible": "an echo that is not nudged returns parameters and their momenta",
        "gradient": "an echo leaves beta times it in the momenta, to order 1 in beta",
        "averaged": "echoes of both signs cancel the bias of a single one",
        "self-learning": "no optimiser: momenta that decay move the parameters downhill",
    },
    bounds={
        "reversal": (0, 1e-12),
        "relative_error": (0, 1e-3),
        "averaged_error": (0, 5e-3),
        "simple_error": (0.5, 1e3),
        "oracle_error": (0, 1e-6),
        "rhel_error": (0, 1e-10),
    },
)
