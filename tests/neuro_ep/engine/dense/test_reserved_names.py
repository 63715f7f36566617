"""Names of users: none means something else, or breaks generated code.

Every word of the templates and kernels, of C++, and many others are tried as the name
of a variable or a constant: results are those of stock ``Synapses``, or it is refused.
"""

import builtins
import re

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, defaultclock, ms, prefs, start_scope

from neuro_ep import DenseSynapses
from neuro_ep.engine.dense import codeobjects, names
from neuro_ep.errors import InputError

pytestmark = pytest.mark.usefixtures("on_numpy")

PLAUSIBLE = """
    act activation activity alpha amplitude area b baseline batch beta bias bound
    bias_in c capacitance cell charge clamp clock cond conductance cost current
    curvature d damping decay degree delay delta dendrite depth diff dim dir
    distance drive drift dtype dw e edge eff elig eligibility energy epoch eps
    epsilon error eta event excite f factor feedback field fire first flag force
    forward frac freq friction func g gain gamma gap gate gating gen goal grad
    gradient group h half hebb held hidden i0 id idx image in_rate index inh init
    input ions item j0 k kappa kernel key kind know label lag lam lambda lambda_
    last layer lead leak learn left len level lim line lo loss lr m mask mass max
    mean mem min mod mode momentum mu n name net neuron next noise norm nu num obj
    omega order out output p pair param pass phase phi pi_ plus pop pos post
    post_rate pre pre_rate pred prev prob prod psi pulse q r rate ratio read ref reg
    rest reward rho right rise role rule s sample scale score seed self shape share
    sigma sign_ signal size slope slot source space spike src state status step stim
    std strength sum syn tag target tau temp theta threshold time top total trace
    true type u update use v val value var vel voltage weight width window work x1
    xi0 y1 z zeta zip
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
    {*words_of_code(), *PLAUSIBLE, *names.OF_CPP, *names.MACROS, *names.OF_TEMPLATES}
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


def accepted(role, words=WORDS):
    """Words that dense synapses take when they are made; others they must refuse.

    Brian2 refuses some words itself, in neurons say, before dense synapses are made.
    """
    kept = []
    for word in words:
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
@pytest.mark.parametrize(
    "every", [20, pytest.param(1, marks=pytest.mark.exhaustive)], ids=("some", "all")
)
@pytest.mark.parametrize("role", ["synapse", "shared", "neuron", "constant"])
def test_words_of_generated_code(role, every):
    """Names of Python's functions are tried alone: Brian2 may mistake them."""
    words = WORDS[::every]
    kept = accepted(role, words)
    assert len(kept) > 0.5 * len(words)
    python = [word for word in kept if hasattr(builtins, word)]
    others = [word for word in kept if word not in python]
    parts = [others[first : first + 40] for first in range(0, len(others), 40)]
    parts += [[word] for word in python]
    assert [bad for part in parts for bad in agrees(role, part, "numpy")] == []


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("role", ["synapse", "neuron"])
def test_words_of_generated_code_compiled(role):
    if not codeobjects.python_headers_available():
        pytest.skip("Brian2's Cython target needs Cython and Python's C headers")
    kept = [word for word in accepted(role) if not hasattr(builtins, word)]
    parts = [kept[first : first + 200] for first in range(0, len(kept), 200)]
    assert [bad for part in parts for bad in agrees(role, part, "cython")] == []


def test_a_variable_of_neurons_called_as_the_number_of_a_neuron():
    """``j`` is the number, as in stock synapses; ``j_post`` is the variable."""
    final = []
    for kind in (DenseSynapses, Synapses):
        pre, post = NeuronGroup(3, "x : 1"), NeuronGroup(2, "a : 1\nj : 1")
        text = "w : 1\na_post = w*j + 10*j_post : 1 (summed)"
        found = kind(pre, post, text)
        if kind is Synapses:
            found.connect()
        found.w, post.j = 0.5, [7, 8]
        Network(pre, post, found).run(defaultclock.dt)
        final.append(post.a[:])
    np.testing.assert_array_equal(*final)


@pytest.mark.parametrize(
    "word",
    ["kind", "replicas", "float", "std", "order", "n_pre", "true", "M_PI", "NULL"],
)
def test_words_that_are_refused(word):
    with pytest.raises(InputError, match=f"'{word}' cannot be declared"):
        made(DenseSynapses, "synapse", [word])


@pytest.mark.parametrize("name", ["early", "late"])
def test_variables_of_neurons_are_not_declared_again_as_with_stock(name):
    neurons = NeuronGroup(2, "early : 1"), NeuronGroup(2, "late : 1")
    with pytest.raises(ValueError, match="rename the synaptic variable"):
        Synapses(*neurons, f"{name} : 1")
    with pytest.raises(InputError, match=f"'{name}'.*neurons have a variable"):
        DenseSynapses(*neurons, f"{name} : 1\ntwice = 2*{name} : 1")


def test_a_synaptic_variable_that_is_told_apart_from_that_of_neurons():
    neurons = NeuronGroup(2, "b : 1"), NeuronGroup(2, "b : 1")
    synapses = DenseSynapses(*neurons, "b : 1\nb_post = 2*b : 1 (summed)")
    synapses.b = [[1, 2], [3, 4]]
    Network(*neurons, synapses).run(defaultclock.dt)
    np.testing.assert_array_equal(neurons[1].b, [8, 12])


@pytest.mark.parametrize("word", ["float", "std", "template"])
def test_constants_that_are_refused(word):
    with pytest.raises(InputError, match=f"cannot use '{word}'.*another one"):
        made(DenseSynapses, "constant", [word])


# --- names of Brian2's, which must not be those of the script around ---


@pytest.mark.parametrize(
    "name",
    ["lastupdate", "lastspike", "not_refractory", "lastspike_pre", "i_pre_"],
)
def test_names_that_these_synapses_do_not_have(name):
    """Though the script around has one of that name."""
    text = f"w : 1\na_post = w*{name} : 1 (summed)"
    pre, post = NeuronGroup(3, "x : 1"), NeuronGroup(2, "a : 1")
    if name == "i_pre_":  # this one is anybody's
        found = DenseSynapses(pre, post, text, namespace={name: 2})
        found.w = 1
        Network(pre, post, found).run(defaultclock.dt)
        np.testing.assert_array_equal(post.a, [6, 6])
        return
    with pytest.raises(InputError, match=f"cannot use '{name}'"):
        DenseSynapses(pre, post, text, namespace={name: 2})


@pytest.mark.parametrize("name", ["N_incoming", "N_outgoing", "N_pre", "N_post", "N"])
def test_sizes_are_those_of_stock_synapses_whatever_is_around(name):
    text = f"w : 1\na_post = w*{name} : 1 (summed)"
    final = []
    for kind in (DenseSynapses, Synapses):
        pre, post = NeuronGroup(3, "x : 1"), NeuronGroup(2, "a : 1")
        found = kind(pre, post, text, namespace={})
        if kind is Synapses:
            found.connect()
        found.w = 0.5
        Network(pre, post, found).run(defaultclock.dt, namespace={name: 1000})
        final.append(post.a[:])
    np.testing.assert_array_equal(*final)


def test_refractory_neurons_say_so_as_with_stock_synapses():
    """Neurons that have these names may be asked."""
    final = []
    for kind in (DenseSynapses, Synapses):
        pre = NeuronGroup(
            3, "x : 1", threshold="x > 1", refractory=0.35 * ms, method="euler"
        )
        post = NeuronGroup(2, "a : 1\nb : 1")
        pre.x = [0, 2, 3]
        text = """w : 1
            a_post = w*int(not_refractory_pre) : 1 (summed)
            b_post = w*int(t - lastspike_pre < 0.15*ms) : 1 (summed)"""
        found = kind(pre, post, text)
        if kind is Synapses:
            found.connect()
        found.w, total = 0.5, []
        network = Network(pre, post, found)
        for _ in range(6):
            network.run(defaultclock.dt)
            total += [*post.a[:], *post.b[:]]
        final.append(total)
    assert len(set(final[0])) > 1
    np.testing.assert_array_equal(*final)


@pytest.mark.parametrize(
    "text", ["i + j", "10*i + j", "0.5*i*int(i != j)", "j/N", "N_pre*i"]
)
def test_numbers_in_initial_values_are_not_those_of_the_script(text):
    i, j, N, N_pre = 50, 60, 70, 80  # noqa: F841 - names that the text could take
    pre = NeuronGroup(3, "x : 1")
    found, expected = DenseSynapses(pre, pre, "w : 1"), Synapses(pre, pre, "w : 1")
    expected.connect()
    found.w, expected.w = text, text
    np.testing.assert_allclose(found.w[:].ravel(), expected.w[:])
