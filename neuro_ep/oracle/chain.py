"""A chain of dyadic layers: the network, what is presented to it, how it is nudged.

What is computed with it is in :mod:`.dyads` and :mod:`.compartments`, which also say
what the symbols mean; conventions as in :mod:`.backpropagation`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neuro_ep.errors import InputError
from neuro_ep.oracle.backpropagation import (
    Activation,
    Array,
    Cost,
    activation_named,
    cost_named,
    forward,
)

#: Where the slope g of the cost is taken: at the prediction of the free pass, at the
#: present drive of the output, at its mean, or at each state itself (exact prox).
REFERENCES = ("frozen", "drive", "mean", "prox")
#: Below it float32 rounds more than 3e-4 of the error away.
SMALLEST_BETA_FLOAT32 = 1e-3


@dataclass(frozen=True)
class Chain:
    """A network, what is presented to it and how it is nudged.

    weights    [(n_pre, n_post)] of the L projections; biases [(n_post,)]
    x, y       input (batch, n_0) and target (batch, n_L)
    beta       nudging strength, one or one for each of the layers 1 ... L
    transpose  the transpose of dual propagation
    reference  one of REFERENCES
    damped     updates of hidden layers are damped (for a quadratic potential G only)
    feedback   weights that carry D down instead of `weights`, of the same shapes

    InputError for what does not fit together.
    """

    weights: Sequence[Array]
    biases: Sequence[Array]
    x: Array
    y: Array
    activation: str = "tanh"
    alpha: float = 0.5
    beta: float | Sequence[float] = 0.1
    transpose: bool = False
    cost: str = "cross-entropy"
    reference: str = "frozen"
    output: str = "identity"
    damped: bool = False
    feedback: Sequence[Array] | None = None

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_choices(self)
        _check_nudging(self)

    @property
    def betas(self) -> list[float]:
        """beta_1 ... beta_L."""
        values = np.atleast_1d(np.asarray(self.beta, dtype=float)).tolist()
        return values * len(self.weights) if np.ndim(self.beta) == 0 else values

    @property
    def gains(self) -> tuple[float, float]:
        """(c+, c-), how much of the feedback each of the two states takes."""
        gains = (self.alpha, 1 - self.alpha)
        return gains[::-1] if self.transpose else gains

    @property
    def down(self) -> Sequence[Array]:
        """The weights that carry differences down."""
        return self.weights if self.feedback is None else self.feedback

    def activation_of(self, layer: int) -> Activation:
        last = layer == len(self.weights)
        return activation_named(self.output if last else self.activation)

    @property
    def cost_function(self) -> Cost:
        return cost_named(self.cost)

    @cached_property
    def free_states(self) -> list[Array]:
        """s_0 ... s_L without nudging."""
        options = (self.activation, self.output)
        return forward(self.weights, self.biases, self.x, *options)[1]

    @cached_property
    def frozen_slope(self) -> Array:
        """dcost/ds at the prediction without nudging, (batch, n_L)."""
        return self.cost_function.slope(self.free_states[-1], self.y)

    @cached_property
    def damping(self) -> list[float]:
        """max(0, (|W_k|^2 - 1)/2) |1 - 2 alpha| of every layer 1 ... L - 1.

        It moves no fixed point, but of several (ReLU) it may choose another one.
        """
        norms = [np.linalg.norm(w, 2) for w in self.weights[1:]]
        scale = abs(1 - 2 * self.alpha) * self.damped
        return [scale * max(0.0, (float(norm) ** 2 - 1) / 2) for norm in norms]


# --- what is refused ---


def _check_shapes(chain: Chain) -> None:
    batch, n_in = np.shape(chain.x)
    sizes = [n_in, *(w.shape[1] for w in chain.weights)]
    shapes = list(zip(sizes, sizes[1:], strict=False))
    if [w.shape for w in chain.weights] != shapes:
        raise InputError(
            f"weights {[w.shape for w in chain.weights]} do not chain from x"
            f" {np.shape(chain.x)}; give (n_pre, n_post) of every projection"
        )
    if [np.shape(b) for b in chain.biases] != [(n,) for n in sizes[1:]]:
        raise InputError(f"biases do not fit layers {sizes}; give (n_post,) of each")
    if np.shape(chain.y) != (batch, sizes[-1]):
        raise InputError(f"y is {np.shape(chain.y)}; give {(batch, sizes[-1])}")
    if [w.shape for w in chain.down] != shapes:
        raise InputError(f"feedback weights do not fit; give shapes {shapes}")


def _check_choices(chain: Chain) -> None:
    activation = activation_named(chain.activation)
    cost_named(chain.cost), activation_named(chain.output)
    if chain.reference not in REFERENCES:
        raise InputError(
            f"no reference {chain.reference!r}; choose of {', '.join(REFERENCES)}"
        )
    if chain.cost == "cross-entropy" and chain.output != "identity":
        raise InputError(
            f"cross-entropy of output {chain.output!r}; take output 'identity', the"
            " softmax is part of the cost"
        )
    if chain.damped and not activation.quadratic:
        raise InputError(
            f"damping would move the fixed point of {chain.activation!r}; take relu,"
            " hard-sigmoid or identity, or no damping"
        )


def _check_nudging(chain: Chain) -> None:
    if not 0 <= chain.alpha <= 1:
        raise InputError(f"alpha is {chain.alpha}; give 0 to 1")
    betas = chain.betas
    if len(betas) != len(chain.weights) or not all(0 < b < np.inf for b in betas):
        raise InputError(
            f"beta is {chain.beta}; give a positive number, or one for each of the"
            f" {len(chain.weights)} layers above the input"
        )
    if chain.reference == "prox":
        _check_prox(chain)
    single = any(w.dtype == np.float32 for w in chain.weights)
    if single and min(betas) < SMALLEST_BETA_FLOAT32:
        warnings.warn(
            f"beta {min(betas)} in float32: rounding alone makes errors of about"
            f" {3e-7 / min(betas):.0e}; take beta from 3e-3 on, or float64",
            stacklevel=4,
        )


def _check_prox(chain: Chain) -> None:
    if (chain.cost, chain.output) != ("squared-error", "identity"):
        raise InputError(
            f"no closed prox for {chain.cost} of output {chain.output!r}; take"
            " squared-error and 'identity', or another reference"
        )
    c_minus, beta = chain.gains[1], chain.betas[-1]
    if c_minus * beta >= 1:
        raise InputError(
            f"the exact prox has no solution at c- beta = {c_minus * beta:g}; keep"
            f" beta below {1 / c_minus:g} or take reference 'frozen'"
        )
