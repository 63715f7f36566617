"""Generalized Lagrangian equilibrium propagation: trajectories between held ends.

A record of :class:`BoundaryCondition` names an energy and what is held at the ends; the
gradient is measured by nudging, see :mod:`.estimate` for the theorem. Forces, curvature
and parameter slopes are derived from the energy's text (:mod:`.system`); trajectories
are run step by step (:mod:`.marching`) or solved as a whole (:mod:`.whole_path`).

Convention: the nudged energy is H + beta c, positive beta pulls towards the target.
"""

from neuro_ep.records.condition import BoundaryCondition
from neuro_ep.trajectories.estimators import estimator, system_of

__all__ = ["BoundaryCondition", "estimator", "system_of"]
