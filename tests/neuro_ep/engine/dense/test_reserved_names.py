"""Names of users: none means something else, or breaks generated code.

Every word of the templates and kernels, of Python and of C++ is tried as the name of a
variable or a constant: results are those of stock ``Synapses``, or it is refused.
"""

import builtins
import keyword
import re

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, defaultclock, prefs, start_scope

from neuro_ep import DenseSynapses
from neuro_ep.engine.dense import codeobjects, names
from neuro_ep.errors import InputError

pytestmark = pytest.mark.usefixtures("on_numpy")

PLAUSIBLE = """
    act activation activity alpha amplitude area b baseline batch beta bias bound bias_in
    c capacitance cell charge clamp clock cond conductance cost current curvature d
    damping decay degree delay delta dendrite depth diff dim dir distance drive drift
    dtype dw e edge eff elig eligibility energy epoch eps epsilon error eta event excite
    f factor feedback field fire first flag force forward frac freq friction func g gain
    gamma gap gate gating gen goal grad gradient group h half hebb held hidden i0 id idx
    image in_rate index inh init input ions item j0 k kappa kernel key kind know label
    lag lam lambda lambda_ last layer lead leak learn left len level lim line lo loss lr
    m mask mass max mean mem min mod mode momentum mu n name net neuron next noise norm
    nu num obj omega order out output p pair param pass phase phi pi_ plus pop pos post
    post_rate pre pre_rate pred prev prob prod psi pulse q r rate ratio read ref reg rest
    reward rho right rise role rule s sample scale score seed self shape share sigma sign_
    signal size slope slot source space spike src state status step stim std strength sum
    syn tag target tau temp theta threshold time top total trace true type u update use v
    val value var vel voltage weight width window work x1 xi0 y1 z zeta zip
""".split()


def words_of_code():
    """Every identifier in templates and kernels, also inside comments."""
    folders = [codeobjects.HERE, codeobjects.HERE.parent / "convolution"]
    files = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".cpp", ".hpp", ".py_")
    ]
    return {
        word for path in files for word in re.findall(r"[A-Za-z]\w*", path.read_text())
    }


WORDS = sorted(
    {*words_of_code(), *PLAUSIBLE, *names.OF_CPP, *names.OF_TEMPLATES}
    | {*keyword.kwlist, *vars(builtins)} - {"__build_class__", "__import__"}
)
OWN = ("w", "x", "a", "b", "u")


def equations(role, words):
    """Equations of neurons and synapses that read all words, and constants."""
    declared = "\n".join(f"{word} : 1" for word in words)
    shared = "\n".join(f"{word} : 1 (shared)" for word in words)
    total = " + ".join(f"{word}*{number}.5" for number, word in enumerate(words))
    synapses = f"""w : 1
        {declared if role == "synapse" else ""}
        {shared if role == "shared" else ""}
        a_post = w*x_pre*({total}) : 1 (summed)
        b_post = tanh(w*({total})) : 1 (summed)"""
    neurons = f"x : 1\na : 1\nb : 1\n{declared if role == 'neuron' else ''}"
    constants = dict.fromkeys(words, 0.3) if role == "constant" else {}
    return neurons, synapses, constants


def made(kind, role, words):
    neurons, synapses, constants = equations(role, words)
    pre, post = NeuronGroup(3, neurons), NeuronGroup(2, neurons)
    keywords = {"namespace": constants}
    if kind is Synapses:
        keywords["method"] = "euler"
    found = kind(pre, post, synapses, **keywords)
    if kind is Synapses:
        found.connect()
    found.w, pre.x = 0.01, [1, 2, 3]
    for number, word in enumerate(words):
        owner = {"neuron": post, "synapse": found, "shared": found}.get(role)
        if owner is not None:
            owner.variables[word].set_value(0.1 * number)
    return pre, post, found


def results(kind, role, words, target="numpy"):
    start_scope()
    prefs.codegen.target = target
    pre, post, found = made(kind, role, words)
    Network(pre, post, found).run(2 * defaultclock.dt, namespace={})
    return np.concatenate([post.a[:], post.b[:]])


def accepted(role):
    """Words that dense synapses take when they are made; others they must refuse.

    Brian2 refuses some words itself, in neurons say, before dense synapses are made.
    """
    kept = []
    for word in WORDS:
        if word in OWN:
            continue
        try:
            made(DenseSynapses, role, [word])
        except InputError as error:
            assert f"'{word}'" in str(error)
            assert "another" in str(error) or "cannot" in str(error)
        except Exception as error:
            assert _stock_refuses(role, word), (word, error)
        else:
            kept.append(word)
    return kept


def _stock_refuses(role, word):
    try:
        results(Synapses, role, [word])
    except Exception:
        return True
    return False


def agrees(role, words, target):
    """Whether all words together give what stock synapses give; or each alone."""
    try:
        found = results(DenseSynapses, role, words, target)
        np.testing.assert_allclose(found, results(Synapses, role, words), rtol=1e-9)
    except Exception:
        if len(words) == 1:
            return [] if _stock_refuses(role, words[0]) else words
        half = len(words) // 2
        return agrees(role, words[:half], target) + agrees(role, words[half:], target)
    return []


@pytest.mark.slow
@pytest.mark.parametrize("role", ["synapse", "shared", "neuron", "constant"])
def test_words_of_generated_code(role):
    kept = accepted(role)
    assert len(kept) > 0.5 * len(WORDS)
    parts = [kept[first : first + 40] for first in range(0, len(kept), 40)]
    assert [bad for part in parts for bad in agrees(role, part, "numpy")] == []
