"""The physics: the tables of rules and of what else is checked, and where each stands.

A rule is imported when it is first used, since its equations need Brian2:

>>> from neuro_ep.models import CONTINUAL_EP
"""

from importlib import import_module
from typing import Any

#: Rule -> (its module, below this package, and its name there).
RULES = {
    "continual-ep": ("equilibrium.continual_ep", "CONTINUAL_EP"),
    "ep": ("equilibrium.ep", "EQUILIBRIUM_PROPAGATION"),
    "continual-vf": ("equilibrium.continual_vf", "CONTINUAL_VF"),
    "dual-propagation": ("dyads.dual_propagation", "DUAL_PROPAGATION"),
    "dual-propagation-transpose": (
        *("dyads.dual_propagation", "DUAL_PROPAGATION_TRANSPOSE"),
    ),
    "dual-propagation-kolen-pollack": ("dyads.dual_propagation", "KOLEN_POLLACK"),
    "dyadic": ("dyads.dual_propagation", "DYADIC"),
    "spiking-dual-propagation": ("dyads.spiking", "SPIKING_DUAL_PROPAGATION"),
    "spiking-ep": ("equilibrium.spiking_ep", "SPIKING_EP"),
    "dyadic-compartments": ("dyads.compartments", "DYADIC_COMPARTMENTS"),
    "rhel": ("echo.rhel", "RHEL"),
    "rhel-chain": ("echo.chain", "CHAIN"),
    "rhel-friction": ("echo.friction", "FRICTION"),
    "rhel-directed": ("echo.directed", "DIRECTED"),
    "heb": ("echo.heb", "HEB"),
}

#: Boundary condition -> the same. They are checked and not trained with.
CONDITIONS = {
    f"glep-{name.lower()}": ("trajectories.boundary_conditions", name)
    for name in ("CIVP", "CBVP", "MIXED", "NATURAL", "PERIODIC", "PFVP")
}

#: Networks without layers -> the same. They are checked and not trained with.
SECOND_RUNS = {"damped": ("trajectories.damped", "DAMPED")}

#: What is public besides: published settings, further rules.
_OTHERS = {"COUPLED_OSCILLATORS": ("echo.oscillators", "COUPLED_OSCILLATORS")}

_TABLES = (RULES, CONDITIONS, SECOND_RUNS)
_PUBLIC = {place[1]: place for table in _TABLES for place in table.values()} | _OTHERS

__all__ = ["CONDITIONS", "RULES", "SECOND_RUNS", *_PUBLIC]


def load(place: tuple[str, str]) -> Any:
    """What stands at a place of the tables."""
    return getattr(import_module(f"{__name__}.{place[0]}"), place[1])


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(_PUBLIC[name])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
