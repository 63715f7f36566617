"""Gradients computed by another road: no Brian2, no simulation, float64.

The same equation text that Brian2 simulates is parsed here (:mod:`.equations`),
assembled to the vector field of a layered network (:mod:`.field`) and to its energy
(:mod:`.energy`), and differentiated symbolically (:mod:`.gradient`). What a rule does
to the weights is measured against it in :mod:`neuro_ep.checking`.

Dual propagation is written out once more, in numpy and without that text: in closed
form (:mod:`.dyads`), in continuous time (:mod:`.compartments`) and on any graph
(:mod:`.dyadic_graph`), beside backpropagation (:mod:`.backpropagation`).

Conventions
    Potentials are in units of ``v_unit``, times in units of ``tau``.
    Loss: one half of the squared error of the read-out, or its cross-entropy, summed
    over outputs, mean over the batch.
    Arrays: samples first, then units; weights (n_pre, n_post).
"""
