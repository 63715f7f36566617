"""A parameter that nothing sets would be zero without a word: it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from brian2.equations.equations import PARAMETER, Equations

from neuro_ep.build.order import assigned
from neuro_ep.errors import InputError
from neuro_ep.records.model import NetworkModel, NeuronModel, SynapseModel


def refuse_unset(network, compartments, kinds: dict[str, SynapseModel]):
    """InputError for a parameter of neurons or synapses that nothing sets.

    network
        As it was built.
    compartments
        Groups of neurons with their models.
    kinds
        Name of a projection -> its model.
    """
    shown = {*_shown(network.presentations), "read"}  # of hidden layers, nothing
    delivered = _delivered(_kinds(network.model))
    for group, kind in compartments:
        known = shown | delivered | _by_neurons(kind)
        _refuse(group.name, kind, known | _given(network, group.name))
    for name, kind in kinds.items():
        changed = {kind.weight, *kind.carried, *_by_synapses(kind)}
        _refuse(name, kind, shown | changed | _given(network, name))


def _refuse(group: str, kind: NeuronModel | SynapseModel, known: set):
    for name, equation in Equations(kind.equations).items():
        is_set = equation.type != PARAMETER or "linked" in equation.flags
        if not is_set and name not in known:
            raise InputError(
                f"'{name}' of '{group}' is declared, and nothing sets it: give "
                "its value in parameters, where it is (shared, constant), let a sum or "
                "code set it, or leave it out"
            )


def _kinds(model: NetworkModel) -> list[SynapseModel]:
    """All synapses that a model may have; a network has some of them."""
    parts = [getattr(model, item.name) for item in fields(model)]
    parts += model.local.values()
    return [part for part in parts if isinstance(part, SynapseModel)]


def _given(network, group: str) -> set[str]:
    """What has a value from the start."""
    parts = [name.split(".") for name in network.values]
    return {variable for owner, variable in parts if owner == group}


def _shown(presentations) -> set[str]:
    """What the clock of presentations sets, in one group or the other."""
    (operation,) = presentations.contained_objects
    return {getattr(variable, "name", "") for variable in operation.variables.values()}


def _delivered(kinds: Iterable[SynapseModel]) -> set[str]:
    """What synapses set of neurons, by sums or when an event arrives.

    A layer without one above hears nothing from there: its sum is zero and no mistake.
    """
    names = {
        name
        for kind in kinds
        for name in [*Equations(kind.equations).names, *_by_synapses(kind)]
        if name.endswith(("_pre", "_post"))
    }
    return {name.rpartition("_")[0] for name in names}


def _by_neurons(kind: NeuronModel) -> set[str]:
    codes = [*kind.regularly.values(), *(code for _, code in kind.events.values())]
    return {name for code in codes for name in assigned(code)}


def _by_synapses(kind: SynapseModel) -> set[str]:
    codes = [kind.update, *kind.regularly.values(), kind.on_pre, kind.on_post]
    return {name for code in codes for name in assigned(code)}
