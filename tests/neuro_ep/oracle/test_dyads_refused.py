"""What the closed form of dual propagation refuses, and what it does not."""

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.oracle import dyads
from neuro_ep.oracle.chain import Chain

# --- what is refused ---


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"activation": "swish"}, "no activation 'swish'"),
        ({"cost": "hinge"}, "no cost 'hinge'"),
        ({"reference": "now"}, "no reference 'now'"),
        ({"alpha": 1.5}, "alpha is 1.5; give 0 to 1"),
        ({"beta": 0.0}, "give a positive number"),
        ({"beta": (0.1, 0.2)}, "one for each of the 4 layers"),
        ({"output": "tanh"}, "cross-entropy of output 'tanh'"),
        ({"activation": "tanh", "damped": True}, "damping would move"),
        ({"reference": "prox"}, "no closed prox"),
        (
            {"reference": "prox", "cost": "squared-error", "beta": 2.0},
            "keep beta below 2 or take reference 'frozen'",
        ),
        (
            {
                "reference": "prox",
                "cost": "squared-error",
                "beta": 1.0,
                "alpha": 1.0,
                "transpose": True,
            },
            "no solution at c- beta = 1",
        ),
        ({"feedback": []}, "feedback weights do not fit"),
        ({"order": "odd"}, "no order 'odd'"),
    ],
)
def test_refuses(setting, message, chain_case):
    with pytest.raises(InputError, match=message):
        dyads.closed_form(*chain_case(1), **{"activation": "tanh", **setting})


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_refuses_shapes(which, chain_case):
    case = list(chain_case(1))
    case[which] = case[which][1:] if which < 2 else case[which][:, 1:]
    with pytest.raises(InputError, match="do not chain|do not fit|y is"):
        Chain(*case)


def test_prox_is_allowed_where_the_minus_state_takes_no_feedback(chain_case):
    setting = {"reference": "prox", "cost": "squared-error", "beta": 5.0}
    found = dyads.closed_form(
        *chain_case(1), alpha=0.0, transpose=True, activation="tanh", **setting
    )
    assert np.isfinite(found.difference[1]).all()
