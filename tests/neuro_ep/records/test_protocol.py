"""The phases of a presentation, for continual EP and for EP."""

import pytest

from neuro_ep.errors import InputError
from neuro_ep.records.protocol import (
    NUDGING,
    Phase,
    free_then_contrast,
    free_then_nudged,
    run_then_echo,
)


def column(protocol, name):
    return [getattr(phase, name) for phase in protocol.phases]


@pytest.mark.parametrize("nudging", NUDGING)
@pytest.mark.parametrize("protocol", [free_then_nudged, free_then_contrast])
def test_what_both_have(protocol, nudging):
    made = protocol(nudging, 8, 3)
    assert made.name == nudging
    assert made.random_sign == (nudging == "random-sign")
    symmetric = nudging == "symmetric"
    assert column(made, "nudge") == ([0, 1, -1] if symmetric else [0, 1])
    assert column(made, "duration") == ([8, 3, 3] if symmetric else [8, 3])
    assert column(made, "restore") == [False, False, True][: len(made.phases)]
    assert made.phases[0] == Phase("free", 8)  # nothing is learned before the nudge


@pytest.mark.parametrize("every", [1, 3])
def test_continual_plasticity_is_open_in_every_nudged_phase(every):
    for nudging, shares in (("one-sided", [0, 1]), ("symmetric", [0, 0.5, 0.5])):
        made = free_then_nudged(nudging, 8, 3, every)
        assert column(made, "plastic") == shares
        assert column(made, "every")[1:] == [every] * (len(shares) - 1)
        assert not any(column(made, "from_before"))


@pytest.mark.parametrize("nudging", ["one-sided", "random-sign"])
def test_contrast_opens_in_the_last_step(nudging):
    made = free_then_contrast(nudging, 8, 3)
    assert column(made, "plastic") == [0, 1]
    assert column(made, "every") == [1, 0]
    assert column(made, "from_before") == [False, False]


def test_symmetric_contrast_compares_the_nudged_states():
    """Only the last phase is plastic, and its mark is that of the phase before."""
    made = free_then_contrast("symmetric", 8, 3)
    assert column(made, "plastic") == [0, 0, 0.5]
    assert column(made, "every")[-1] == 0
    assert column(made, "from_before") == [False, False, True]
    assert made.phases != free_then_nudged("symmetric", 8, 3).phases


@pytest.mark.parametrize("protocol", [free_then_nudged, free_then_contrast])
def test_unknown_nudging_is_refused(protocol):
    with pytest.raises(InputError) as refusal:
        protocol("sideways", 8, 3)
    assert all(name in str(refusal.value) for name in ("sideways", *NUDGING))


@pytest.mark.parametrize("protocol", [free_then_nudged, free_then_contrast])
@pytest.mark.parametrize("lengths", [(0, 3), (8, 0)])
def test_phases_have_a_length(protocol, lengths):
    with pytest.raises(InputError, match="duration above 0"):
        protocol("symmetric", *lengths)


@pytest.mark.parametrize("nudging", ["symmetric", "one-sided"])
def test_echo_takes_as_long_as_the_run_and_learns_as_it_ends(nudging):
    made = run_then_echo(nudging, 8)
    assert column(made, "duration") == [8, 8]
    assert column(made, "echo") == [False, True]
    assert column(made, "nudge") == [0, 1]
    assert (column(made, "plastic"), column(made, "every")) == ([0, 1], [1, 0])
    assert not made.random_sign


def test_echo_of_random_sign_is_refused():
    with pytest.raises(InputError, match="symmetric, one-sided"):
        run_then_echo("random-sign", 8)
