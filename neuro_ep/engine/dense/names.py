"""Names that code of dense synapses may use: none falls through to what is around it.

Brian2 looks for a name that a group does not have among the variables of the user's
script. Names that ``Synapses`` has of itself are either right here or refused, so that
an ``i`` left over from a loop is never taken for the number of a neuron.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from neuro_ep.errors import InputError

#: Numbers of the neurons that a synapse joins, within their replica.
NUMBERS = ("i", "j")

#: Names that Brian2 gives a meaning in synapses, or in neurons (with a suffix).
OF_SYNAPSES = (
    *NUMBERS,
    *("N", "N_pre", "N_post", "N_incoming", "N_outgoing"),
    *("t", "dt", "t_in_timesteps", "lastupdate"),
)
OF_NEURONS = ("i", "N", "t", "dt", "t_in_timesteps", "lastspike", "not_refractory")

#: Names that only the code of a pathway has.
OF_PATHWAYS = ("delay", "lastupdate")

RESERVED = frozenset(
    [*OF_SYNAPSES, *OF_NEURONS]
    + [name + suffix for name in OF_NEURONS for suffix in ("_pre", "_post")]
)

#: Words of C++, and names that every C++ program of Brian2's has.
OF_CPP = frozenset(
    (
        "alignas alignof and_eq asm assert auto bitand bitor bool case catch char "
        "char16_t char32_t compl const const_cast constexpr decltype default delete do "
        "double dynamic_cast enum explicit export extern float friend goto inline "
        "int32_t int64_t int8_t long main mutable namespace neuro_ep new noexcept "
        "not_eq nullptr operator or_eq private protected public register "
        "reinterpret_cast short signed size_t sizeof static static_assert static_cast "
        "std struct switch template this thread_local throw typedef typeid typename "
        "uint32_t uint64_t union unsigned using virtual void volatile wchar_t xor "
        "xor_eq brian errno signbit stderr stdin stdout true false"
    ).split()
)

#: Words that the headers of C and C++ replace by others before anything is compiled.
MACROS = frozenset(
    (
        "BUFSIZ CHAR_BIT CHAR_MAX CHAR_MIN CLOCKS_PER_SEC CLOCK_MONOTONIC "
        "CLOCK_REALTIME EDOM EILSEQ EOF ERANGE EXIT_FAILURE EXIT_SUCCESS FILENAME_MAX "
        "FOPEN_MAX FP_INFINITE FP_NAN FP_NORMAL FP_SUBNORMAL FP_ZERO HUGE_VAL "
        "HUGE_VALF HUGE_VALL INFINITY INT_MAX INT_MIN LC_ALL LC_NUMERIC LC_TIME "
        "LLONG_MAX LLONG_MIN LONG_MAX LONG_MIN MAXFLOAT MATH_ERRNO M_1_PI M_2_PI "
        "M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2 "
        "M_SQRT2 NAN NEURO_EP_CONVOLUTION_HPP NEURO_EP_DENSE_HPP NEURO_EP_THREADS_HPP "
        "NULL PATH_MAX RAND_MAX SCHAR_MAX SCHAR_MIN SEEK_CUR SEEK_END SEEK_SET "
        "SHRT_MAX SHRT_MIN SIGABRT SIGFPE SIGILL SIGINT SIGSEGV SIGTERM SIG_DFL "
        "SIG_ERR SIG_IGN TMP_MAX UCHAR_MAX UINT_MAX ULONG_MAX USHRT_MAX linux unix"
    ).split()
)

#: Words by which templates of operations, here and in Brian2, are told what to write,
#: and functions of Python's that they call.
OF_TEMPLATES = frozenset(
    (
        "adds announced averaged c_data_type channels codeobj_name "
        "constant_or_scalar denormals_code_lines events gate geometry "
        "get_array_name hashdefine_lines held inputs kept kind map maps matrix "
        "openmp_pragma outside owner pointers_lines prefs profiled "
        "replicas scalar scalar_code sequential side source stacked states sums "
        "support_code_lines template_name template_source turned uniform variables "
        "vector vector_code LazyArange divmod len slice zip"
    ).split()
)


def refuse_declared(synapses, names: Iterable[str], used: Collection[str] = ()):
    """Equations must not declare what Brian2 gives a meaning, or what others have.

    A variable of the neurons may have the name of one of the synapses, which is read
    then, if it is clear that two are meant: where equations that use these names have
    it with ``_pre`` or ``_post`` as well, and where all neurons share it, as a unit or
    a time constant that is the same in both.
    """
    neurons = _one_a_neuron(synapses.source) | _one_a_neuron(synapses.target)
    told_apart = {name + side for name in names for side in ("_pre", "_post")} & {*used}
    neurons -= {name.rpartition("_")[0] for name in told_apart}
    for name in sorted(names):
        if name in RESERVED:
            reason = "Brian2 gives this name a meaning in synapses"
        elif name.endswith(("_pre", "_post")):
            reason = "_pre and _post name the variables of neurons"
        elif name in neurons:
            reason = "the neurons have a variable of this name"
        elif hasattr(synapses, name):
            reason = "dense synapses have an attribute of this name"
        elif name in OF_CPP | MACROS | OF_TEMPLATES:
            reason = "this word belongs to the code that is made of the equations"
        else:
            continue
        raise InputError(f"'{name}' cannot be declared: {reason}; choose another one")


def refuse_words(synapses, where: str, names: Iterable[str]):
    """Raises InputError for words of generated code among names that are used."""
    words = OF_CPP | MACROS | (OF_TEMPLATES & set(synapses.variables))
    for name in sorted(set(names) & words):
        raise InputError(
            f"{where} cannot use '{name}': this word belongs to the code that is made "
            "of the equations; choose another one, or read a variable of neurons with "
            "_pre or _post"
        )


def refuse_unowned(synapses, where: str, names: Iterable[str], known=()):
    """Raises InputError for names of Brian2's that these synapses do not have.

    ``where`` says what names them; ``known`` are names that are right there all the
    same.
    """
    refuse_words(synapses, where, names)
    for name in sorted(set(names) - set(synapses.variables) - set(known)):
        if name.startswith("_"):
            remedy = "names that begin with an underscore belong to Brian2"
        elif name in RESERVED:
            remedy = f"Brian2 gives it a meaning that '{synapses.name}' does not have"
        elif name in _of_groups(synapses):
            remedy = (
                f"'{synapses.name}' cannot read this variable of neurons; read it "
                "through a subexpression of theirs"
            )
        else:
            continue
        raise InputError(
            f"{where} cannot use '{name}': {remedy}; a constant of yours needs "
            "another name"
        )


def _one_a_neuron(group) -> set[str]:
    return {name for name, found in group.variables.items() if not found.scalar}


def _of_groups(synapses) -> set[str]:
    """Names that stock synapses between the same groups would have."""
    found = set(synapses.target.variables)
    for suffix, group in (("_pre", synapses.source), ("_post", synapses.target)):
        found |= {name + suffix for name in group.variables}
    return found
