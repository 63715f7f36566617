"""Models drawn at random: dense synapses do what stock ones do, or say why not.

The oracle is Brian2's own ``Synapses`` on numpy. Hypothesis draws other models where
other modules are loaded; the exhaustive run has ten times as many, on all targets.
"""

import functools
import runpy
from pathlib import Path

import pytest
from brian2 import BrianObjectException
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from neuro_ep.errors import InputError

HERE = Path(__file__).parent
SMALL = runpy.run_path(str(HERE / "small_models.py"))
GRAMMAR = runpy.run_path(str(HERE / "grammar.py"))

DEFAULT, EXHAUSTIVE, COMPILED = 30, 300, 6
#: Models in one program: the compiler takes the longer for each, the more there are.
LOT = 30
SEED = 1
EXAMPLES = pytest.mark.parametrize(
    "count", [DEFAULT, pytest.param(EXHAUSTIVE, marks=pytest.mark.exhaustive)]
)


@functools.cache
def drawn(count, of=SEED):
    """So many models, each with its number of replicas."""
    found = []

    @seed(of)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(GRAMMAR["models"](SMALL["Small"]), st.sampled_from((1, 3)))
    def draw(model, replicas):
        found.append((model, replicas))

    draw()
    return found


def cause(error):
    while isinstance(error, BrianObjectException):
        error = error.__cause__
    return error


def attempt(action, *arguments):
    """The result, and the error in its place."""
    try:
        return action(*arguments), None
    except Exception as error:
        return None, cause(error)


@functools.cache
def stock(number, count):
    """What stock synapses compute, or why they compute nothing."""
    return attempt(SMALL["truth_and_tolerance"], *drawn(count)[number])


def oracle(number, count):
    """What stock synapses compute; None where they compute nothing."""
    return stock(number, count)[0]


def judged(model, replicas, truth):
    """ "equal", "refused", or what is wrong with the dense synapses of a model."""
    found, error = attempt(SMALL["run_alone"], model, "dense", replicas)
    if isinstance(error, InputError):
        return "refused"
    if error is not None:
        return f"{type(error).__name__}: {error}"
    return SMALL["differences"](found, *truth) or "equal"


def verdicts(count):
    """Number -> verdict on numpy, of the models that stock synapses know."""
    known = [number for number in range(len(drawn(count))) if oracle(number, count)]
    return {
        number: judged(*drawn(count)[number], oracle(number, count)) for number in known
    }


def told(count, verdict):
    return "\n\n".join(
        f"{what}\n{drawn(count)[number]}"
        for number, what in verdict.items()
        if what not in ("equal", "refused")
    )


@pytest.mark.slow
@EXAMPLES
def test_numpy(count):
    found = verdicts(count)
    assert told(count, found) == ""
    errors = [stock(number, count)[1] for number in range(count)]
    unknown = [repr(error)[:300] for error in errors if error]
    assert len(found) > 0.8 * count, unknown  # stock synapses know most of them
    assert list(found.values()).count("equal") > 0.8 * len(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "target"),
    [
        (COMPILED, "standalone"),
        pytest.param(COMPILED, "cython", marks=pytest.mark.exhaustive),
        pytest.param(EXHAUSTIVE, "standalone", marks=pytest.mark.exhaustive),
        pytest.param(EXHAUSTIVE, "cython", marks=pytest.mark.exhaustive),
    ],
)
def test_compiled(count, target, together):
    """The last models of a run, some in one program."""
    size = max(count, DEFAULT)
    chosen = [number for number in range(len(drawn(size))) if oracle(number, size)]
    chosen = [
        number
        for number in chosen[-count:]
        if judged(*drawn(size)[number], oracle(number, size)) == "equal"
    ]
    found = {}
    for lot in (chosen[first : first + LOT] for first in range(0, len(chosen), LOT)):
        results = together([drawn(size)[number] for number in lot], target)
        for number, result in zip(lot, results, strict=True):
            found[number] = SMALL["differences"](result, *oracle(number, size))
    assert len(found) == len(chosen)
    assert len(chosen) > count / 2
    assert told(size, {n: wrong for n, wrong in found.items() if wrong}) == ""


# --- the comparison finds what is wrong ---


def first_that_fails(count=DEFAULT):
    return next((bad for bad in verdicts(count).values() if bad != "equal"), None)


@pytest.mark.slow
def test_a_product_that_is_multiplied_out_is_found(monkeypatch):
    from neuro_ep.engine.dense import symbols

    def expanded(expression):
        return symbols.SympyNodeRenderer().render_expr(expression).expand()

    monkeypatch.setattr(symbols, "parsed", expanded)
    assert isinstance(first_that_fails(), dict)


@pytest.mark.slow
def test_a_name_that_means_something_else_is_found(monkeypatch):
    """Numbers of neurons that count from one, as a script's own names might."""
    from neuro_ep.engine.dense import variables

    right = variables._create_numbers

    def shifted(synapses, used):
        right(synapses, used)
        for name in {"i", "j"} & used:
            array = synapses.variables[name]
            array.device.fill_with_array(array, array.get_value() + 1)

    monkeypatch.setattr(variables, "_create_numbers", shifted)
    assert isinstance(first_that_fails(), dict)
