"""The networks on which convolutions and stock synapses are compared, run as a script.

    python convolutions.py {stock,large_kernel,large_change,numpy,cython,standalone}
                           RESULT.npz [BUILD_FOLDER]

``stock`` is the oracle: Brian2's own ``Synapses`` on the numpy target, one network a
replica, one synapse a connection, listed one by one below. At the end of every step the
synapses that share a weight get the sum of their changes, the mean over replicas. The
oracle with kernels 0.1 % too large, or with changes 0.1 % too large, has to differ. All
other targets run the synapses under test. What is written: every variable of every
scenario after ``STEPS`` steps, keyed ``scenario/replicas/variable``.
"""

import sys
from dataclasses import dataclass, field

import numpy as np
from brian2 import (
    BrianLogger,
    Network,
    NetworkOperation,
    NeuronGroup,
    Synapses,
    defaultclock,
    get_device,
    ms,
    mV,
    prefs,
    set_device,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject

STEPS = 50
DT = 0.1 * ms
MOST_REPLICAS = 4
SHAPE, CHANNELS, KERNEL, WINDOW = (2, 6, 4), 3, (3, 2), 2

NEURONS = """
    dv/dt = (I_forward + I_back - v)/(4*ms) : volt
    I_forward : volt
    I_back : volt
    count : 1
    x = 1/(1 + exp(-v/mV)) : 1
    y = tanh(v/mV) : 1
    half = 0.5 : 1
    silent = 0 : 1
"""


@dataclass(frozen=True)
class Scenario:
    """Equations of the synapses; ``stock`` where those of the oracle differ."""

    synapses: str
    stock: str = ""
    kind: str = "convolution"
    stride: int = 1
    padding: int = 0
    values: dict = field(default_factory=dict)
    states: tuple = ("w",)
    keywords: dict = field(default_factory=dict)
    dtype: type = np.float64
    replicas: tuple = (MOST_REPLICAS,)


TIED = """
    I_forward_post = w*x_pre : volt (summed)
    I_back_pre = w*y_post : volt (summed)
"""
HEBB = {"eta": 0.05 * mV, "tau": 5 * ms}
HEBB_TEXT = """
    eta : volt (shared, constant)
    tau : second (shared, constant)
"""
SEPARABLE = f"""
    dw/dt = eta*(x_pre*y_post + 0.5*y_pre*x_post**2)/tau : volt (clock-driven)
    {TIED} {HEBB_TEXT}
"""
SUMS = """
    w : volt
    k : 1
    eta : volt (shared, constant)
    I_forward_post = (w*x_pre + eta*y_pre)*(1 + y_post) - eta : volt (summed)
    I_back_pre = k*y_post*x_pre*eta + w*half_post + w*silent_pre : volt (summed)
    count_post = k*x_pre : 1 (summed)
"""
# Of the terms that read no neuron, each synapse of the oracle has its share: ``once``.
DECAY = f"""
    dw/dt = (eta*x_pre*y_post - 0.02*w*y_post**2 - 0.01*w*x_pre*half_post
             - 0.3*w*once + eta*once + 0.1*eta*half_pre)/tau : volt (clock-driven)
    once : 1 (shared)
    {TIED} {HEBB_TEXT}
"""
TWO_STATES = f"""
    dw/dt = (eta*x_pre*y_post - 0.1*u*x_post)/tau : volt (clock-driven)
    du/dt = (0.1*w*x_pre*x_post - u*once)/tau : volt (clock-driven)
    once : 1 (shared)
    I_forward_post = w*x_pre + u*y_pre : volt (summed)
    I_back_pre = u*y_post : volt (summed)
    {HEBB_TEXT}
"""
POOL = """
    I_forward_post = 5*mV*x_pre : volt (summed)
    I_back_pre = 5*mV*y_post : volt (summed)
"""
POOL_STOCK = """
    w : 1
    I_forward_post = 5*mV*w*x_pre : volt (summed)
    I_back_pre = 5*mV*w*y_post : volt (summed)
"""
BIAS = f"""
    db/dt = eta*y_post/tau - 0.2*eta*half_pre/tau : volt (clock-driven)
    I_forward_post = b : volt (summed)
    I_back_pre = b*x_post : volt (summed)
    {HEBB_TEXT}
"""


def shared(text):
    return text.replace("once : 1 (shared)", "once : 1")


SCENARIOS = {
    f"stride_{stride}_padding_{padding}": Scenario(
        SEPARABLE, stride=stride, padding=padding, values=HEBB, replicas=(1, 4)
    )
    for stride in (1, 2)
    for padding in (0, 1)
}
SCENARIOS |= {
    "sums": Scenario(
        SUMS, stride=2, padding=1, values={"k": "random", "eta": 0.1 * mV}
    ),
    "decay": Scenario(
        DECAY, shared(DECAY), stride=2, padding=1, values=HEBB | {"once": 1}
    ),
    "two_states": Scenario(
        TWO_STATES,
        shared(TWO_STATES),
        padding=1,
        values=HEBB | {"u": "random", "once": 1},
        states=("w", "u"),
    ),
    "slow": Scenario(SEPARABLE, values=HEBB, keywords={"dt": 3 * DT, "order": 1}),
    "pool": Scenario(POOL, POOL_STOCK, kind="pool", states=()),
    "bias": Scenario(BIAS, kind="bias", values=HEBB, states=("b",)),
}
CASES = [(name, n) for name, found in SCENARIOS.items() for n in found.replicas]
PLASTIC = [case for case in CASES if case[0] not in ("sums", "pool")]

#: Run on the synapses under test alone.
SINGLE = {
    "single": Scenario(SEPARABLE, stride=2, padding=1, values=HEBB, dtype=np.float32)
}


def connections(scenario):
    """Presynaptic neuron, postsynaptic neuron and weight of every synapse."""
    channels_in, height, width = SHAPE
    found = []
    if scenario.kind == "pool":
        rows, columns = height // WINDOW, width // WINDOW
        for c, y, x in np.ndindex(SHAPE):
            to = (c * rows + y // WINDOW) * columns + x // WINDOW
            found.append(((c * height + y) * width + x, to, 0))
    elif scenario.kind == "bias":
        for c, y, x in np.ndindex(CHANNELS, height, width):
            found.append((0, (c * height + y) * width + x, c))
    else:
        tops, lefts = (
            range(-scenario.padding, n + scenario.padding - size + 1, scenario.stride)
            for n, size in zip((height, width), KERNEL, strict=True)
        )
        for c, row, column in np.ndindex(CHANNELS, len(tops), len(lefts)):
            to = (c * len(tops) + row) * len(lefts) + column
            for c_in, a, b in np.ndindex(channels_in, *KERNEL):
                y, x = tops[row] + a, lefts[column] + b
                if 0 <= y < height and 0 <= x < width:
                    weight = (c_in * KERNEL[0] + a) * KERNEL[1] + b
                    neuron = (c_in * height + y) * width + x
                    found.append((neuron, to, weight * CHANNELS + c))
    return np.array(found).T


def initial(scenario):
    """The same initial values for every target: weights, others, potentials."""
    generator = np.random.default_rng(7)
    n_pre = 1 if scenario.kind == "bias" else np.prod(SHAPE)
    n_post = connections(scenario)[1].max() + 1
    inputs = 1 if scenario.kind == "bias" else SHAPE[0] * np.prod(KERNEL)
    shape = (inputs, CHANNELS)
    return {
        "weights": 0.3 * generator.normal(size=shape),
        "random": 0.3 * generator.normal(size=shape),
        "pre": generator.normal(size=(MOST_REPLICAS, n_pre)),
        "post": generator.normal(size=(MOST_REPLICAS, n_post)),
    }


def neurons(scenario, name, start, target):
    group = NeuronGroup(
        start.size,
        NEURONS,
        method="euler",
        dtype=scenario.dtype,
        name=f"n_{name}",
        codeobj_class=NumpyCodeObject if target == "cython" else None,
    )
    group.v = start.ravel() * mV
    return group


def under_test(scenario, pre, post, replicas, name):
    from neuro_ep.engine.convolution import BiasSynapses, ConvSynapses, PoolSynapses

    keywords = dict(replicas=replicas, name=name, dtype=scenario.dtype)
    keywords |= scenario.keywords
    ends = (pre, post, scenario.synapses)
    if scenario.kind == "pool":
        return PoolSynapses(*ends, shape=SHAPE, window=WINDOW, **keywords)
    if scenario.kind == "bias":
        return BiasSynapses(*ends, channels=CHANNELS, **keywords)
    return ConvSynapses(
        *ends,
        shape=SHAPE,
        channels=CHANNELS,
        kernel=KERNEL,
        stride=scenario.stride,
        padding=scenario.padding,
        **keywords,
    )


def initialise(synapses, scenario, spread):
    """Set all values; ``spread`` turns a matrix into the values of the synapses."""
    start = initial(scenario)
    for name in scenario.states:
        setattr(synapses, name, spread(start["weights"]) * mV)
    for name, value in scenario.values.items():
        if isinstance(value, str):
            value = spread(start[value]) * (1 if name == "k" else mV)
        setattr(synapses, name, value)


def build(name, scenario, replicas, target):
    """(pre, post, synapses) of one network with all replicas."""
    start = initial(scenario)
    pre = neurons(scenario, f"{name}{replicas}_pre", start["pre"][:replicas], target)
    post = neurons(scenario, f"{name}{replicas}_post", start["post"][:replicas], target)
    synapses = under_test(scenario, pre, post, replicas, f"z_{name}{replicas}")
    initialise(synapses, scenario, lambda matrix: matrix)
    return pre, post, synapses


def build_stock(name, scenario, replica, replicas, excess):
    """(pre, post, synapses) of one replica, with every connection a synapse."""
    start = initial(scenario)
    here = f"{name}{replicas}_{replica}"
    pre = neurons(scenario, f"{here}_pre", start["pre"][replica], "stock")
    post = neurons(scenario, f"{here}_post", start["post"][replica], "stock")
    synapses = Synapses(
        pre,
        post,
        scenario.stock or scenario.synapses,
        method="euler",
        name=f"z_{here}",
        **scenario.keywords,
    )
    i, j, weight = connections(scenario)
    synapses.connect(i=i, j=j)
    initialise(synapses, scenario, lambda matrix: (1 + excess) * matrix.ravel()[weight])
    if "once" in scenario.values:
        synapses.once = 1 / np.bincount(weight)[weight]
    if scenario.kind == "pool":
        synapses.w = (1 + excess) / WINDOW**2
    return pre, post, synapses


def sharing(networks, scenario, excess):
    """What makes synapses of separate networks share weights, after every step."""
    _, _, weight = connections(scenario)
    first = np.unique(weight, return_index=True)[1]
    every = [item[2] for item in networks]
    arrays = [
        [s.variables[name].get_value() for s in every] for name in scenario.states
    ]
    before = [np.array(values[0][first]) for values in arrays]

    def share():
        for number, values in enumerate(arrays):
            changes = [
                np.bincount(weight, array - before[number][weight]) for array in values
            ]
            before[number] = before[number] + (1 + excess) * np.mean(changes, axis=0)
            for array in values:
                array[:] = before[number][weight]

    return share


def states(networks, scenario, replicas):
    """All variables of the scenario as arrays, replicas first where there are any."""
    for side, position in (("pre", 0), ("post", 1)):
        for name in ("v", "I_forward", "I_back", "count"):
            parts = [np.array(item[position].state(name, False)) for item in networks]
            yield f"{side}_{name}", np.concatenate(parts).reshape(replicas, -1)
    for name in scenario.states:
        values = np.array(networks[0][2].state(name, False))
        if values.ndim == 1:  # of the oracle: one a synapse
            values = values[np.unique(connections(scenario)[2], return_index=True)[1]]
        yield name, values.ravel()


def build_oracle(network, name, scenario, replicas, kernel, change):
    parts = [
        build_stock(name, scenario, replica, replicas, kernel)
        for replica in range(replicas)
    ]
    updater = parts[0][2].state_updater
    if updater is not None:
        network.add(
            NetworkOperation(
                sharing(parts, scenario, change),
                clock=updater.clock,
                when=updater.when,
                order=updater.order,
                name=f"zzz_{name}_{replicas}",
            )
        )
    return parts


def main(target, result, folder=None):
    BrianLogger.log_level_error()
    stock = target in ("stock", "large_kernel", "large_change")
    kernel, change = (
        1e-3 * (target == "large_kernel"),
        1e-3 * (target == "large_change"),
    )
    if target == "standalone":
        from neuro_ep.run.compiler import take_over

        set_device("cpp_standalone", directory=folder)
        # quick to compile; "cython" has the optimising flags that users have
        prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-std=c++17"]
        take_over(get_device())
    else:
        prefs.codegen.target = "numpy" if stock else target
    defaultclock.dt = DT
    network, built = Network(), {}
    for name, scenario in (SCENARIOS | ({} if stock else SINGLE)).items():
        for replicas in scenario.replicas:
            if stock:
                parts = build_oracle(network, name, scenario, replicas, kernel, change)
            else:
                parts = [build(name, scenario, replicas, target)]
            network.add({item for part in parts for item in part})
            built[name, replicas] = scenario, parts
    network.run(STEPS * DT)
    found = {
        f"{name}/{replicas}/{variable}": values
        for (name, replicas), (scenario, parts) in built.items()
        for variable, values in states(parts, scenario, replicas)
    }
    np.savez(result, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
