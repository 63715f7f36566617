"""Small models, run as ``Synapses`` and as ``DenseSynapses``; also a script.

    python small_models.py {cython,standalone} MODELS.json RESULT.npz BUILD_FOLDER

A model is a few equations of neurons and of the synapses between them, without units
but for time. All that is stored begins with random numbers, the same ones for both
kinds of synapses. What comes back is every stored variable after a few steps.
"""

import json
import re
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from brian2 import (
    BrianLogger,
    Equations,
    Network,
    NetworkOperation,
    NeuronGroup,
    Synapses,
    defaultclock,
    get_device,
    ms,
    prefs,
    set_device,
)
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER

DT = 0.1 * ms
STEPS = 3
MOST_REPLICAS = 3


@dataclass(frozen=True)
class Small:
    """Equations, sizes, and the constants that the equations name."""

    synapses: str
    neurons: str
    constants: dict = field(default_factory=dict)
    sizes: tuple = (3, 2)
    recurrent: bool = False
    order: int = 0
    offset: float = 0.0
    seed: int = 0
    dtype: str = "float64"

    @property
    def n_post(self) -> int:
        return self.sizes[0 if self.recurrent else 1]


def stored(text):
    """Name, kind and flags of what a group of these equations stores."""
    for name, equation in sorted(Equations(text).items()):
        kinds = (PARAMETER, DIFFERENTIAL_EQUATION)
        if equation.type in kinds and "summed" not in equation.flags:
            kind = re.search(r"boolean|integer", str(equation.var_type).lower())
            yield name, kind.group() if kind else "float", set(equation.flags)


def first_values(model, name, kind, shape):
    """Random numbers; those of names that begin with ``far`` are far from zero."""
    generator = np.random.default_rng([model.seed, *name.encode()])
    if kind == "boolean":
        return generator.random(shape) < 0.5
    if kind == "integer":
        return generator.integers(-3, 5, shape)
    return generator.normal(size=shape) + (model.offset if "far" in name else 0)


def neurons(model, tag, side, replicas):
    size = model.sizes[0] if side == "pre" else model.n_post
    group = NeuronGroup(
        replicas * size,
        model.neurons,
        dtype=np.dtype(model.dtype),
        method="euler",
        name=f"neurons_{tag}_{side}",
    )
    for name, kind, flags in stored(model.neurons):
        values = first_values(model, f"{name} {side}", kind, (MOST_REPLICAS, size))
        shared = "shared" in flags
        setattr(group, name, values[0, 0] if shared else values[:replicas].ravel())
    return group


def dense(model, tag, pre, post, replicas):
    from neuro_ep import DenseSynapses

    made = DenseSynapses(
        pre,
        post,
        model.synapses,
        replicas=replicas,
        order=model.order,
        dtype=np.dtype(model.dtype),
        namespace=dict(model.constants),
        name=f"anything_{tag}",
    )
    for name, values, flags in _values_of_synapses(model, replicas):
        everywhere = values if "replicated" in flags else values[0]
        setattr(made, name, values.flat[0] if "shared" in flags else everywhere)
    return made


def stock(model, tag, pre, post, replicas):
    """Blocks of synapses, one for each replica."""
    n_pre, n_post = model.sizes[0], model.n_post
    made = Synapses(
        pre,
        post,
        _for_blocks(model, replicas),
        order=model.order,
        dtype=np.dtype(model.dtype),
        method="euler",
        namespace=dict(model.constants),
        name=f"synapses_{tag}",
    )
    block, i, j = np.indices((replicas, n_pre, n_post)).reshape(3, -1)
    made.connect(i=i + block * n_pre, j=j + block * n_post)
    for name, values, flags in _values_of_synapses(model, replicas):
        repeated = values if "replicated" in flags else values[[0] * replicas]
        everywhere = repeated.ravel()
        setattr(made, name, values.flat[0] if "shared" in flags else everywhere)
    return made


def _values_of_synapses(model, replicas):
    shape = (MOST_REPLICAS, model.sizes[0], model.n_post)
    for name, kind, flags in stored(model.synapses):
        yield name, first_values(model, name, kind, shape)[:replicas], flags


def _for_blocks(model, replicas):
    """The equations for ``Synapses``: no flag (replicated), numbers within a block."""
    text = re.sub(r", replicated|\(replicated\)", "", model.synapses)
    if replicas == 1:
        return text
    n_pre, n_post = model.sizes[0], model.n_post
    numbers = {"i": f"(i % {n_pre})", "j": f"(j % {n_post})"}
    numbers |= {"N_pre": n_pre, "N_post": n_post, "N": n_pre * n_post}
    return re.sub(
        rf"\b({'|'.join(numbers)})\b(?!:)", lambda m: str(numbers[m.group()]), text
    )


def averaging(model, synapses, replicas):
    """What makes blocks share their weights: their mean, right after each update."""
    states = [
        synapses.variables[name].get_value()
        for name, _, flags in stored(model.synapses)
        if name in synapses.equations.diff_eq_names and "replicated" not in flags
    ]

    def average():
        for values in states:
            blocks = values.reshape(replicas, -1)
            blocks[:] = blocks.mean(axis=0)

    updater = synapses.state_updater
    return NetworkOperation(
        average, when=updater.when, order=updater.order, name=f"{updater.name}_mean"
    )


def build(model, kind, replicas, tag):
    """The groups of one network, and what else runs in it."""
    pre = neurons(model, tag, "pre", replicas)
    post = pre if model.recurrent else neurons(model, tag, "post", replicas)
    make = stock if kind == "stock" else dense
    synapses = make(model, tag, pre, post, replicas)
    parts = [pre, post, synapses]
    if kind == "stock" and synapses.state_updater is not None:
        parts.append(averaging(model, synapses, replicas))
    return parts


def states(model, kind, replicas, parts):
    """Every stored variable -> its values, of blocks the first unless replicated."""
    pre, post, synapses = parts[:3]
    found = {}
    for side, group in (("pre", pre), ("post", post)):
        for name, _, _ in stored(model.neurons):
            found[f"{side} {name}"] = np.array(group.state(name, False), dtype=float)
    for name, _, flags in stored(model.synapses):
        values = np.array(synapses.state(name, False), dtype=float).ravel()
        if kind == "stock" and not {"shared", "replicated"} & flags:
            values = values.reshape(replicas, -1)[0]
        found[name] = values
    return found


def run_alone(model, kind, replicas, target="numpy"):
    """In this process."""
    before, prefs.codegen.target = prefs.codegen.target, target
    defaultclock.dt = DT
    try:
        parts = build(model, kind, replicas, "alone")
        Network(*set(parts)).run(STEPS * DT, namespace={})
        return states(model, kind, replicas, parts)
    finally:
        prefs.codegen.target = before


def run_together(models, target, folder):
    """On a compiled target, in one network: (number, replicas, name) -> values."""
    BrianLogger.log_level_error()
    defaultclock.dt = DT
    if target == "standalone":
        from neuro_ep.run.compiler import take_over

        set_device("cpp_standalone", directory=folder)
        prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-std=c++17"]
        take_over(get_device())
    else:
        prefs.codegen.target = target
        prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O1", "-std=c++17"]
    network, built = Network(), {}
    for number, (model, replicas) in enumerate(models):
        built[number] = build(model, "dense", replicas, str(number))
        network.add(set(built[number]))
    network.run(STEPS * DT, namespace={})
    return {
        f"{number}/{name}": values
        for number, (model, replicas) in enumerate(models)
        for name, values in states(model, "dense", replicas, built[number]).items()
    }


def tolerance(model, truth, single):
    """How far off each variable may be, as a norm.

    As many digits are lost as by stock synapses, which their results in float32 show:
    some rounding more, since sums are in another order.
    """
    exact = model.dtype == "float64"
    share, rest = (300 * 2.0**-29, 1e-12) if exact else (100, 1e-5)
    return {
        name: rest * np.linalg.norm(values)
        + share * np.linalg.norm(single[name] - values)
        for name, values in truth.items()
    }


def truth_and_tolerance(model, replicas):
    """What stock synapses compute, and how far from it is right."""
    truth = run_alone(replace(model, dtype="float64"), "stock", replicas)
    single = run_alone(replace(model, dtype="float32"), "stock", replicas)
    return truth, tolerance(model, truth, single)


def differences(found, truth, allowed):
    """Variables that are wrong: name -> how far off, and what was allowed.

    Nothing is said where stock synapses leave the range of numbers.
    """
    assert set(found) == set(truth)
    wrong = {}
    for name, values in truth.items():
        error = np.linalg.norm(found[name] - values)
        if np.isfinite(allowed[name]) and not error <= allowed[name]:
            wrong[name] = error, allowed[name]
    return wrong


def saved(path, models):
    """Models, each with its number of replicas, in a file for the script."""
    Path(path).write_text(
        json.dumps([[asdict(model), replicas] for model, replicas in models])
    )


def main(target, models, result, folder):
    read = [
        (Small(**given), replicas)
        for given, replicas in json.loads(Path(models).read_text())
    ]
    np.savez(result, **run_together(read, target, folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
