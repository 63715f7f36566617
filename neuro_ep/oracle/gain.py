"""The gain of plasticity that feeds back on the neurons it follows, of one layer."""

from __future__ import annotations

import numpy as np


def gain(eta: float, beta: float, activity: np.ndarray) -> float:
    """g of one layer; ``activity`` is (batch, n_pre), or (batch, positions, rows) where
    weights are shared, with the bias unit left out."""
    seen = activity.reshape(-1, activity.shape[-1])
    gram = min(seen @ seen.T, seen.T @ seen, key=len) / len(activity)
    return float(eta / abs(beta) * np.linalg.eigvalsh(gram)[-1])
