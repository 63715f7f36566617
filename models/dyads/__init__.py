"""Dual propagation: neurons of two compartments, whose mean acts and whose difference errs."""
