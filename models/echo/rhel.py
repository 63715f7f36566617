"""Recurrent Hamiltonian echo learning (RHEL): run, turn the momenta round, run back.

Pourcel & Ernoult 2025, "Learning long range dependencies through time reversal symmetry
breaking", arXiv 2506.05259. Neurons, their energy, the symbols and the conventions are
those of :mod:`neuro_ep.models.echo.neuron`.

The free run is reversible: with the momenta turned round, and inputs shown in reverse,
the network returns the way it came. Nudged on that way by -beta dcost/dq it misses it by
what the adjoint of the run would be. With G(beta) = integral of dH/dtheta along an echo

    dC/dtheta = [G(beta) - G(-beta)]/(2 beta) + O(beta**2)

which is the gradient of the discrete cost, whatever dt is. Two copies echo at once and
every parameter gathers one number g, the difference; no trajectory is stored. With
one-sided nudging one copy echoes, G(0) is read in the free run, and the error is of
order beta.

Deviations: those of the neurons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from neuro_ep.errors import InputError
from neuro_ep.models.echo import neuron as hamiltonian
from neuro_ep.models.equilibrium.hopfield import named
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import JUDGED, NUDGING, OPTIMISER, READ, among
from neuro_ep.records.protocol import run_then_echo
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "Pourcel & Ernoult 2025, arXiv 2506.05259"

# --- the optimiser, at the end of an echo; gradients are those of the mean cost --------

OPTIMISED = """
gradient : 1
change   : 1
eta      : 1 (shared, constant)
v_unit   : volt (shared, constant)
tau      : second (shared, constant)
beta     : 1 (shared)
echo     : 1 (shared)
plastic  : 1 (shared)
"""

GRADIENT = """
gradient = g/(2*beta)
"""

SINGLE_GRADIENT = """
gradient = g/beta
"""

# The two directions of a pair have one weight, and one gradient.
PAIR_GRADIENT = """
gradient = int(i != j)*(g + g_transposed)/(4*beta)
"""

SINGLE_PAIR_GRADIENT = """
gradient = int(i != j)*(g + g_transposed)/(2*beta)
"""

# What was gathered is used up.
EMPTIED = """
g = 0
"""

GRADIENT_DESCENT = """
change = -eta*gradient
"""

ADAM_STATE = """
moment   : 1
square   : 1
count    : 1
decay_moment : 1 (shared, constant)
decay_square : 1 (shared, constant)
epsilon      : 1 (shared, constant)
"""

# Kingma & Ba 2015, arXiv 1412.6980.
ADAM = """
count  = count + 1
moment = decay_moment*moment + (1 - decay_moment)*gradient
square = decay_square*square + (1 - decay_square)*gradient*gradient
change = -eta*moment/(1 - decay_moment**count)/(sqrt(square/(1 - decay_square**count)) + epsilon)
"""

ADAM_PARAMETERS = {"decay_moment": 0.9, "decay_square": 0.999, "epsilon": 1e-8}

# What an optimiser remembers from one presentation, and one epoch, to the next.
REMEMBERED = {"gradient-descent": (), "adam": ("moment", "square", "count")}

OPTIMISERS = {
    "gradient-descent": ("", GRADIENT_DESCENT, {}),
    "adam": (ADAM_STATE, ADAM, ADAM_PARAMETERS),
}

# Masses stay above zero, and no neuron softens.
CHANGE_W = "w = w + v_unit*change"
CHANGE_INPUT = "B = B + v_unit*change"
CHANGE_BIAS = "b = b + v_unit*change"
CHANGE_STIFFNESS = "k = k + v_unit*change"
CHANGE_HARDENING = "l = clip(l + v_unit*change, least*v_unit, inf*v_unit)"
CHANGE_MASS = "m = clip(m + v_unit*change, least*v_unit, inf*v_unit)"

# --- what is learned ------------------------------------------------------------------


def synapse(
    settings: Settings,
    equations: str,
    gradient: str,
    change: str,
    *,
    parameters: Mapping = MappingProxyType({}),
    **known,
) -> SynapseModel:
    """Synapses with equations, how they read their gradient, and what they change."""
    state, optimiser, constants = named(OPTIMISERS, settings.optimiser, "optimiser")
    return SynapseModel(
        equations + OPTIMISED + state,
        parameters={**hamiltonian.NEURON_PARAMETERS, **constants, **parameters},
        update=gradient + EMPTIED + optimiser + change,
        carried=REMEMBERED[settings.optimiser],
        **known,
    )


@dataclass(frozen=True)
class EchoEquations:
    """The equations of two copies or of one, and how their gradients are read."""

    neuron: NeuronModel
    synapse: str
    input_synapse: str
    gradient: str
    pair_gradient: str
    position: str


SYMMETRIC = EchoEquations(
    NeuronModel(
        hamiltonian.NEURON,
        parameters=hamiltonian.NEURON_PARAMETERS,
        onset=hamiltonian.ONSET,
        regularly={
            moment.FIRST_HALF: hamiltonian.DRIFT,
            moment.SECOND_HALF: hamiltonian.DRIFT_AGAIN,
        },
        returning=("q_plus", "p_plus"),
    ),
    hamiltonian.SYNAPSE,
    hamiltonian.INPUT_SYNAPSE,
    *(GRADIENT, PAIR_GRADIENT, "q_plus"),
)

ONE_SIDED = EchoEquations(
    NeuronModel(
        hamiltonian.SINGLE_NEURON,
        parameters=hamiltonian.NEURON_PARAMETERS,
        onset=hamiltonian.SINGLE_ONSET,
        regularly={
            moment.FIRST_HALF: hamiltonian.SINGLE_DRIFT,
            moment.SECOND_HALF: hamiltonian.SINGLE_DRIFT_AGAIN,
        },
        returning=("q", "p"),
    ),
    hamiltonian.SINGLE_SYNAPSE,
    hamiltonian.SINGLE_INPUT_SYNAPSE,
    *(SINGLE_GRADIENT, SINGLE_PAIR_GRADIENT, "q"),
)

ECHOES = {"symmetric": SYMMETRIC, "one-sided": ONE_SIDED}

# Read before the neurons move; what neurons have gathered is taken after they have.
OF_NEURONS = {"deliver": moment.BEGIN, "when": moment.LEARN}


def of_neurons(settings: Settings, gradient: str) -> dict[str, SynapseModel]:
    """Bias, stiffness, hardening and mass of every neuron, from the one unit."""
    bias = (hamiltonian.BIAS, gradient, CHANGE_BIAS)
    stiffness = (hamiltonian.STIFFNESS, gradient, CHANGE_STIFFNESS)
    hardening = (hamiltonian.HARDENING, gradient, CHANGE_HARDENING)
    mass = (hamiltonian.MASS, gradient, CHANGE_MASS)
    soft, light = {"least": 0.0}, {"least": 0.2}
    return {
        "bias": synapse(settings, *bias, weight="b", **OF_NEURONS),
        "stiffness": synapse(
            settings, *stiffness, weight="k", initial=1.0, **OF_NEURONS
        ),
        "hardening": synapse(
            *(settings, *hardening),
            weight="l",
            initial=0.1,
            parameters=soft,
            **OF_NEURONS,
        ),
        "mass": synapse(
            *(settings, *mass), weight="m", initial=1.0, parameters=light, **OF_NEURONS
        ),
    }


def model(settings: Settings) -> NetworkModel:
    """The equations for a nudging and an optimiser: one layer joined to itself."""
    if settings.edges != ((0, 1), (1, 1)):
        raise InputError(
            f"connections {settings.edges}: an echo is of one layer joined to itself, "
            "(0, 1) and (1, 1)"
        )
    echo = named(ECHOES, settings.nudging, "nudging")
    pairs = (echo.synapse, echo.pair_gradient, CHANGE_W)
    inputs = (echo.input_synapse, echo.gradient, CHANGE_INPUT)
    local = of_neurons(settings, echo.gradient)
    return NetworkModel(
        input=NeuronModel(hamiltonian.INPUT),
        hidden=echo.neuron,
        output=echo.neuron,
        synapse=synapse(settings, *inputs, weight="B"),
        lateral=synapse(settings, *pairs, weight="w", symmetric=True),
        bias=local.pop("bias"),
        local=local,
        energy=hamiltonian.ENERGY,
        cost="cost",
        read_out="score" if settings.judged else echo.position,
        read_out_unit=None,
        activity=None,
        source=SOURCE,
    )


def echo_settings(
    *, free: float, judged: float = 0.125, eta: tuple[float] = (0.004,), **choices
) -> Settings:
    """Settings that were measured to work, for a run of this length."""
    return Settings(
        connections=((0, 1), (1, 1)),
        eta=eta,
        beta=0.05,
        free=free,
        nudged=free,
        step=0.4,
        nudging="symmetric",
        optimiser="adam",
        judged=judged,
        **choices,
    )


RHEL = Rule(
    name="rhel",
    summary="run, turn the momenta round, run back nudged: the adjoint, without memory",
    source=SOURCE,
    model=model,
    protocol=lambda settings: run_then_echo(settings.nudging, settings.free),
    parameters=(among(NUDGING, *ECHOES), OPTIMISER, JUDGED, READ),
    defaults={
        "digits-rows": echo_settings(layers=(8, 64), free=16, epochs=40, read=10),
        "digits-pixels": echo_settings(layers=(1, 64), free=51.2, epochs=120, read=10),
        "sine-frequencies": echo_settings(
            layers=(1, 32), free=25.6, epochs=15, read=4, judged=0.25
        ),
        "delayed-recall": echo_settings(layers=(5, 32), free=25.6, epochs=15, read=4),
        # Sizes are those of the data, see neuro_ep.tasks.series_files.
        "uea": echo_settings(layers=(1, 64), free=16, epochs=40, read=2, judged=0.5),
    },
    family="echo",
    bounds={
        "reversal": (0, 1e-12),
        "relative_error": (0, 1e-5),
        "cosine": (1 - 1e-9, 1 + 1e-9),
        "relative_error_coarse": (0, 1e-5),
        "relative_error_fine": (0, 1e-5),
        "relative_error_end": (0, 1e-5),
        "relative_error_start": (0, 1e-3),
        "float32_error": (0, 1e-3),
        "control_targets": (5e-3, 1e3),
        "control_inputs": (0.3, 1e3),
        "control_whole_steps": (5e-3, 1e3),
        "control_antisymmetric": (3e-3, 1e3),
        "reversal_antisymmetric": (0, 1e-12),
    },
    claims={
        "gradient": "that of the discrete cost, at every dt, as beta goes to 0",
        "order in beta": "2 symmetric, 1 one-sided",
        "reversible": "an echo that is not nudged returns to the start, to rounding",
        "local": "post x pre of one neuron pair, difference of two echoes",
    },
)
