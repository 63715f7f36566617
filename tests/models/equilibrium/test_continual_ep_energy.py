"""The equations of continual EP are the gradient of the energy it states.

The text of the model records is parsed and written out for a network of 2-2-2 units;
sympy does the rest. Potentials are v = v_unit*u. The hard sigmoid is proved piece by
piece: below 0, between 0 and 1, above 1, in every combination of the two layers.
"""

import itertools
import re
from dataclasses import replace
from functools import cache

import pytest
import sympy
from brian2 import Equations
from brian2.parsing.sympytools import str_to_sympy
from sympy.core.relational import Relational

from neuro_ep.models.equilibrium.hopfield import ACTIVATIONS

UNITS = 2
LAYERS = ("input", "hidden", "output")
V_UNIT = sympy.Symbol("v_unit", positive=True)
BELOW, INSIDE, ABOVE = (sympy.Rational(*p) for p in ((-1, 3), (1, 3), (4, 3)))


# --- from text to sympy ---


@cache
def parsed(text):
    """Text of an equation -> sympy, exact, with clip and int as pieces."""
    exact = re.sub(r"\d+\.\d+", lambda found: f"({sympy.Rational(found[0])})", text)
    expression = str_to_sympy(exact)
    expression = expression.replace(sympy.Function("clip"), clipped)
    expression = expression.replace(sympy.Function("int_"), indicator)
    return expression.subs(str_to_sympy("v_unit"), V_UNIT)


def clipped(value, low, high):
    return sympy.Piecewise((low, value < low), (high, value > high), (value, True))


def indicator(condition):
    return sympy.Piecewise((1, condition), (0, True))


def symbol(name, *place):
    """A value of one neuron or synapse; v_unit, eta, beta and gates are shared."""
    if name == "v_unit":
        return V_UNIT
    return sympy.Symbol("_".join([name, *map(str, place)]), real=True)


def potential(layer, unit, when=""):
    """u = v/v_unit, now or at the end of the step."""
    return symbol("u", layer, unit, when) if when else symbol("u", layer, unit)


class Network:
    """The model's text, written out for every neuron and synapse of 2-2-2 units."""

    def __init__(self, model):
        self.model = model
        self.neurons = {
            layer: Equations(getattr(model, layer).equations) for layer in LAYERS
        }

    def value(self, name, layer, unit):
        """A name of a neuron's equations as a function of potentials and parameters."""
        equation = self.neurons[layer][name]
        if name == "v":
            return V_UNIT * potential(layer, unit)
        if equation.type == "parameter":
            shared = "shared" in equation.flags
            if name.startswith("I_"):
                return self.current(name, layer, unit)
            return symbol(name) if shared else symbol(name, layer, unit)
        if name == "rho_next":
            return self.resolved(equation.expr.code, layer, unit).subs(
                potential(layer, unit), potential(layer, unit, "next")
            )
        return self.resolved(equation.expr.code, layer, unit)

    def resolved(self, text, layer, unit):
        """Text of a neuron's equation, all names replaced by their values."""
        expression = parsed(text)
        names = {s: s.name for s in expression.free_symbols if s != V_UNIT}
        return expression.subs(
            {s: self.value(name, layer, unit) for s, name in names.items()}
        )

    def current(self, name, layer, unit):
        """The sum over the synapses that deliver a current to a neuron."""
        total = sympy.Integer(0)
        for kind, pre, i, post, j in self.synapses():
            record = self.model.bias if kind == "b" else self.model.synapse
            equations = Equations(record.equations)
            for side, reached in (("post", (post, j)), ("pre", (pre, i))):
                summed = equations.get(f"{name}_{side}")
                if summed is not None and reached == (layer, unit):
                    total += self.joined(summed.expr.code, kind, pre, i, post, j)
        return total

    def joined(self, text, kind, pre, i, post, j):
        """Text of a synapse's equation, all names replaced by their values."""
        expression, values = parsed(text), {}
        for found in expression.free_symbols - {V_UNIT}:
            stem, _, side = found.name.rpartition("_")
            if side == "pre":
                values[found] = self.value(stem, pre, i)
            elif side == "post":
                values[found] = self.value(stem, post, j)
            elif found.name == kind:
                values[found] = symbol(kind, pre, i, post, j)
            else:
                values[found] = symbol(found.name)
        return expression.subs(values)

    def synapses(self):
        """(learned variable, pre, i, post, j) of every weight and bias."""
        for pre, post in itertools.pairwise(LAYERS):
            for j in range(UNITS):
                for i in range(UNITS):
                    yield "w", pre, i, post, j
                yield "b", "one", 0, post, j

    def moving(self):
        """Layer and number of every neuron that has a potential."""
        return itertools.product(LAYERS[1:], range(UNITS))

    def energy(self):
        """The sum of what the model says that each part adds."""
        text = self.model.energy
        parts = [self.resolved(text["neuron"], *neuron) for neuron in self.moving()]
        parts += [
            self.joined(text["bias" if place[0] == "b" else "synapse"], *place)
            for place in self.synapses()
        ]
        parts += [
            self.resolved(text["output"], "output", unit) for unit in range(UNITS)
        ]
        return sympy.Add(*parts)

    def flow(self, layer, unit):
        """dv/dt."""
        return self.resolved(self.neurons[layer]["v"].expr.code, layer, unit)

    def flow_minus_gradient(self, layer, unit):
        """tau dv/dt + dE/dv: zero where the neuron descends the energy."""
        slope = sympy.diff(self.energy(), potential(layer, unit)) / V_UNIT
        return symbol("tau") * self.flow(layer, unit) + slope

    def change(self, kind, pre, i, post, j):
        """The right-hand side of a learned variable."""
        record = self.model.bias if kind == "b" else self.model.synapse
        text = Equations(record.equations)[record.weight].expr.code
        return self.joined(text, kind, pre, i, post, j)

    def product(self, kind, pre, i, post, j):
        """rho_pre*rho_post, where the bias unit is always on."""
        rho_pre = 1 if kind == "b" else self.value("rho", pre, i)
        return rho_pre * self.value("rho", post, j)

    def product_next(self, kind, pre, i, post, j):
        """The same where the step has ended."""
        rho_pre = 1 if kind == "b" else self.value("rho_next", pre, i)
        return rho_pre * self.value("rho_next", post, j)


# --- equality ---


def on_pieces(expression):
    """The expression with its conditions decided, in every combination of pieces."""
    for hidden, output in itertools.product((BELOW, INSIDE, ABOVE), repeat=2):
        places = {"hidden": hidden, "output": output}
        yield expression.replace(
            lambda part: isinstance(part, Relational),
            lambda condition, places=places: decided(condition, places),
        )


def decided(condition, places):
    """Whether a condition holds on a piece; it may turn only at u = 0 and u = 1."""
    (u,) = condition.free_symbols - {V_UNIT}
    assert sympy.solve(condition.lhs - condition.rhs, u) in ([0], [1])
    holds = condition.subs(u, places[u.name.split("_")[1]])
    assert holds in (sympy.true, sympy.false)
    return holds


def vanishes(expression):
    """Whether an expression is zero whatever its symbols are."""
    if expression.has(sympy.Piecewise):
        return all(zero(piece) for piece in on_pieces(expression))
    return zero(expression)


def zero(expression):
    """Whether it is zero as a polynomial of its symbols and activities.

    An exponential stands as 1/r - 1, so that the sigmoid 1/(1 + exp) is the symbol r.
    """
    activities = {
        exponential: 1 / sympy.Symbol(f"r({exponential.exp})") - 1
        for exponential in expression.atoms(sympy.exp)
    }
    return sympy.expand(expression.xreplace(activities)) == 0


def descends(model):
    """Whether every neuron of the network descends the energy."""
    network = Network(model)
    return all(
        vanishes(network.flow_minus_gradient(*neuron)) for neuron in network.moving()
    )


# --- neurons ---


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_neurons_descend_the_energy(model_of, activation):
    assert descends(model_of(activation))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slope_is_the_derivative_of_the_activity(model_of, activation):
    network = Network(model_of(activation))
    for neuron in network.moving():
        derivative = sympy.diff(network.value("rho", *neuron), potential(*neuron))
        assert vanishes(network.value("slope", *neuron) - derivative)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_next_activity_is_the_same_function(model_of, activation):
    network = Network(model_of(activation))
    for neuron in network.moving():
        ended = network.value("rho", *neuron).subs(
            potential(*neuron), potential(*neuron, "next")
        )
        assert ended.has(potential(*neuron, "next"))
        assert network.value("rho_next", *neuron) == ended


def test_nudging_is_minus_beta_times_the_slope_of_the_cost(model_of):
    network = Network(model_of())
    for unit in range(UNITS):
        u, target = potential("output", unit), symbol("target", "output", unit)
        cost = (u - target) ** 2 / 2
        force = -symbol("beta") * sympy.diff(cost, u) * V_UNIT
        nudge = network.value("nudge", "output", unit)
        assert zero(nudge - symbol("nudged") * force)


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("hidden", "slope*(I_", "(I_"),
        ("output", "slope*(I_", "(I_"),
        ("hidden", "(-v", "(v"),
        ("output", "+ nudge", "- nudge"),
        ("output", "(target*v_unit - v)", "(v - target*v_unit)"),
        ("hidden", " + I_feedback", ""),
        ("hidden", " + I_bias", ""),
        ("synapse", "I_feedback_pre = w*rho_post", "I_feedback_pre = 2*w*rho_post"),
        ("synapse", "I_forward_post = w*rho_pre", "I_forward_post = -w*rho_pre"),
    ],
)
@pytest.mark.parametrize("activation", ["tanh", "hard-sigmoid"])
def test_wrong_neurons_are_found(model_of, mutated, activation, part, old, new):
    assert not descends(mutated(model_of(activation), part, old, new))


@pytest.mark.parametrize(
    ("activation", "old", "new"),
    [
        ("sigmoid", "4*rho*(1 - rho)", "rho*(1 - rho)"),
        ("tanh", "1 - rho**2", "1 - rho"),
        ("hard-sigmoid", "*int(v <= v_unit)", ""),
    ],
)
def test_wrong_slopes_are_found(model_of, mutated, activation, old, new):
    model = model_of(activation)
    for layer in LAYERS[1:]:
        model = mutated(model, layer, old, new)
    assert not descends(model)


@pytest.mark.parametrize("part", ["neuron", "synapse", "bias", "output"])
def test_wrong_energies_are_found(model_of, part):
    model = model_of()
    energy = dict(model.energy, **{part: f"2*({model.energy[part]})"})
    assert not descends(replace(model, energy=energy))


# --- synapses ---


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_difference_form_is_the_difference_of_products(model_of, activation):
    network = Network(model_of(activation, "difference"))
    for place in network.synapses():
        difference = network.product_next(*place) - network.product(*place)
        assert zero(network.change(*place) * symbol("dt") - rate() * difference)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_product_rule_is_the_derivative_along_the_flow(model_of, activation):
    network = Network(model_of(activation, "product-rule"))
    for place in network.synapses():
        product = network.product(*place)
        derivative = sum(
            sympy.diff(product, potential(*neuron)) * network.flow(*neuron) / V_UNIT
            for neuron in network.moving()
        )
        assert vanishes(network.change(*place) - rate() * derivative)


def rate():
    """plastic*v_unit*eta/beta."""
    return symbol("plastic") * V_UNIT * symbol("eta") / symbol("beta")


def follows_difference(model):
    network = Network(model)
    return all(
        zero(
            network.change(*place) * symbol("dt")
            - rate() * (network.product_next(*place) - network.product(*place))
        )
        for place in network.synapses()
    )


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("synapse", "rho_next_post", "rho_post"),
        ("synapse", " + rho_pre*drho_post", ""),
        ("synapse", "(eta/beta)", "eta"),
        ("synapse", "plastic*", ""),
        ("bias", "drho_post", "rho_next_post"),
        ("hidden", "rho_next - rho ", "rho - rho_next"),
    ],
)
def test_wrong_plasticity_is_found(model_of, mutated, part, old, new):
    model = model_of()
    assert follows_difference(model)
    assert not follows_difference(mutated(model, part, old, new))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_see_the_product_in_the_energy(model_of, activation):
    """-dE/dw = v_unit*rho_pre*rho_post and -dE/db = v_unit*rho_post."""
    network = Network(model_of(activation))
    energy = network.energy()
    for place in network.synapses():
        slope = sympy.diff(energy, symbol(*place))
        assert zero(slope + V_UNIT * network.product(*place))
