"""Pathways and other operations take only what has an effect."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

from neuro_ep import DenseSynapses
from neuro_ep.errors import InputError

pytestmark = pytest.mark.usefixtures("on_numpy")


def spiking(kind=DenseSynapses):
    pre = SpikeGeneratorGroup(1, [0], [0] * ms)
    post = NeuronGroup(1, "v : 1\na : 1", threshold="v > 100", reset="")
    text = "dw/dt = 0/ms : 1 (clock-driven)\na_post = w : 1 (summed)"
    made = kind(
        pre, post, text, on_pre={"up": "v_post += w", "twice": "v_post += 2*w"},
        on_post="w += 1", method="euler",
    )  # fmt: skip
    if kind is Synapses:
        made.connect()
    made.w = 1
    return pre, post, made


@pytest.mark.parametrize("name", ["up", "twice", "post"])
@pytest.mark.parametrize("value", [0.3 * ms, 0 * ms, "rand()*ms", None])
def test_a_delay_is_refused_when_it_is_set(name, value):
    _, _, made = spiking()
    with pytest.raises(InputError, match=f"{name}' has no delay: .* use Synapses"):
        getattr(made, name).delay = value


@pytest.mark.parametrize("name", ["up", "post", "state_updater"])
@pytest.mark.parametrize("attribute", ["weight", "ordr", "variable_delay", "queue"])
def test_unknown_attributes_of_operations(name, attribute):
    _, _, made = spiking()
    with pytest.raises(InputError, match=f"no attribute '{attribute}'"):
        setattr(getattr(made, name), attribute, 1)


@pytest.mark.parametrize("attribute", ["wieght", "delay", "lr"])
def test_unknown_attributes_of_the_synapses(attribute):
    """As with Brian2's own groups, and with the same kind of error."""
    _, _, made = spiking()
    with pytest.raises(AttributeError):
        setattr(made, attribute, 1)
    _, _, stock = spiking(Synapses)
    if attribute in ("wieght", "lr"):
        with pytest.raises(AttributeError):
            setattr(stock, attribute, 1)


def test_what_has_an_effect_can_be_set():
    """Slots, orders and whether it is active, as with stock synapses."""
    final = []
    for kind in (DenseSynapses, Synapses):
        pre, post, made = spiking(kind)
        made.up.order, made.up.when = 3, "resets"
        made.twice.active = False
        Network(pre, post, made).run(0.2 * ms)
        final.append(float(post.v[0]))
    assert final == [1, 1]


def test_a_spike_arrives_when_it_would_without_delay():
    final = []
    for kind in (DenseSynapses, Synapses):
        pre, post, made = spiking(kind)
        Network(pre, post, made).run(0.3 * ms)
        final.append(np.array([post.v[0], post.a[0], np.ravel(made.w)[0]]))
    np.testing.assert_array_equal(*final)
