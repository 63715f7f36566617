"""Equilibrium propagation (EP): weights change by the contrast of two settled states.

Scellier & Bengio 2017, "Equilibrium Propagation: Bridging the Gap between Energy-Based
Models and Backpropagation", arXiv 1602.05179. The neurons, their energy, the symbols and
the conventions are those of :mod:`neuro_ep.models.equilibrium.hopfield`; the discrete-time networks
of Ernoult et al. 2019 are in :mod:`neuro_ep.models.equilibrium.prototypical`.

Estimator (settled states: free *, nudged +beta and -beta)
    one-sided   eta/beta     * ( rho_i rho_j (beta)  - rho_i rho_j (*)     )
    symmetric   eta/(2 beta) * ( rho_i rho_j (+beta) - rho_i rho_j (-beta) )
    random-sign one-sided, the sign of beta drawn for every presentation

Deviations
    Of the 2017 paper: neurons are reset for every presentation and not kept for every
    sample; the cost has the factor 1/2, so that its beta is half of ours.
"""

from neuro_ep.errors import InputError
from neuro_ep.models.equilibrium import prototypical
from neuro_ep.models.equilibrium import published as sets
from neuro_ep.models.equilibrium.hopfield import (
    ACTIVATIONS,
    Plasticity,
    is_discrete,
    named,
    network_model,
)
from neuro_ep.records.model import NetworkModel
from neuro_ep.records.parameter import (
    ACTIVATION,
    COST,
    DYNAMICS,
    FILTERS,
    IMAGE,
    NUDGED,
    NUDGING,
    TOLERANCE,
    among,
)
from neuro_ep.records.protocol import free_then_contrast
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "Scellier & Bengio 2017, arXiv 1602.05179"

# The exact difference of rho_pre*rho_post since the mark, written so that nothing
# cancels. The mark is the activity at the end of the phase before: plasticity is open
# once, in the last step of a presentation.
MARKED = """
dw/dt = plastic*v_unit*(eta/beta)*(since_mark_pre*rho_next_post + rho_mark_pre*since_mark_post)/dt : volt (clock-driven)
"""

BIAS_MARKED = """
db/dt = plastic*v_unit*(eta/beta)*since_mark_post/dt : volt (clock-driven)
"""

CONTRAST = Plasticity(MARKED, BIAS_MARKED, marked=True)


def model(settings: Settings) -> NetworkModel:
    """The equations for a kind of time, an activation and a cost."""
    named({"difference": None}, settings.plasticity, "plasticity of EP")
    if settings.plastic_every != 1:
        raise InputError(
            f"plastic_every = {settings.plastic_every}: in EP weights change once a "
            "presentation; leave it out or choose the rule continual-ep"
        )
    if is_discrete(settings):
        return prototypical.network_model(settings, prototypical.CONTRAST)
    return network_model(settings, CONTRAST, SOURCE)


EQUILIBRIUM_PROPAGATION = Rule(
    name="ep",
    summary="weights change by the contrast of two settled states",
    source=SOURCE,
    model=model,
    protocol=lambda settings: free_then_contrast(
        settings.nudging, settings.free, settings.nudged
    ),
    parameters=(
        *(FILTERS, IMAGE, NUDGING, NUDGED, TOLERANCE),
        among(ACTIVATION, *ACTIVATIONS),
        among(DYNAMICS, "continuous", "discrete"),
        among(COST, "squared-error", "cross-entropy"),
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
        "mnist": sets.EP["mnist-ep-1h"].settings,
    },
    presets=sets.EP,
    regression_rates=(10.0, 2.0),
    claims={
        "gradient": "the contrast follows the gradient of the cost as beta goes to 0",
        "order in beta": "1 one-sided, 2 symmetric",
        "local": "dw/dt reads the two neurons it joins, eta, beta and the gate",
    },
)
