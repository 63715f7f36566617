"""A rule in a file of its own: continual EP whose weights fade while they learn.

Run:       neuro-ep train digits --rule sims/my_rules.py:DECAY --decay 1e-5
           neuro-ep check sims/my_rules.py:DECAY         (without decay: the gradient)
"""

from dataclasses import replace

from neuro_ep import PARAMETERS
from neuro_ep.models import CONTINUAL_EP

FADING = "w = w - fading*w"


def model(settings):
    """The network of continual EP, and weights that fade each time they may change."""
    physics = CONTINUAL_EP.model(settings)
    phases = 2 if settings.nudging == "symmetric" else 1
    times = phases * max(1, round(settings.nudged / settings.step))
    fading = settings.decay * settings.plastic_every / times
    synapse = replace(
        physics.synapse,
        equations=physics.synapse.equations + "fading : 1 (shared, constant)\n",
        parameters={**physics.synapse.parameters, "fading": fading},
        update=FADING,
    )
    return replace(physics, synapse=synapse)


DECAY = replace(
    CONTINUAL_EP,
    name="continual-ep-decay",
    summary="continual EP whose weights fade while they learn",
    model=model,
    parameters=(*CONTINUAL_EP.parameters, PARAMETERS["decay"]),
    presets={},
    claims={"local": "as continual EP; a weight fades by itself"},
    bounds={**CONTINUAL_EP.bounds, "conserved": None},
)
