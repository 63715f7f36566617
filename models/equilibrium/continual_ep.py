"""Continual equilibrium propagation (C-EP): neurons and synapses move together.

Ernoult, Grollier, Querlioz, Bengio, Scellier 2020, "Equilibrium Propagation with
Continual Weight Updates", arXiv 2005.04168. The neurons, their energy, the symbols and
the conventions are those of :mod:`neuro_ep.models.equilibrium.hopfield`; the papers' discrete-time
networks are in :mod:`neuro_ep.models.equilibrium.prototypical`.

In the nudged phase every synapse moves by the change of ``rho_pre*rho_post`` at each
step, times eta/beta, which carries the sign of beta; neurons see the new weight at once.

Deviations: those of the neurons. Biases start at zero; the authors draw them.
"""

from neuro_ep.models.equilibrium import prototypical
from neuro_ep.models.equilibrium import published as sets
from neuro_ep.models.equilibrium.ep import CONTRAST
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
    PLASTIC_EVERY,
    PLASTICITY,
    TOLERANCE,
    among,
)
from neuro_ep.records.protocol import free_then_nudged
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

SOURCE = "Ernoult et al. 2020, arXiv 2005.04168"

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

# The difference is taken after the neurons have moved; the product rule reads rates
# before they move, with the currents of this step.
FORMS = {
    "difference": Plasticity(DIFFERENCE, BIAS_DIFFERENCE),
    "product-rule": Plasticity(PRODUCT_RULE, BIAS_PRODUCT_RULE, {"order": -0.5}),
}


def model(settings: Settings) -> NetworkModel:
    """The equations for a kind of time, an activation and a form of plasticity.

    Where plasticity is slower than a step, the difference is that since it was open
    last: the contrast of EP, taken every so often.
    """
    slow = settings.plastic_every > 1
    what = "plasticity with plastic_every" if slow else "plasticity"
    if is_discrete(settings):
        named({"difference": None}, settings.plasticity, "plasticity in discrete time")
        form = prototypical.CONTRAST if slow else prototypical.STEPWISE
        return prototypical.network_model(settings, form)
    form = named({"difference": CONTRAST} if slow else FORMS, settings.plasticity, what)
    return network_model(settings, form, SOURCE)


CONTINUAL_EP = Rule(
    name="continual-ep",
    summary="neurons and synapses move together in the nudged phase",
    source=SOURCE,
    model=model,
    protocol=lambda settings: free_then_nudged(
        settings.nudging, settings.free, settings.nudged, settings.plastic_every
    ),
    parameters=(
        *(FILTERS, IMAGE, NUDGING, NUDGED, TOLERANCE, PLASTICITY, PLASTIC_EVERY),
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
    presets=sets.CONTINUAL_EP,
    gain=True,
    claims={
        "conserved": "w - v_unit*(eta/beta) <rho_pre rho_post> in the nudged phase",
        "gradient": "each step follows the BPTT gradient as eta, then beta, go to 0",
        "order in beta": "1 one-sided, 2 symmetric",
        "local": "dw/dt reads the two neurons it joins, eta, beta and the gate",
    },
)
