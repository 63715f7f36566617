"""The place of continual EP in version 0.1; use :mod:`neuro_ep.models` itself now."""

from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP

__all__ = ["CONTINUAL_EP"]
