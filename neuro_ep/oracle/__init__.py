"""Gradients computed by another road: no Brian2, no simulation, float64.

The same equation text that Brian2 simulates is parsed here (:mod:`.equations`),
assembled to the vector field of a layered network (:mod:`.field`) and to its energy
(:mod:`.energy`), and differentiated symbolically (:mod:`.gradient`). What a rule does
to the weights is measured against it in :mod:`neuro_ep.checking`.

Dual propagation is written out once more, in numpy and without that text: in closed
form (:mod:`.dyads`), in continuous time (:mod:`.compartments`) and on any graph
(:mod:`.dyadic_graph`), beside backpropagation (:mod:`.backpropagation`). Networks in
time, and their exact gradient, are in :mod:`.trajectory`; how far two gradients are
apart is said in :mod:`.compare`.

Records, and what compares, are public here; all else by its module, such as
``from neuro_ep.oracle import gradient``.

Conventions
    Potentials are in units of ``v_unit``, times in units of ``tau``.
    Loss: one half of the squared error of the read-out, or its cross-entropy, summed
    over outputs, mean over the batch.
    Arrays: samples first, then units; weights (n_pre, n_post).
"""

from importlib import import_module
from typing import Any

#: Public name -> its module, below this package.
_PUBLIC = {
    "Chain": "chain",
    "Parameters": "field",
    "Problem": "trajectory",
    "cosine": "compare",
    "cosines": "compare",
    "order": "compare",
    "reference": "trajectory",
    "relative_error": "compare",
    "relative_errors": "compare",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
