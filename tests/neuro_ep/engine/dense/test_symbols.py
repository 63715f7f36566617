"""Reading right-hand sides: which are sums of products, and that nothing is lost."""

import numpy as np
import pytest
import sympy

from neuro_ep.engine.dense import symbols
from neuro_ep.engine.dense.symbols import Term, separate

#: A handful of roundings of numbers of order one.
ROUNDING = 1e-12

PLACES = {
    "w": symbols.SYNAPSE,
    "u": symbols.SYNAPSE,
    "z": symbols.REPLICATED,
    "x_pre": symbols.PRE,
    "y_pre": symbols.PRE,
    "x_post": symbols.POST,
    "y_post": symbols.POST,
}

#: Expressions that are sums of products, and the number of products.
SEPARABLE = {
    "w": 1,
    "3*eta": 1,
    "w*x_pre": 1,
    "w*x_post/tau": 1,
    "-x_pre": 1,
    "x_pre*y_post": 1,
    "x_pre*y_post + y_pre*x_post": 2,
    "eta*(x_pre*y_post + 0.5*y_pre*x_post**2)/tau": 2,
    "(eta*x_pre*y_post - w*y_post**2 - 0.1*w)/tau": 3,
    "(x_pre + y_pre)*(x_post - 2)": 1,
    "(x_pre*y_post + eta*y_pre)*(x_post - 2)": 2,
    "((x_pre + 1)*(x_post + 1) - 1)*eta": 2,
    "(x_pre - eta)*(y_post - tau)/tau": 1,
    "0.1*(x_pre - eta)": 1,
    "(x_pre*y_post)**2": 1,
    "w*(x_pre - y_pre*(1 + x_post*(2 - y_post)))": 2,
    "exp(-x_pre)*tanh(y_post)": 1,
    "exp(x_pre + y_pre)*x_post": 1,
    "sqrt(x_pre)*y_pre/(1 + x_post**2)": 1,
    "w*exp(eta*tau)*sin(x_pre*y_pre)": 1,
    "clip(x_pre, 0, 1)*(x_post - clip(y_post, 0, 1))": 1,
    "x_pre**0.5*eta**2/x_post": 1,
    "w*x_pre/2 - w*x_pre/3": 1,
    "w*x_pre - x_pre*w": 0,
    "(w*x_pre + 1)*eta - eta*x_pre*w - eta": 0,
}

#: Products could do these, but not with the digits that ``Synapses`` keeps.
CANCELLING = [
    "x_pre - y_post",
    "w*(x_pre - y_post)",
    "w*(x_pre - 2*y_post + x_pre*y_post)",
    "(x_pre + y_post)*(x_post - 2)",
    "(x_pre + y_post)**2",
    "(x_pre*y_post - y_pre*x_post)**2",
    "(x_pre*y_post - eta)*(y_pre*x_post - tau)",
    "(w - eta)*x_pre",
    "w - u",
]

NOT_SEPARABLE = [
    *CANCELLING,
    "w**2",
    "w*u",
    "exp(w)",
    "exp(-w*x_pre*y_post)",
    "exp(x_pre*y_post)",
    "1/(x_pre + y_post)",
    "sqrt(x_pre + y_post)",
    "clip(x_pre*y_post, 0, 1)",
    "w/(1 + x_pre*x_post)",
    "tanh(w*x_pre)",
    "z",
    "z*x_pre",
    "w*z",
    "x_pre*y_post + exp(w)",
    "int(x_pre > x_post)",
    "abs(w)*x_pre",
]


def place(name):
    return PLACES.get(name, symbols.SHARED)


def value_of(expression, values):
    functions = {"exp": np.exp, "tanh": np.tanh, "sqrt": np.sqrt, "sin": np.sin}
    functions["clip"] = np.clip
    return eval(expression, functions, values)


def random_values(seed):
    generator = np.random.default_rng(seed)
    return {name: generator.uniform(0.2, 2) for name in [*PLACES, "eta", "tau"]}


def value_of_terms(terms, values):
    return sum(
        value_of(term.coefficient, values)
        * value_of(term.matrix or "1", values)
        * value_of(term.pre, values)
        * value_of(term.post, values)
        for term in terms
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("expression", SEPARABLE)
def test_terms_add_up_to_the_expression(expression, seed):
    terms, values = separate(expression, place, {}), random_values(seed)
    assert len(terms) == SEPARABLE[expression]
    expected = value_of(expression, values)
    assert value_of_terms(terms, values) == pytest.approx(
        expected, rel=ROUNDING, abs=ROUNDING
    )


@pytest.mark.parametrize("expression", SEPARABLE)
def test_factors_are_where_they_belong(expression):
    for term in separate(expression, place, {}):
        assert term.matrix in (None, "w")
        for text, name in (
            (term.coefficient, symbols.SHARED),
            (term.pre, symbols.PRE),
            (term.post, symbols.POST),
        ):
            identifiers = symbols.parsed(text).free_symbols
            assert {place(found.name) for found in identifiers} <= {
                name,
                symbols.SHARED,
            }


@pytest.mark.parametrize("expression", NOT_SEPARABLE)
def test_what_no_product_does(expression):
    assert separate(expression, place, {}) is None


def test_what_is_added_to_a_state_is_rounded_as_the_state_is():
    """The rate of change of w may be taken apart where a sum over w may not."""
    assert separate("-(w - eta)*x_pre", place, {}) is None
    assert len(separate("-(w - eta)*x_pre", place, {}, state="w")) == 2


def test_fractions_and_large_whole_numbers_are_real():
    """Compiled code divides whole numbers in single precision."""
    (term,) = separate("w*x_pre**(1/3)*y_post/3*10000000000", place, {})
    assert float(eval(term.coefficient)) == pytest.approx(1e10 / 3, rel=ROUNDING)
    assert float(term.pre.removeprefix("x_pre**")) == 1 / 3
    assert isinstance(
        eval(separate("w*x_pre*3000000000", place, {})[0].coefficient), float
    )


def test_absent_factors_are_one():
    assert separate("2*w", place, {}) == (Term("2", "w", "1", "1"),)
    assert separate("x_pre*y_post", place, {}) == (Term("1", None, "x_pre", "y_post"),)


def test_a_function_of_shared_values_is_a_coefficient():
    (term,) = separate("exp(-eta/tau)*x_pre", place, {})
    assert term.pre == "x_pre" and term.post == "1"
    assert "exp" in term.coefficient


def test_a_known_zero_removes_its_terms():
    rule = "x_pre*y_post + y_pre*x_post"
    assert separate(rule, place, {"x_pre": 0}) == separate("y_pre*x_post", place, {})
    assert separate(rule, place, {"x_pre": 0, "x_post": 0}) == ()


def test_a_known_zero_removes_what_no_product_does():
    rule = "x_pre*exp(w) + y_pre*x_post"
    assert separate(rule, place, {}) is None
    assert separate(rule, place, {"x_pre": 0}) == separate("y_pre*x_post", place, {})


def test_a_known_number_takes_part():
    values = random_values(5) | {"x_pre": 3.0}
    terms = separate("x_pre*(y_pre + w*eta)", place, {"x_pre": 3.0})
    assert value_of_terms(terms, values) == pytest.approx(
        3 * (values["y_pre"] + values["w"] * values["eta"]), rel=ROUNDING
    )


def test_the_names_are_only_split_by_the_place_they_live():
    """The same text, with all names shared, is one coefficient."""
    (term,) = separate("x_pre*y_post*w", lambda name: symbols.SHARED, {})
    assert (term.matrix, term.pre, term.post) == (None, "1", "1")


@pytest.mark.parametrize(
    ("expression", "neurons"),
    [
        ("eta", [("1", "1")]),
        ("eta*(y_post - tau)", [("1", "y_post"), ("1", "1")]),
        (
            "(y_post + exp(y_post) - tau)/eta",
            [("1", "y_post + exp(y_post)"), ("1", "1")],
        ),
        ("eta*x_pre*y_post + tau - w", [("x_pre", "y_post"), ("1", "1"), ("1", "1")]),
        ("x_pre*(y_post - tau)", [("x_pre", "y_post - tau")]),
        ("exp(y_post - tau)", [("1", "exp(y_post - tau)")]),
    ],
)
def test_addends_without_neurons_are_kept_apart(expression, neurons):
    """A convolution counts them once, and the others at every position."""
    terms = separate(expression, place, {}, shared_apart=True)
    found = sorted((simplified(term.pre), simplified(term.post)) for term in terms)
    assert found == sorted((simplified(a), simplified(b)) for a, b in neurons)
    values = random_values(0)
    expected = value_of(expression, values)
    assert value_of_terms(terms, values) == pytest.approx(expected, rel=ROUNDING)


def simplified(expression):
    return str(sympy.sympify(expression))


@pytest.mark.parametrize("expression", ["i//3", "w*(i//49)", "x_pre//0.1 + 1"])
def test_whole_quotients_stay_as_they_are_written(expression):
    text = symbols.text_of(symbols.parsed(expression))
    assert "//" in text
    assert symbols.text_of(symbols.parsed(text)) == text
    values = {"i": 49, "w": 0.5, "x_pre": 0.7}
    assert eval(text, {}, values) == eval(expression, {}, values)


@pytest.mark.parametrize(
    "number", ["1234567890.1234567", "0.1", "1e-300", "0.30000000000000004"]
)
def test_no_digit_of_a_number_is_lost(number):
    text = symbols.text_of(symbols.parsed(f"x_pre*{number}"))
    assert eval(text, {}, {"x_pre": 1.0}) == float(number)
