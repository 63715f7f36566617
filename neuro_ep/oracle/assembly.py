"""From the text of a model to the vector field of a layered network.

Subexpressions are resolved, constants inserted, and what is summed over synapses is
written as products of a weight, a presynaptic and a postsynaptic factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

import sympy

from neuro_ep.errors import InputError
from neuro_ep.oracle.equations import parse, resolved, symbol, units
from neuro_ep.oracle.field import TOLD, Factor, Field, Neuron, PairProduct, Projection
from neuro_ep.records.model import NetworkModel, SynapseModel

#: Name, record, part of the energy, and numbers of the layers that are joined.
Place = tuple[str, SynapseModel, str | None, int | None, int]


def assemble(model: NetworkModel, layers: Iterable[int]) -> Field:
    """The vector field of ``layers`` units of a model, from input to output."""
    sizes = tuple(layers)
    of = scale(model)
    kinds = [model.input, *[model.hidden] * (len(sizes) - 2), model.output]
    known = {id(kind): _neuron(kind, of) for kind in kinds}
    neurons = tuple(known[id(kind)] for kind in kinds)
    edges = [
        _edge(model, *place, sizes, neurons, of) for place in _wiring(model, sizes)
    ]
    return Field(
        sizes=sizes,
        neurons=neurons,
        rates=tuple(_rates(neuron) for neuron in neurons),
        edges=tuple(edges),
        read_out=_factor(_read_out(model, neurons[-1]), neurons[-1]),
        energies=_energies(model, neurons, of),
        cost=getattr(model, "cost", "squared-error"),
    )


def layer_names(depth: int) -> list[str]:
    """``input, hidden, output``; ``hidden_1, hidden_2`` where there are more."""
    hidden = [f"hidden_{k + 1}" for k in range(depth - 2)]
    return ["input", *(["hidden"] if depth == 3 else hidden), "output"]


def scale(model: NetworkModel) -> dict[str, float]:
    """The values of units for which the model's v_unit and tau are 1."""
    given = model.output.parameters
    for name in ("v_unit", "tau"):
        if name not in given:
            raise InputError(f"the oracle needs '{name}' among the output's parameters")
    return units(float(given["v_unit"]), float(given["tau"]))


def _constants(kind, equations, of) -> dict[str, float]:
    return {
        name: float(value) * equations[name].unit
        for name, value in kind.parameters.items()
        if name in equations
    }


def _neuron(kind, of) -> Neuron:
    equations = parse(kind.equations, of)
    states = [name for name, e in equations.items() if e.kind == "differential"]
    if len(states) > 1:
        raise InputError(
            f"the oracle knows neurons of one state, not of {', '.join(states)}"
        )
    state = states[0] if states else None
    onset = float(kind.onset.get(state, 0)) * equations[state].unit if state else 0.0
    return Neuron(equations, _constants(kind, equations, of), state, onset)


def _compiled(neuron: Neuron, value: sympy.Expr, sums: Iterable[str] = ()) -> Callable:
    """A numpy function of (state, x, target, nudged, beta, *sums)."""
    arguments = [symbol(neuron.state or "_state"), *map(symbol, TOLD)]
    arguments += [symbol(name) for name in sums]
    if foreign := value.free_symbols - set(arguments):
        names = ", ".join(sorted(found.name for found in foreign))
        raise InputError(f"the oracle does not know the value of {names} in {value}")
    return _lambdified(tuple(arguments), value)


@cache
def _lambdified(arguments, value):
    return sympy.lambdify(arguments, value, "numpy")


def _rates(neuron: Neuron):
    """(f, df/ds, {sum: df/dI}, names of the sums); None for the clamped input."""
    if neuron.state is None:
        return None
    rate = neuron.rate
    told = {*map(symbol, TOLD), symbol(neuron.state)}
    sums = sorted(found.name for found in rate.free_symbols - told)
    for name in sums:
        if neuron.equations.get(name) is None:
            raise InputError(f"the oracle does not know the value of {name} in {rate}")
    return (
        _compiled(neuron, rate, sums),
        _compiled(neuron, sympy.diff(rate, symbol(neuron.state)), sums),
        {
            name: _compiled(neuron, sympy.diff(rate, symbol(name)), sums)
            for name in sums
        },
        sums,
    )


def _wiring(model: NetworkModel, sizes) -> Iterator[Place]:
    """(name, record, part of the energy, pre, post) of all synapses."""
    names, last = layer_names(len(sizes)), len(sizes) - 1
    for post in range(1, len(sizes)):
        forward = f"{names[post - 1]}_to_{names[post]}"
        yield forward, model.synapse, "synapse", post - 1, post
        yield f"bias_{names[post]}", model.bias, "bias", None, post
    if model.backward is not None:
        for pre in range(2, len(sizes)):
            name = f"{names[pre]}_to_{names[pre - 1]}"
            yield name, model.backward, None, pre, pre - 1
    if model.normaliser:
        yield "normaliser", model.normaliser, None, last, last


def _edge(model, name, record, part, pre, post, sizes, neurons, of) -> Projection:
    """Synapses with the sums that their two ends declare, and their energy."""
    equations = parse(record.equations, of)
    constants = _constants(record, equations, of)
    ends = (None if pre is None else neurons[pre], neurons[post])
    sums: list[PairProduct] = []
    for variable, equation in equations.items():
        target, _, side = variable.rpartition("_")
        reached = ends[0] if side == "pre" else ends[1]
        if "summed" in equation.flags and reached and target in reached.equations:
            value = resolved(equations, equation.expression, constants)
            sums += _products(value, record.weight, *ends, side, target)
    energy: list[PairProduct] = []
    if part and part in _stated(model):
        text = parse(f"energy = {model.energy[part]} : 1", of)["energy"].expression
        value = resolved(equations, text, constants)
        energy += _products(value, record.weight, *ends, "", "")
    return Projection(
        name=name,
        pre=pre,
        post=post,
        shape=(1 if pre is None else sizes[pre], sizes[post]),
        sums=tuple(sums),
        energy=tuple(energy),
        unit=equations[record.weight].unit if record.weight else None,
    )


def _stated(model: NetworkModel) -> Mapping[str, str]:
    """The energy by parts; empty where a model states none, or another function."""
    return model.energy if isinstance(model.energy, Mapping) else {}


def _products(value, weight: str | None, pre, post, side: str, target: str):
    """An expression as a sum of constant * weight * (pre factor) * (post factor)."""
    products = []
    for term in sympy.Add.make_args(sympy.expand(value)):
        rest = term / symbol(weight) if weight else term
        if weight and rest.has(symbol(weight)):
            raise InputError(f"the oracle needs {value} to be linear in {weight}")
        ends = {"pre": sympy.Integer(1), "post": sympy.Integer(1)}
        for factor in sympy.Mul.make_args(rest):
            sides = {name.name.rpartition("_")[2] for name in factor.free_symbols}
            if not sides <= {"pre"} and not sides <= {"post"}:
                raise InputError(
                    f"the oracle cannot split {factor} into a factor of the "
                    "presynaptic and one of the postsynaptic neuron"
                )
            ends[next(iter(sides), "post")] *= factor
        bound = {}
        for end, neuron in (("pre", pre), ("post", post)):
            names = {found: found.name for found in ends[end].free_symbols}
            if neuron is None and names:
                raise InputError(f"biases have no presynaptic {', '.join(names)}")
            known = {
                found: neuron.value(name.removesuffix(f"_{end}"))
                for found, name in names.items()
            }
            bound[end] = _factor(ends[end].subs(known, simultaneous=True), neuron)
        products.append(PairProduct(bound["pre"], bound["post"], side, target))
    return products


def _factor(value: sympy.Expr, neuron: Neuron | None) -> Factor:
    neuron = neuron or Neuron({}, {}, None, 0.0)
    state = symbol(neuron.state or "_state")
    return Factor(*(_compiled(neuron, sympy.diff(value, state, n)) for n in range(3)))


def _read_out(model: NetworkModel, output: Neuron) -> sympy.Expr:
    """The prediction, dimensionless."""
    unit = model.read_out_unit
    value = output.value(model.read_out)
    return value / output.value(unit) if unit else value


def _energies(model: NetworkModel, neurons, of):
    """What every layer adds to the energy by itself, as a Factor; () if not stated.

    A nudge that reads a sum over the output layer (cross-entropy) is left out.
    """
    texts = _stated(model)
    if not texts:
        return ()

    def own(neuron, part):
        found = parse(f"e = {texts[part]} : 1", of)["e"].expression
        return resolved(neuron.equations, found, neuron.constants)

    last = neurons[-1]
    nudge = own(last, "output")
    if {found.name for found in nudge.free_symbols} - {last.state, *TOLD}:
        nudge = sympy.Integer(0)
    hidden = [_factor(own(neuron, "neuron"), neuron) for neuron in neurons[1:-1]]
    return (None, *hidden, _factor(own(last, "neuron") + nudge, last))
