"""Lagrangian equilibrium propagation: what is held at the ends of a trajectory."""
