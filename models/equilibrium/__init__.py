"""Equilibrium propagation: networks that settle, freely and nudged."""
