"""Networks with event pathways, dense and stock, run as a script.

    python event_scenarios.py {stock,numpy,cython,standalone} RESULT.npz [BUILD_FOLDER]

``stock`` runs Brian2's own ``Synapses`` with one replica, on the numpy target. What is
written: the variables after ``STEPS`` steps, keyed ``scenario/replicas/variable``, and
``stdp/1/recorded``, the weights right after the events of every step.
"""

import sys

import numpy as np
from brian2 import (
    BrianLogger,
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    get_device,
    ms,
    mV,
    prefs,
    set_device,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject

STEPS = 60
DT = 0.1 * ms
REPLICAS = (1, 3)
N_PRE, N_POST = 5, 4

#: How often a neuron spikes in a step: often, so that both ends of a synapse, in
#: several replicas, spike in the same step.
CHANCE = 0.2

NEURONS = """
    dx/dt = -x/(2*ms) : 1
    I : volt
    J : volt
    drive : volt
    sent : volt
    learning : 1 (shared)
"""

#: Those that change weights.
PLASTIC = ("stdp", "eqspike")

#: Name -> equations of the synapses, and the code of their pathways.
SCENARIOS = {
    "transmission": ("w : volt", {"on_pre": "I_post += w"}),
    "stdp": (
        """w : volt
        eta : volt (shared, constant)""",
        {
            "on_pre": """J_post += w
                w = clip(w - eta*x_post, 0*mV, 1.5*mV)""",
            "on_post": "w = clip(w + eta*x_pre, 0*mV, 1.5*mV)",
        },
    ),
    "eqspike": (
        """w : volt
        eta : volt (shared, constant)
        beta : 1 (shared, constant)
        plastic : 1 (shared)""",
        {
            "on_pre": "drive_post += w ; w = w + (eta/beta)*x_post*plastic ; "
            "sent_pre += w",
            "on_post": "drive_pre += w ; w = w - (eta/beta)*x_pre*learning_pre",
        },
    ),
}
SHARED = {"eta": 0.2 * mV, "beta": 0.5, "plastic": 0.8}


def raster(side, replicas):
    """Steps x neurons, replica-major: which neuron spikes in which step."""
    n = N_PRE if side == "pre" else N_POST
    draw = np.random.default_rng(["pre", "post"].index(side))
    return draw.random((STEPS, max(REPLICAS), n))[:, :replicas].reshape(STEPS, -1) < (
        CHANCE
    )


def initial_weights(name):
    """In millivolt."""
    draw = np.random.default_rng(sum(name.encode()))
    return draw.uniform(0.2, 1.3, (N_PRE, N_POST))


def neurons(side, replicas, by_numpy):
    spikes = raster(side, replicas)
    table = TimedArray(spikes.astype(float), dt=DT, name=f"raster_{side}_{replicas}")
    group = NeuronGroup(
        spikes.shape[1],
        NEURONS,
        threshold="spikes_now(t, i) > 0",
        reset="x += 1",
        method="euler",
        namespace={"spikes_now": table},
        name=f"{side}_{replicas}",
        codeobj_class=by_numpy,
    )
    group.learning = 0.6
    return group


def connect(name, source, target, replicas, stock):
    model, code = SCENARIOS[name]
    weights = initial_weights(name) * mV
    if stock:
        synapses = Synapses(source, target, model, name=f"{name}_{replicas}", **code)
        synapses.connect()
        weights = weights.ravel()
    else:
        from neuro_ep.engine.dense import DenseSynapses

        synapses = DenseSynapses(
            source,
            target,
            model,
            replicas=replicas,
            name=f"{name}_{replicas}",
            **code,
        )
    synapses.w = weights
    for variable, value in SHARED.items():
        if variable in synapses.equations:
            setattr(synapses, variable, value)
    return synapses


def main(target, result, folder=None):
    BrianLogger.log_level_error()
    stock = target == "stock"
    if target == "standalone":
        from neuro_ep.run.compiler import take_over

        set_device("cpp_standalone", directory=folder)
        prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-std=c++17"]
        take_over(get_device())
    else:
        prefs.codegen.target = "numpy" if stock else target
    by_numpy = NumpyCodeObject if target == "cython" else None
    defaultclock.dt = DT
    network, built = Network(), {}
    for replicas in REPLICAS[: 1 if stock else None]:
        pre, post = (neurons(side, replicas, by_numpy) for side in ("pre", "post"))
        made = {name: connect(name, pre, post, replicas, stock) for name in PLASTIC}
        if replicas == 1:
            made["transmission"] = connect("transmission", pre, post, 1, stock)
        network.add(pre, post, *made.values())
        built[replicas] = pre, post, made
    monitor = StateMonitor(
        built[1][2]["stdp"],
        "w",
        record=True,
        when="after_synapses",
        codeobj_class=by_numpy,
    )
    network.add(monitor)
    network.run(STEPS * DT)
    recorded = {"stdp/1/recorded": np.asarray(monitor.w)}
    np.savez(result, **recorded, **dict(found(built)))


def found(built):
    """What is compared, in volt, replicas first."""
    for replicas, (pre, post, made) in built.items():
        for name, synapses in made.items():
            values = np.asarray(synapses.w).reshape(N_PRE, N_POST)
            yield f"{name}/{replicas}/w", values
        for key, group, variable in (
            ("transmission", post, "I"),
            ("stdp", post, "J"),
            ("eqspike", post, "drive"),
            ("eqspike", pre, "drive"),
            ("eqspike", pre, "sent"),
        ):
            side = "pre" if group is pre else "post"
            if key in made:
                values = np.asarray(group.state(variable, False)).reshape(replicas, -1)
                yield f"{key}/{replicas}/{variable}_{side}", values


if __name__ == "__main__":
    main(*sys.argv[1:])
