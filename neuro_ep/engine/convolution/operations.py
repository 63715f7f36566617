"""The two things these synapses do at a step, as products of unfolded sources."""

from __future__ import annotations

from typing import Any

from brian2.parsing.sympytools import str_to_sympy

from neuro_ep.engine.convolution.codeobjects import (
    CONVOLUTION,
    convolution_code_object_class,
)
from neuro_ep.engine.dense.places import known_values, places
from neuro_ep.engine.dense.plasticity import PlasticityOperation
from neuro_ep.engine.dense.sums import SummedOperation
from neuro_ep.engine.dense.symbols import POST, PRE, Term, separate


def plastic_terms(synapses, expression: str) -> tuple[Term, ...] | None:
    """The separable terms of a rate of change, or None.

    Neuron variables that are plain numbers keep their names unless they are zero:
    whether a term reads a neuron decides how often it counts.
    """
    names = {symbol.name for symbol in str_to_sympy(expression).free_symbols}
    known = known_values(synapses, names)
    return separate(
        expression,
        lambda name: places(synapses, name),
        {name: found for name, found in known.items() if found == 0 or found.is_Symbol},
        shared_apart=True,
    )


def layout(synapses) -> dict[str, Any]:
    """What the templates know of the geometry.

    ``maps`` is how many maps there are one after another: one a replica, where pooling
    has one a replica and channel. ``uniform`` is the weight where equations have none.
    """
    geometry = synapses.geometry
    return {
        "geometry": geometry,
        "kind": type(geometry).__name__,
        "maps": len(synapses.source) // geometry.n_pre,
        "inputs": geometry.weight_shape[0],
        "channels": geometry.channels,
        "uniform": synapses.uniform,
    }


class ConvolvedSums(SummedOperation):
    """Deliver the summed variables, per replica, before their targets are updated."""

    template = "convolution_sums"
    kernels = CONVOLUTION
    code_object_class = staticmethod(convolution_code_object_class)

    def describe(self, run_namespace):
        return super().describe(run_namespace) | layout(self.group)


class ConvolvedPlasticity(PlasticityOperation):
    """Integrate the differential equations of the shared weights by one step."""

    template = "convolution_plasticity"
    kernels = CONVOLUTION
    code_object_class = staticmethod(convolution_code_object_class)

    def describe(self, run_namespace):
        states = [self._state(equation.varname) for equation in self.equations]
        return layout(self.group) | {"states": states}

    def _state(self, name: str) -> dict[str, Any]:
        terms = plastic_terms(self.group, self.group.substituted[name])
        assert terms is not None  # refused when the synapses were made
        described = [
            self._part(term, f"{name}_{number}") for number, term in enumerate(terms)
        ]
        return {"array": self.use(name), "terms": described}

    def _part(self, term: Term, label: str) -> dict[str, Any]:
        """A term; ``once`` if it reads no neuron and so is not summed."""
        once = term.pre == term.post == "1"
        return {
            "coefficient": self.coefficient(term.coefficient, f"c_{label}"),
            "matrix": self.use(term.matrix) if term.matrix else None,
            "once": once,
            "pre": None if once else self.factor(term.pre, PRE, f"pre_{label}"),
            "post": None if once else self.factor(term.post, POST, f"post_{label}"),
        }
