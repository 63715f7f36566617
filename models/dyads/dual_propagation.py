"""Dual propagation (DP): every neuron is a dyad of two states.

Hoeier, Staudt, Zach 2023, "Dual Propagation: Accelerating Contrastive Hebbian Learning
with Dyadic Neurons", arXiv 2302.01228; Hoeier, Zach 2024, "Two Tales of Single-Phase
Contrastive Hebbian Learning", arXiv 2402.08573 (alpha, the transpose); any graph:
Hoeier, Kalinin, Ernoult, Zach 2024, dyadic learning (see also Scurria et al. 2026,
arXiv 2602.03670). The compartments in continuous time are derived here.

The mean of the two states carries activity upwards, their difference carries the error
downwards, both at once: a synapse of weight w delivers ``w*s_mean_pre`` to the basal
compartment of the neuron above and ``w*s_diff_post`` to the apical one of the neuron
below. No derivative of the activation is taken, and there is one phase. Symbols and cost
are those of :mod:`neuro_ep.models.dyads.neurons`.

Time
    The compartments are two linear low-pass filters; what they settle to is the closed
    form of the papers, whatever their time constants. With an Euler step of one time
    constant, and layers that move one after another within it, from the input up and
    down again, one step *is* the layerwise closed form: a forward and a backward sweep.

Deviations
    beta is a nudge of every sample, and the update is the mean over the batch (the code
    of 2023 nudges the batch mean). One beta for all layers.
    The damped updates of the code of 2024 (for ReLU at alpha other than 1/2) weigh the
    old state in; here the compartments move by a part of the way, which does the same
    and moves no fixed point, whatever the activation (dynamics "damped").
"""

from brian2 import mV

from neuro_ep.errors import InputError
from neuro_ep.models.dyads.neurons import (
    ACTIVATIONS,
    APICAL,
    APICAL_TIMES,
    AT_THE_MEAN,
    BASAL,
    BASAL_TIMES,
    COSTS,
    DYAD,
    FROZEN,
    INPUT,
    LINEAR,
    LINKED,
    NORMALISER,
    OUTPUT,
    OUTPUT_APICAL,
    POOLED,
    PROXIMAL,
    UNITS,
    gains_of,
)
from neuro_ep.models.dyads.protocol import protocol
from neuro_ep.models.dyads.synapses import (
    BIAS,
    FEEDBACK,
    FORWARD,
    PLASTICITY,
    POOL,
    TIED,
)
from neuro_ep.models.equilibrium.hopfield import named
from neuro_ep.models.equilibrium.published import measured
from neuro_ep.records import moment
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel
from neuro_ep.records.parameter import (
    ACTIVATION,
    ALPHA,
    COST,
    DECAY,
    DYNAMICS,
    FILTERS,
    IMAGE,
    NUDGED,
    NUDGING,
    TOLERANCE,
    WEIGHT_ANGLE,
    among,
)
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

SOURCE = "Hoeier et al. 2023, arXiv 2302.01228; Hoeier & Zach 2024, arXiv 2402.08573"

#: Sweeps; compartments that settle; the same, from sample to sample; slow sweeps with
#: the slope of the cost where the free prediction was.
KINDS_OF_TIME = ("discrete", "continuous", "stream", "damped")


def dyads(settings: Settings, transpose=False, separate=False) -> NetworkModel:
    """The equations for an activation, a cost and a kind of time.

    transpose
        Feedback gains swapped (the Lagrangian form): with alpha of 0 or 1 feedback
        never touches the forward pass.
    separate
        Feedback weights of their own.
    """
    activity = named(ACTIVATIONS, settings.activation, "activation of dyads")
    named(dict.fromkeys(KINDS_OF_TIME), settings.dynamics, "dynamics")
    gains = gains_of(settings.alpha, transpose)
    moves = settings.dynamics != "stream"
    known = {
        "parameters": {**gains, **UNITS, **BASAL_TIMES},
        "onset": {"m": 0 * mV} if moves else {},
        "apical": NeuronModel(APICAL, APICAL_TIMES, {"d": 0 * mV} if moves else {}),
    }
    return NetworkModel(
        input=NeuronModel(INPUT),
        hidden=NeuronModel(BASAL + activity + DYAD, **known),
        pooled=NeuronModel(POOLED + LINEAR + DYAD, **known),
        pool=SynapseModel(POOL, None, UNITS),
        output=_output(settings, gains, known["onset"]),
        **(_separate(settings) if separate else _tied(settings)),
        bias=SynapseModel(BIAS, "b", {**UNITS, **BASAL_TIMES}, when=moment.LEARN),
        normaliser=(
            SynapseModel(NORMALISER, None, UNITS)
            if settings.cost == "cross-entropy"
            else None
        ),
        energy={},
        cost="squared-error" if settings.cost == "proximal" else settings.cost,
        read_out="m",
        read_out_unit="v_unit",
        activity=None,
        sweep=True,
        time_constant="tau_basal",
        source=SOURCE,
    )


def _tied(settings: Settings) -> dict:
    if settings.decay:
        raise InputError(
            f"decay = {settings.decay}: only feedback weights of their own need it; "
            "leave it out, or choose the rule dual-propagation-kolen-pollack"
        )
    known = {**UNITS, **BASAL_TIMES}
    return {"synapse": SynapseModel(PLASTICITY + TIED, "w", known, when=moment.LEARN)}


def _separate(settings: Settings) -> dict:
    known = {"decay": settings.decay, **UNITS, **BASAL_TIMES}
    return {
        "synapse": SynapseModel(FORWARD, "w", known, when=moment.LEARN),
        "backward": SynapseModel(FEEDBACK, "w", known, when=moment.LEARN),
    }


def _output(settings: Settings, gains, onset) -> NeuronModel:
    """Linear output neurons with the nudge of a cost."""
    known = {**gains, **UNITS, **BASAL_TIMES}
    if settings.cost == "proximal":
        if gains["c_minus"] * settings.beta >= 1:
            raise InputError(
                f"beta = {settings.beta}, alpha = {settings.alpha}: the proximal step "
                f"needs beta below {1 / gains['c_minus']:g}; lower beta, or choose "
                "the cost squared-error, which is linearised"
            )
        return NeuronModel(OUTPUT + PROXIMAL + DYAD, known, onset)
    nudge = named(COSTS, settings.cost, "cost of dyads (or 'proximal')")
    frozen = settings.dynamics in ("discrete", "damped")
    return NeuronModel(
        OUTPUT + LINKED + LINEAR + DYAD,
        known,
        onset,
        apical=NeuronModel(
            OUTPUT_APICAL + nudge + (FROZEN if frozen else AT_THE_MEAN),
            {**UNITS, **APICAL_TIMES, **({} if frozen else gains)},
            onset={name: value for name, value in {"d": 0 * mV}.items() if onset},
        ),
    )


# Test accuracies are means of seeds 0 to 4; backpropagation from the same weights, with
# the same data and rate: 0.986 (sims/dual_propagation_training.py).

#: 0.984; the transpose at alpha 0: 0.986.
DIGITS = Settings(
    layers=(64, 128, 10),
    eta=(0.2,),
    beta=0.1,
    free=0,
    nudged=1,
    step=1.0,
    epochs=50,
    nudging="one-sided",
    activation="relu",
    dynamics="discrete",
)

#: Compartments that settle to within some percent of the gradient.
CONTINUOUS = changed(DIGITS, dynamics="continuous", free=6, nudged=2, step=0.5)

#: Samples follow one another without a pause, and plasticity is never closed.
STREAM = changed(DIGITS, dynamics="stream", free=0, nudged=40, step=0.5, epochs=30)

#: The same, but weights move only once the dyads have settled.
GATED = changed(STREAM, free=16, nudged=4)

#: Two convolutions, then all to all.
CONVOLUTION = changed(
    DIGITS,
    layers=(64, 1024, 512, 10),
    image=(1, 8, 8),
    filters=("16c3p1", "32c3s2p1", "all"),
    eta=(0.1,),
    epochs=40,
)

PRESETS = {
    "digits-convolution": measured(CONVOLUTION, 0.988),
    "digits-continuous": measured(CONTINUOUS, 0.984),
    "digits-stream": measured(STREAM, 0.983),
    "digits-stream-gated": measured(GATED, 0.984),
}

CLAIMS = {
    "gradient": "that of backpropagation to second order in beta at alpha = 1/2, to "
    "first order otherwise",
    "settling": "the compartments settle to the layerwise closed form",
    "local": "dw/dt reads the two dyads it joins, eta, beta and the gate",
}

BOUNDS = {
    "relative_error": (0, 1e-4),
    "cosine": (1 - 1e-8, 1 + 1e-8),
    "order_in_beta": (1.95, 2.05),
    "order_in_beta_quarter": (0.95, 1.05),
    "linear_error": (0, 1e-12),
    "settled_error": (0, 1e-12),
}

#: What all rules of dyads read; the kinds of time come last.
PARAMETERS = (
    *(ACTIVATION, ALPHA, COST, DECAY, NUDGED, TOLERANCE),
    among(NUDGING, "one-sided"),
    among(DYNAMICS, *KINDS_OF_TIME),
)

DUAL_PROPAGATION = Rule(
    name="dual-propagation",
    summary="dyads: the mean of two states carries activity, their difference error",
    source=SOURCE,
    model=dyads,
    protocol=protocol,
    parameters=(*PARAMETERS, FILTERS, IMAGE),
    defaults={"digits": DIGITS},
    presets=PRESETS,
    regression_rates=(0.7, 0.1),
    claims=CLAIMS,
    family="dyads",
    bounds={**BOUNDS, "forward_change": None},
)

DYADIC = Rule(
    name="dyadic",
    summary="dyads on any graph: recurrent, skip and lateral connections",
    source="Hoeier, Kalinin, Ernoult & Zach 2024 (MLNCP workshop at NeurIPS)",
    model=dyads,
    protocol=protocol,
    parameters=(*PARAMETERS[:-1], among(DYNAMICS, "continuous", "stream")),
    defaults={
        "digits": Settings(  # 0.977
            layers=(64, 128, 10),
            connections=((0, 1), (1, 1), (1, 2), (0, 2)),
            eta=(0.1, 0.01, 0.1, 0.01),
            beta=0.1,
            free=8,
            nudged=2,
            step=0.5,
            epochs=30,
            nudging="one-sided",
            activation="hard-sigmoid",
            dynamics="continuous",
        )
    },
    claims={
        "gradient": "the implicit gradient of the free fixed point, to second order in "
        "beta, for any weights",
        "local": "dw/dt reads the two dyads it joins, eta, beta and the gate",
    },
    family="dyadic graphs",
    bounds={"relative_error": (0, 1e-3), "order_in_beta": (1.95, 2.05)},
)

KOLEN_POLLACK = Rule(
    name="dual-propagation-kolen-pollack",
    summary="dyads whose feedback weights are their own, and align by decay",
    source="Hoeier et al. 2023, arXiv 2302.01228; Kolen & Pollack 1994",
    model=lambda settings: dyads(settings, separate=True),
    protocol=protocol,
    parameters=(*PARAMETERS, WEIGHT_ANGLE),
    # 0.975, with cosines of forward and feedback weights above 0.99
    defaults={"digits": changed(DIGITS, weight_angle=90, decay=5e-4)},
    claims={
        "alignment": "forward and feedback weights become each other's transpose",
        "local": "dw/dt reads the two dyads it joins, eta, beta and the gate",
    },
    family="dyads",
    bounds={**BOUNDS, "forward_change": None},
)

DUAL_PROPAGATION_TRANSPOSE = Rule(
    name="dual-propagation-transpose",
    summary="dyads with swapped feedback gains: at alpha 0 and 1 no feedback loop",
    source=SOURCE,
    model=lambda settings: dyads(settings, transpose=True),
    protocol=protocol,
    parameters=(*PARAMETERS, FILTERS, IMAGE),
    defaults={"digits": changed(DIGITS, alpha=0.0)},
    regression_rates=(0.7, 0.1),
    claims=CLAIMS | {"forward pass": "untouched by feedback at alpha 0, bit for bit"},
    family="dyads",
    bounds={**BOUNDS, "forward_change": (0, 0)},
)
