"""The networks on which dense and stock synapses are compared, run as a script.

    python scenarios.py {stock,wrong,numpy,cython,standalone} RESULT.npz [BUILD_FOLDER]

One process a target keeps Brian2's global device state apart. ``stock`` is the oracle:
separate networks of Brian2's own ``Synapses`` on the numpy target, one a replica, whose
weights are set to their mean at the end of every step. ``wrong`` is the same with every
weight change 0.1 % too large; a comparison with it has to fail. All other targets run
``DenseSynapses``. What is written: every variable of every scenario after ``STEPS``
steps, keyed ``scenario/replicas/variable``, replicas first.
"""

import sys
from dataclasses import dataclass, field, replace

import numpy as np
from brian2 import (
    BrianLogger,
    Equations,
    Network,
    NetworkOperation,
    NeuronGroup,
    Synapses,
    TimedArray,
    defaultclock,
    get_device,
    ms,
    mV,
    nS,
    pA,
    prefs,
    set_device,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.equations.equations import SUBEXPRESSION

STEPS = 50
DT = 0.1 * ms
REPLICAS = (1, 4)
N_PRE, N_POST = 5, 3

RATE = """
    dv/dt = (I_forward + I_back - v)/(4*ms) : volt
    I_forward : volt
    I_back : volt
    count : 1
    gain : 1 (shared)
    x = 1/(1 + exp(-v/mV)) : 1
    y = tanh(v/mV) : 1
    silent = 0 : 1
"""

MEMBRANE = """
    dv/dt = (g_leak*(-60*mV - v) + I_syn + J_syn)/C : volt
    ds/dt = (v/mV/60 + 1.2 - s)/tau_s : 1
    I_syn : amp
    J_syn : amp
    active : siemens
    tau_s : second
    C : farad
    g_leak : siemens (shared, constant)
"""


@dataclass(frozen=True)
class Scenario:
    """Equations of the synapses between two groups, and what to set in them."""

    synapses: str
    neurons: str = RATE
    weight: object = mV
    values: dict = field(default_factory=dict)
    keywords: dict = field(default_factory=dict)
    recurrent: bool = False
    dtypes: tuple = (np.float64, np.float64)  # of the neurons, of the dense synapses
    brian2_neurons: bool = False  # on "cython" also compile the neurons
    prefix: str = "z"  # of the name of dense synapses, which decides nothing


TIED = """
    I_forward_post = w*x_pre : volt (summed)
    I_back_pre = w*y_post : volt (summed)
"""
HEBB = {"eta": 0.5 * mV, "tau": 5 * ms}
HEBB_TEXT = """
    eta : volt (shared, constant)
    tau : second (shared, constant)
"""
SEPARABLE = f"""
    dw/dt = eta*(x_pre*y_post + 0.5*y_pre*x_post**2)/tau : volt (clock-driven)
    {TIED} {HEBB_TEXT}
"""
OJA = f"""
    dw/dt = (eta*x_pre*y_post - w*y_post**2 - 0.1*w)/tau : volt (clock-driven)
    {TIED} {HEBB_TEXT}
"""
NON_SEPARABLE = f"""
    dw/dt = 0.1*eta*exp(-w/mV*x_pre*y_post)/tau : volt (clock-driven)
    I_forward_post = w*exp(-w/mV*x_pre) : volt (summed)
    I_back_pre = tanh(w/mV*y_post)*mV : volt (summed)
    {HEBB_TEXT}
"""

SCENARIOS = {
    "tied": Scenario(f"w : volt\n{TIED}"),
    "separable": Scenario(SEPARABLE, values=HEBB, brian2_neurons=True),
    "terms": Scenario(
        f"""dw/dt = eta*(x_pre + 2*y_post)*(1 - y_pre*x_post)/tau
                - 0.2*(w - eta)*x_pre/tau : volt (clock-driven)
        I_forward_post = (w*x_pre + eta*y_pre)*(1 + y_post) - eta : volt (summed)
        I_back_pre = w*y_post*gain_pre*gain_post + w*silent_pre : volt (summed)
        count_post = silent_pre*w/mV : 1 (summed)
        {HEBB_TEXT}""",
        values=HEBB,
    ),
    "oja": Scenario(OJA, values=HEBB),
    "non_separable": Scenario(NON_SEPARABLE, values=HEBB),
    "units": Scenario(
        """dw/dt = (rate*s_pre*s_post*(v_post + 60*mV)/mV*nS - w)/tau_w
            : siemens (clock-driven)
        I_syn_post = w*(E - v_post)*s_pre : amp (summed)
        J_syn_pre = w*(E - v_pre)*s_post - 2*pA*s_pre : amp (summed)
        active_post = 0.5*nS*s_pre : siemens (summed)
        rate : 1 (shared)
        tau_w : second (shared, constant)
        E : volt (shared, constant)""",
        neurons=MEMBRANE,
        weight=nS,
        values={"rate": 0.4, "tau_w": 7 * ms, "E": 0 * mV},
    ),
    "trace": Scenario(
        f"""dz/dt = (x_pre*y_post - z)/tau : 1 (clock-driven, replicated)
        dw/dt = eta*z*x_post/tau - 0.1*w/tau : volt (clock-driven)
        I_forward_post = w*x_pre*(1 + z) : volt (summed)
        I_back_pre = w*y_post : volt (summed)
        {HEBB_TEXT}""",
        values=HEBB,
    ),
    "slow": Scenario(OJA, values=HEBB, keywords={"dt": 3 * DT, "order": 1}),
    "late": Scenario(OJA, values=HEBB, keywords={"when": "end", "order": 2}),
    "early": Scenario(SEPARABLE, values=HEBB, keywords={"order": -2}),
    "first_by_name": Scenario(SEPARABLE, values=HEBB, prefix="a"),
    "parameters": Scenario(
        """dw/dt = scaled*drive/tau : volt (clock-driven)
        da/dt = -a*(1 + x_pre)/tau + y_post/tau : 1 (clock-driven)
        scaled = w*k*share : volt
        drive = x_pre*int(y_post > 0) + int(v > 0.5*mV) - t/ms*0.01 : 1
        share = 0.5*level : 1 (shared)
        I_forward_post = scaled*x_pre + pulse(t)*w*y_pre : volt (summed)
        I_back_pre = w*y_post*b : volt (summed)
        count_post = a*x_pre : 1 (summed)
        k : 1
        b : 1 (constant)
        level : 1 (shared)
        tau : second (shared, constant)""",
        values={"tau": 5 * ms, "level": 0.7, "k": "random", "b": "random"},
    ),
    "two_states": Scenario(
        f"""dw/dt = (eta*x_pre*y_post - 0.3*w)/tau : volt (clock-driven)
        du/dt = (eta*y_pre*x_post - u*x_pre)/tau : volt (clock-driven)
        I_forward_post = w*x_pre + u*y_pre : volt (summed)
        I_back_pre = u*y_post : volt (summed)
        {HEBB_TEXT}""",
        values=HEBB | {"u": "random"},
    ),
    "coupled_states": Scenario(
        f"""dw/dt = (eta*x_pre*y_post - u)/tau : volt (clock-driven)
        du/dt = (w - u)/tau : volt (clock-driven)
        {TIED} {HEBB_TEXT}""",
        values=HEBB | {"u": "random"},
    ),
    "chained": Scenario(  # one sum reads what another one of the same step delivers
        """w : volt
        I_forward_post = w*x_pre : volt (summed)
        I_back_pre = w*tanh(I_forward_post/mV) : volt (summed)
        count_post = I_forward_post/mV*y_pre : 1 (summed)"""
    ),
    "recurrent": Scenario(SEPARABLE, values=HEBB, recurrent=True),
}

#: Run by dense synapses alone: how close float32 is to the same scenario in float64.
SINGLE = {
    f"{name}_{label}": replace(SCENARIOS[name], dtypes=(dtype, np.float32))
    for name, label, dtype in (
        ("separable", "single", np.float32),
        ("separable", "mixed", np.float64),
        ("oja", "single", np.float32),
        ("non_separable", "single", np.float32),
    )
}

PULSE = TimedArray(np.sin(np.arange(STEPS // 2)), dt=2 * DT, name="pulse")


def random_values(name, replicas):
    """The same initial values for every target, a row a replica."""
    generator = np.random.default_rng(sum(name.encode()))
    return {
        "weights": generator.normal(size=(N_PRE, N_PRE)),
        "random": generator.normal(size=(N_PRE, N_PRE)),
        "v": generator.normal(size=(2, max(REPLICAS), N_PRE))[:, :replicas],
    }


def neurons(scenario, name, side, start, dtype, target):
    """One group, with the states of the replicas in ``start`` (replicas x neurons)."""
    by_numpy = target == "cython" and not scenario.brian2_neurons
    group = NeuronGroup(
        start.size,
        scenario.neurons,
        method="euler",
        dtype=dtype,
        name=f"n_{name}_{side}",
        codeobj_class=NumpyCodeObject if by_numpy else None,
    )
    if scenario.neurons is MEMBRANE:
        group.v = -60 * mV + 3 * start.ravel() * mV
        group.s = 0.2 + 0.1 * start.ravel() ** 2
        group.tau_s = (2 + 0.5 * start.ravel() ** 2) * ms
        group.C = 200 * pA * ms / mV
        group.g_leak = 10 * nS
    else:
        group.v = start.ravel() * mV
        group.gain = 0.8 if side == "pre" else 1.3
    return group


def initialise(synapses, scenario, start, n_post, flat):
    def cut(values):
        matrix = values[:, :n_post]
        return matrix.ravel() if flat else matrix

    synapses.w = cut(start["weights"]) * scenario.weight
    for name, value in scenario.values.items():
        if isinstance(value, str):
            unit = 1 if name in "kb" else scenario.weight
            value = cut(start[value]) * unit
        setattr(synapses, name, value)


def build(name, scenario, replicas, target, label):
    """The groups and synapses of one network with so many replicas."""
    start = random_values(name.removesuffix("_single").removesuffix("_mixed"), 4)
    dtype, dense_dtype = scenario.dtypes
    rows = [slice(r, r + 1) for r in range(replicas)] if target == "stock" else None
    networks = []
    for part, row in enumerate(rows or [slice(0, replicas)]):
        here = f"{name}_{label}{part}"
        pre = neurons(scenario, here, "pre", start["v"][0, row], dtype, target)
        post, n_post = pre, N_PRE
        if not scenario.recurrent:
            states, n_post = start["v"][1, row, :N_POST], N_POST
            post = neurons(scenario, here, "post", states, dtype, target)
        # stock synapses run after neurons, as those of the default name do
        prefix = "z" if target == "stock" else scenario.prefix
        keywords = dict(scenario.keywords, name=f"{prefix}_{here}")
        keywords.update(method="euler", namespace={"pulse": PULSE})
        if target == "stock":
            when = keywords.pop("when", "groups")
            synapses = Synapses(pre, post, scenario.synapses, **keywords)
            if synapses.state_updater is not None:
                synapses.state_updater.when = when
            synapses.connect()
        else:
            from neuro_ep.engine.dense import DenseSynapses

            keywords.update(replicas=replicas, dtype=dense_dtype)
            synapses = DenseSynapses(pre, post, scenario.synapses, **keywords)
        initialise(synapses, scenario, start, n_post, flat=target == "stock")
        networks.append((pre, post, synapses))
    return networks


def states(networks, scenario, replicas):
    """All variables of the scenario as arrays, replicas first where there are any."""
    synapses = networks[0][2]
    for side, position in (("pre", 0), ("post", 1)):
        for name, equation in networks[0][position].equations.items():
            if equation.type == SUBEXPRESSION or "shared" in equation.flags:
                continue
            parts = [np.array(item[position].state(name, False)) for item in networks]
            yield f"{side}_{name}", np.concatenate(parts).reshape(replicas, -1)
    for name in sorted(synapses.equations.diff_eq_names | {"w"}):
        parts = [np.array(item[2].state(name, False)).ravel() for item in networks]
        if name in replicated_names(scenario):
            yield name, np.concatenate(parts).reshape(replicas, -1)
        else:
            yield name, np.mean(parts, axis=0)


def replicated_names(scenario):
    """Of the states of the synapses, those that are not shared by the replicas."""
    equations = Equations(scenario.synapses)
    return {name for name in equations if "replicated" in equations[name].flags}


def averaging(networks, scenario, excess):
    """What makes separate networks share their weights: the mean, after every step."""
    items = [item[2] for item in networks]
    names = items[0].equations.diff_eq_names - replicated_names(scenario)
    arrays = [[item.variables[name].get_value() for item in items] for name in names]
    before = [np.array(values[0]) for values in arrays]

    def average():
        for number, values in enumerate(arrays):
            shared = np.mean(values, axis=0)
            shared = shared + excess * (shared - before[number])
            before[number] = shared
            for array in values:
                array[:] = shared

    return average


def right_after(updater, function, name):
    """An operation that follows the updaters of its slot and order, by its name."""
    return NetworkOperation(function, when=updater.when, order=updater.order, name=name)


def stock_text(scenario):
    """The same for stock synapses, which know no flag (replicated).

    Stock synapses break ties by their name; those under test do as ``synapses`` would,
    which is behind all neurons here, whatever they are called.
    """
    text = scenario.synapses.replace(", replicated", "")
    return replace(scenario, synapses=text, prefix="z")


def replicas_of(name, target):
    """Numbers of replicas; compiled programs have one each, which halves the time."""
    if target == "standalone_single":
        return REPLICAS[:1]
    return REPLICAS[1:] if target == "standalone" or name in SINGLE else REPLICAS


def main(target, result, folder=None):
    BrianLogger.log_level_error()
    stock = target in ("stock", "wrong")
    if target.startswith("standalone"):
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
        chosen = stock_text(scenario) if stock else scenario
        for replicas in replicas_of(name, target):
            kind = "stock" if stock else target
            parts = build(name, chosen, replicas, kind, f"{replicas}")
            built[name, replicas] = scenario, parts
            network.add({item for part in parts for item in part})
            updater = parts[0][2].state_updater
            if stock and updater is not None:
                average = averaging(parts, scenario, 1e-3 if target == "wrong" else 0)
                network.add(right_after(updater, average, f"zzz_{name}_{replicas}"))
    network.run(STEPS * DT)
    found = {
        f"{name}/{replicas}/{variable}": values
        for (name, replicas), (scenario, parts) in built.items()
        for variable, values in states(parts, scenario, replicas)
    }
    np.savez(result, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
