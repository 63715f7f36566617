"""The table of families: how each kind of rules is checked, one file a kind."""

from neuro_ep.checking.families import (
    boundary_conditions,
    damped,
    dyads,
    echo,
    echo_chain,
    echo_variants,
    equilibrium,
    heb,
    spiking_dyads,
    spiking_equilibrium,
)
from neuro_ep.checking.family import Family

#: Family, as rules and conditions name it -> how it is checked.
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        equilibrium.FAMILY,
        dyads.FAMILY,
        dyads.COMPARTMENTS,
        dyads.GRAPHS_FAMILY,
        spiking_dyads.FAMILY,
        spiking_equilibrium.FAMILY,
        echo.FAMILY,
        echo_chain.FAMILY,
        echo_variants.FRICTIONAL,
        echo_variants.DIRECTED,
        heb.FAMILY,
        boundary_conditions.RUN,
        boundary_conditions.WHOLE_PATH,
        damped.FAMILY,
    )
}
