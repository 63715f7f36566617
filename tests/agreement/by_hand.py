"""Small models that once gave wrong numbers in silence, and more of their kinds."""

import runpy
from pathlib import Path

Small = runpy.run_path(str(Path(__file__).with_name("small_models.py")))["Small"]

#: What a step delivers differs from step to step, so that nothing late is right again.
NEURONS = """
    x = y*(1 + 4*t/ms) : 1
    y : 1
    k : integer
    a : 1
    b : 1
    c : 1
    seen = 0.5*a + x : 1
    deep = 2*seen - y : 1
    other = a : 1
"""


def summed(*lines):
    return "\n".join(f"{line} : 1 (summed)" for line in lines)


def both_ways(*lines, states="w : 1", **keywords):
    """Synapses of a group with itself, so that one variable has two names."""
    text = f"{states}\n{summed(*lines)}"
    return Small(text, NEURONS, recurrent=True, **keywords)


def one_way(*lines, states="w : 1", **keywords):
    return Small(f"{states}\n{summed(*lines)}", NEURONS, **keywords)


#: Gating variables as in Hodgkin and Huxley's neurons.
GATES = (
    NEURONS
    + """
    n : 1
    m : 1
    h : 1
"""
)

PLASTIC = "dw/dt = (a_post*x_pre - w)/ms : 1 (clock-driven)"

#: What one operation computes another one reads, in the same step.
DEPENDENCE = {
    "case": both_ways("a_post = w*x_pre", "b_post = w*a_pre"),
    "chain of three": both_ways(
        "a_post = w*x_pre", "b_post = w*a_pre", "c_post = w*b_pre"
    ),
    "chain backwards": both_ways(
        "a_post = w*b_pre", "b_post = w*c_pre", "c_post = w*x_pre"
    ),
    "circle": both_ways("a_post = w*b_pre", "b_post = w*a_pre"),
    "circle in one sum": both_ways("a_post = w*a_pre"),
    "itself, no product": both_ways("a_post = tanh(w*a_pre)"),
    "itself as a row": both_ways("a_pre = tanh(w*a_post)", "b_post = w*a_pre"),
    "itself as a factor": one_way("a_post = w*x_pre*other_post"),
    "by a subexpression": both_ways("a_post = w*x_pre", "b_post = w*seen_pre"),
    "by two": both_ways("a_post = w*x_pre", "b_post = w*deep_pre"),
    "by another name": both_ways("a_post = w*x_pre", "b_post = w*other_pre"),
    "itself by another name": both_ways("a_post = w*other_pre"),
    "own subexpression": both_ways(
        "a_post = w*x_pre", "b_post = f", states="w : 1\nf = w*a_pre : 1"
    ),
    "without a suffix": one_way("a_post = w*x_pre", "b_post = w*a"),
    "there and back": one_way(
        "a_post = w*x_pre", "b_pre = w*a_post", "c_post = w*b_pre"
    ),
    "coefficients": both_ways("a_post = 2*w*x_pre", "b_post = 3*w*a_pre"),
    "several products": both_ways(
        "a_post = w*x_pre + u*y_pre + w*b_pre + u*a_pre + w*x_pre**2",
        "b_post = w*a_pre*a_post + u*x_pre",
        states="w : 1\nu : 1",
    ),
    "no weights": both_ways("a_post = x_pre", "b_post = a_pre*w"),
    "coupled states": one_way(
        "a_post = w*x_pre",
        states="dw/dt = (u - 0.5*w*a_post)/ms : 1 (clock-driven)\n"
        "du/dt = (w*x_pre - u)/ms : 1 (clock-driven)",
    ),
    "a trace for each replica": one_way(
        "a_post = w*z",
        states="dz/dt = (w*x_pre - z)/ms : 1 (clock-driven, replicated)\n"
        "dw/dt = (z*y_post - w)/ms : 1 (clock-driven)",
    ),
    **{
        f"weights of order {order}": both_ways(
            "a_post = w*x_pre", "b_post = w*a_pre", states=PLASTIC, order=order
        )
        for order in (-2, -1, 1)
    },
}


def packed(expressions, more="w : 1\nu : 1\nn : integer", **keywords):
    """One sum for each expression, to both sides by turns; and a state for some."""
    sides = ("_post", "_pre")
    lines = [f"r{k}{sides[k % 2]} = {text}" for k, text in enumerate(expressions)]
    targets = "".join(f"r{k} : 1\n" for k in range(len(expressions)))
    neurons = f"x : 1\ny : 1\nk : integer\nfar : 1\n{targets}"
    return Small(f"{more}\n{summed(*lines)}", neurons, **keywords)


NAMES = {
    "numbers of neurons": packed(
        ("w*int(i != j)", "i + 10*j", "w*x_pre*(i - 1)", "w*y_post*j", "w*(i + j)/N")
    ),
    "sizes": packed(
        *[("w/N_incoming", "w/N_outgoing", "w*N_pre", "N_post*x_pre", "x_pre/N")],
        sizes=(3, 4),
    ),
    "time": packed(
        *[("w*t/ms", "w*x_pre*dt/ms", "t/dt*w", "w*int(t > 0.05*ms)*x_pre")],
        more="w : 1\ndu/dt = (t/ms + i + dt/ms)/ms : 1 (clock-driven)",
    ),
    "in states": packed(
        *[("w*x_pre", "u*y_post")],
        more="dw/dt = (x_pre*y_post*int(i != j) - w/N_incoming)/ms : 1 (clock-driven)\n"
        "du/dt = (j*x_pre + i*u/N_post)/ms : 1 (clock-driven)",
    ),
    "gates": Small(
        "dw/dt = (n_pre*m_post**3*h_post - w)/ms : 1 (clock-driven)\n"
        + summed("a_post = w*n_pre", "b_post = n*w*tanh(m_pre*h_post)"),
        GATES,
    ),
}

INTEGERS = {
    "blocks": packed(
        (
            *(
                "w*int(i//3 == j//3)",
                "w*(i//49)",
                "w*int((i + 48)//49 == 1)",
                "k_pre//3",
            ),
            *("w*floor(k_pre/3)", "w*int(k_pre/3 >= 1)", "w*int(i/3 == 1)", "n//3*w"),
            *("w*int((i + 1)/7*7 == i + 1)", "(j//2)*x_pre*w", "w*clip(k_pre/3, 0, 1)"),
        )
    ),
    "divided": packed(
        (
            *("w*x_pre/3", "w*y_post/3 - x_pre/7", "n*x_pre/3", "w*k_pre/3", "k_pre/7"),
            *("k_pre*k_post/7", "2*w/3*x_pre", "w*(1/3)*x_pre", "abs(x_pre)**(1/3)*w"),
            *("w**2/3 - x_pre*y_post/7", "exp(-w/3)", "tanh(w*x_pre/3)", "w/(3*7)"),
        )
    ),
    "whole": packed(
        (
            *("k_pre % 3 + w", "w*(k_pre // 2)", "n % 2*w", "n // 2*x_pre", "n*k_post"),
            *("10000000000*w", "w*3000000000*x_pre", "w*whole/7", "x_pre**whole*w/7"),
            *("int(w > 0)/3", "n**2/7", "(n + k_pre)/3", "w/whole", "-w/3 + 1/3"),
        ),
        constants={"whole": 3},
    ),
    "in states": packed(
        *[("w*x_pre/3", "u/3")],
        more="dw/dt = (x_pre*y_post/3 - w/7)/ms : 1 (clock-driven)\n"
        "du/dt = (exp(-u)/3 + 1/7)/ms : 1 (clock-driven)",
    ),
}

DIFFERENCES = (
    *("(far_pre - m)*(far_post - m)", "w*(far_pre - m)", "(far_pre - far_post)*w"),
    *("far_pre - far_post", "(far_pre - m)**2*w", "(far_pre - far_post)**2"),
    "((far_pre - m)*y_post - x_pre*(far_post - m))**2",
    "(x_pre*y_post - y_pre*x_post)**2*(m - far_pre)",
    *("(far_pre + far_post - 2*m)*w", "(m - far_pre)*(x_post - y_pre)"),
)

RULE = """
    dw/dt = (far_pre - m)*(far_post - m)/ms : 1 (clock-driven)
    du/dt = (w - u*(far_pre - m))/ms : 1 (clock-driven)
"""

CANCELLATION = {
    f"{dtype} {offset:.0e}": packed(
        DIFFERENCES, more=RULE, offset=offset, constants={"m": offset}, dtype=dtype
    )
    for dtype, offset in (
        *(("float64", 1e3), ("float64", 1e5), ("float64", 1e8)),
        *(("float32", 1e3), ("float32", 1e5), ("float32", 1e6)),
    )
}


def plastic(*rates, more="u : 1\nn : integer", **keywords):
    """Synapses whose states w, v, ... change at these rates."""
    states = [
        f"d{name}/dt = ({rate})/ms : 1 (clock-driven)"
        for name, rate in zip("wvz", rates, strict=False)
    ]
    return packed(("w*x_pre",), more="\n".join([*states, more]), **keywords)


#: Products of neurons that every synapse multiplies by something of its own.
WEIGHTED = {
    "by a parameter": plastic("u*x_pre*y_post"),
    "soft bounds": plastic("(1 - (w/2)**2)*x_pre*y_post"),
    "bounds and decay": plastic("(1 - w)*(1 + w)*x_pre*y_post - w*y_pre - w/3 + x_pre"),
    "of both sides": plastic("tanh(w)*x_pre*y_post + u*w*x_pre + sin(u)*y_post"),
    "alone": plastic("(u - w)**3 + exp(-abs(u)) - 0.1*w**3"),
    "two variables": plastic("u*w*x_pre*y_post - u*y_pre"),
    "whole numbers": plastic("n*x_pre*y_post/3 + n**2*u"),
    "states apart": plastic("(1 - w)*x_pre*y_post", "(u - v)*y_pre*x_post"),
    "states of each other": plastic("(1 - v)*x_pre*y_post", "(u - w)*y_pre*x_post"),
    "nothing": plastic("closed*u*x_pre*y_post + u*y_post", constants={"closed": 0.0}),
    "single precision": plastic("(1 - (w/2)**2)*x_pre*y_post - u*w", dtype="float32"),
    "offset": plastic(
        *("(u - m)*(far_pre - m)*y_post", "(far_post - m)*v*(v - m)/m"),
        **{"offset": 1e8, "constants": {"m": 1e8}},
    ),
}

KINDS = {
    "weighted": WEIGHTED,
    "dependence": DEPENDENCE,
    "names": NAMES,
    "integers": INTEGERS,
    "cancellation": CANCELLATION,
}
ALL = {
    f"{kind}: {name}": model
    for kind, models in KINDS.items()
    for name, model in models.items()
}
