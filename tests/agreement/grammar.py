"""Small models drawn at random, by hypothesis."""

from brian2 import Equations
from hypothesis import assume
from hypothesis import strategies as st

#: Names of neurons that equations of synapses read with a suffix, and what they are.
NEURONS = """
    x : 1
    y : 1
    far : 1
    k : integer
    on : boolean
    gain : 1 (shared)
    a : 1
    b : 1
    c : 1
    rho = tanh(x) : 1
    alias = y : 1
    seen = 0.5*a + x : 1
    none = 0 : 1
    beat = y*(1 + 4*t/ms) : 1
"""
OF_NEURONS = (
    "x",
    "y",
    "k",
    "gain",
    "a",
    "b",
    "c",
    "rho",
    "alias",
    "seen",
    "none",
    "beat",
)
SUMS = ("a", "b", "c")
CONSTANTS = {"m1": 0.7, "m2": -1.3, "whole": 3}
OF_SYNAPSES = ("w", "u", "q", "n", "m1", "m2", "whole", "both")
PLACES = ("i", "j", "N_pre", "N_post", "N_incoming", "N_outgoing", "N", "t/ms", "dt/ms")
NUMBERS = ("2", "3", "7", "0.5", "1.25", "1/3", "10000000000e-10", "2**(1/2)")
CONDITIONS = (
    *("int({0} > {1})", "int({0} <= 0.3)", "int(on_pre)*{0}", "int(not on_post)"),
    *("int(on_pre and {0} > 0.1)", "int(i != j)*{0}", "int(k_pre == 2)", "int(i < j)"),
)
FUNCTIONS = (
    *("tanh({0})", "sin({0})", "exp(-({0})**2)", "abs({0})", "sqrt(abs({0}))"),
    *("clip({0}, -1, 1)", "log(1 + abs({0}))", "1/(1 + ({0})**2)", "cos({0})"),
    *("arctan({0})", "floor({0})", "ceil({0})", "sign({0})", "exprel(-abs({0}))"),
)
POWERS = ("({0})**2", "({0})**3", "({0})**whole", "abs({0})**0.5", "(1 + ({0})**2)**-1")
WHOLE = (
    "{0}*k_pre/3",
    "k_post/2*{0}",
    "(k_pre % 3)*{0}",
    "(k_pre // 2)*{0}",
    "n/4*{0}",
)
FAR = (
    "(far_pre - offset)",
    "(far_post - offset)",
    "(far_pre - offset)*(far_post - offset)",
    "(far_pre - far_post)",
    "w*(far_pre - far_post)",
    "(offset - far_pre)**2",
    "((far_pre - offset)*y_post - x_pre*(far_post - offset))**2",
    "(w*far_pre - w*offset)",
)


def names():
    read = [name + suffix for name in OF_NEURONS for suffix in ("_pre", "_post")]
    common = st.sampled_from(("w", "x_pre", "y_post", "beat_post", "beat_pre"))
    others = st.sampled_from([*OF_SYNAPSES, *read, *PLACES])
    return st.one_of(common, others, st.sampled_from(NUMBERS), st.sampled_from(FAR))


def filled(templates, *parts):
    return st.builds(
        lambda template, *texts: template.format(*(f"({text})" for text in texts)),
        st.sampled_from(templates),
        *parts,
    )


def expressions(depth=3):
    """Text: sums, products, powers and functions of names."""
    if depth == 0:
        return names()
    inner = expressions(depth - 1)
    joined = ("{0}*{1}", "{0}*{1}", "{0} + {1}", "{0} - {1}")
    return st.one_of(
        names(),
        filled(joined, inner, inner),
        filled(joined, inner, inner),
        filled(POWERS, inner),
        filled(FUNCTIONS, inner),
        filled(WHOLE, names()),
        filled(CONDITIONS, names(), names()),
    )


@st.composite
def sums(draw, recurrent):
    """Several sums, which may read each other, in one or both directions."""
    chosen = draw(st.lists(st.sampled_from(SUMS), min_size=1, unique=True))
    sides = draw(st.lists(st.sampled_from(("_pre", "_post")), min_size=3, max_size=3))
    both = draw(st.booleans()) and not recurrent
    lines = []
    for name, side in zip(chosen, sides, strict=False):
        other = "_pre" if side == "_post" else "_post"
        for suffix in (side, other) if both else (side,):
            plain = f"w*{draw(st.sampled_from(OF_NEURONS))}{other}"
            text = draw(st.one_of(st.just(plain), expressions()))
            lines.append(f"{name}{suffix} = {text} : 1 (summed)")
    return lines


@st.composite
def states(draw):
    """Variables of synapses that are constant, or change, together or on their own."""
    lines = ["q : 1 (shared)", "n : integer"]
    for name in ("w", "u"):
        if draw(st.booleans()):
            lines.append(f"d{name}/dt = ({draw(expressions())})/ms : 1 (clock-driven)")
        else:
            lines.append(f"{name} : 1")
    if draw(st.integers(0, 3)) == 0:
        lines.append(
            f"dz/dt = ({draw(expressions(2))} - z)/ms : 1 (clock-driven, replicated)"
        )
    inside = draw(st.sampled_from(("w*x_pre", "w + u", "q*y_post", "x_pre - y_post")))
    return [*lines, f"both = {inside} : 1"]


def _is_no_circle(equations):
    """A sum that reads itself by the name that it sets is no model."""
    try:
        Equations(equations)
    except ValueError as error:
        assert "contain a cycle" in str(error)
        return False
    return True


@st.composite
def models(draw, Small):
    recurrent = draw(st.integers(0, 3)) == 0
    lines = [*draw(states()), *draw(sums(recurrent))]
    assume(_is_no_circle("\n".join(lines)))
    offset = draw(st.sampled_from((0.0, 1e3, 1e5, 1e8)))
    return Small(
        synapses="\n".join(lines),
        neurons=NEURONS,
        constants=CONSTANTS | {"offset": offset},
        sizes=draw(st.sampled_from(((3, 2), (2, 4), (1, 3), (3, 1)))),
        recurrent=recurrent,
        order=draw(st.sampled_from((0, 0, 1, -1, -2))),
        offset=offset,
        seed=draw(st.integers(0, 1000)),
        dtype=draw(st.sampled_from(("float64", "float64", "float64", "float32"))),
    )
