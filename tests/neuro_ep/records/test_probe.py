"""What is to be recorded, as records and as words."""

import numpy as np
import pytest

from neuro_ep import InputError, Probe, Spikes
from neuro_ep.records.probe import Track, as_probes, read_probes, stride


def test_words_are_records():
    found = read_probes("hidden.v[0:3], w_to.w[300,7],spikes:hidden,out.m[4]", every=5)
    assert found == [
        Probe("hidden", "v", units=slice(0, 3, None), every=5),
        Probe("w_to", "w", pairs=[(300, 7)], every=5),
        Spikes("hidden"),
        Probe("out", "m", units=4, every=5),
    ]


@pytest.mark.parametrize(
    "words",
    [
        *("", "hidden", "hidden.", ".v", "hidden.v[", "hidden.v[]", "hidden.v[a]"),
        *("hidden.v[0:3:0]", "hidden.v[1,2,3]", "hidden.w[0:2,3]", "spikes:"),
        *("spikes:hidden.v", "hidden.v,,hidden.m", "hidden v", "hidden.v[1:2:3:4]"),
    ],
)
def test_other_words_are_refused(words):
    with pytest.raises(InputError, match="record"):
        read_probes(words)


@pytest.mark.parametrize(
    ("every", "found"),
    [(1, (1, 0)), (5, (5, 0)), ("5", (5, 0)), ("presentation", (0, 1))]
    + [("10 presentations", (0, 10)), (np.int64(3), (3, 0))],
)
def test_stride(every, found):
    assert stride(every) == found


@pytest.mark.parametrize(
    "every", [0, -1, 1.5, True, "never", "0 presentations", None, "", 10**12, "1e3"]
)
def test_other_strides_are_refused(every):
    with pytest.raises(InputError, match="every"):
        Probe("hidden", "v", every=every)


@pytest.mark.parametrize(
    "choices",
    [
        {"variables": []},
        {"variables": "a b"},
        {"variables": [3]},
        {"units": [0.5]},
        {"units": "all"},
        {"units": []},
        {"pairs": [1, 2]},
        {"pairs": [(1.5, 2)]},
        {"units": [1], "pairs": [(1, 2)]},
    ],
)
def test_what_no_probe_has_is_refused(choices):
    with pytest.raises(InputError):
        Probe(**{"group": "hidden", "variables": ["v"], **choices})


def test_samples_of_a_batch_have_neurons_of_their_own():
    known = {"number": 1, "group": "hidden", "names": ("v",), "size": 10}
    track = Track(**known, kind="states", chosen=(0, 3), replicas=2)
    assert track.columns.tolist() == [0, 3, 10, 13]
    assert track.bytes_of(steps=100, presentations=4, item=4) == 4 * 101 * 4


def test_one_probe_several_or_words():
    probe = Probe("hidden", "v")
    assert as_probes(probe) == as_probes([probe]) == as_probes("hidden.v") == (probe,)
    assert as_probes(Spikes("hidden")) == (Spikes("hidden"),) and as_probes(()) == ()
    with pytest.raises(InputError, match="record 3: give Probe"):
        as_probes(3)
