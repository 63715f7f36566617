"""The gradient by Lagrangian equilibrium propagation: what nudging measures, and ends.

Pourcel et al. 2025, arXiv 2506.06248; downhill convention and residual derived here.
A trajectory s(t; beta, theta) makes the action A = integral of (L - beta c) stationary.
Both mixed derivatives of A by beta and theta are equal, hence at beta = 0

    dC/dtheta = d/dbeta integral dH/dtheta dt - [R(T) - R(0)]
    R(t) = (ds/dtheta)^T dp/dbeta - (dp/dtheta)^T ds/dbeta

the second line being the symplectic two-form of the two variations: it vanishes at an
end that holds s, or p, and cancels between ends that are joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neuro_ep.oracle.field import Parameters


@dataclass(frozen=True)
class Estimate:
    """By parameter class: the integral's derivative ``bulk``, and R(T) - R(0).

    stored is how many numbers had to be kept besides parameters and samples.
    """

    bulk: Parameters
    residual: Parameters
    stored: int

    @property
    def gradient(self) -> Parameters:
        """dC/dtheta."""
        return {name: self.bulk[name] - self.residual[name] for name in self.bulk}


def contrast(sums: Mapping[str, np.ndarray], betas: tuple[float, float]) -> Parameters:
    """The slope between two nudges, by class; sums (2, ...) hold one row each."""
    return {name: (v[0] - v[1]) / (betas[0] - betas[1]) for name, v in sums.items()}


def two_form(by_theta, by_beta) -> np.ndarray:
    """R (P,) from variations (ds, dp): by theta (N, P) each, by beta (N,) each."""
    (s_theta, p_theta), (s_beta, p_beta) = by_theta, by_beta
    return p_beta @ s_theta - s_beta @ p_theta
