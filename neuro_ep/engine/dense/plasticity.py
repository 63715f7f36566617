"""The differential equations of dense synapses, by matrix products or in a loop."""

from __future__ import annotations

from neuro_ep.engine.dense.operations import DenseOperation
from neuro_ep.engine.dense.places import places, terms_of
from neuro_ep.engine.dense.symbols import POST, PRE, REPLICATED, SYNAPSE, Term


class PlasticityOperation(DenseOperation):
    """Integrate the differential equations of the synapses by one step."""

    template = "dense_plasticity"

    def __init__(self, synapses, equations, name, clock, when, order):
        super().__init__(synapses, name, clock, when, order)
        self.equations = list(equations)

    @property
    def rates(self):
        return [f"_rate_{equation.varname}" for equation in self.equations]

    def describe(self, run_namespace):
        names = [equation.varname for equation in self.equations]
        split = {
            name: terms_of(self.group, self.group.substituted[name], name)
            for name in names
        }
        separable = all(
            terms is not None
            and places(self.group, name) == SYNAPSE
            and all(_scales_rows_or_columns(term, name) for term in terms)
            for name, terms in split.items()
        )
        if not separable:
            return self._loop(names)
        states = [self._separable(name, split[name]) for name in names]
        held = self.group.held
        if held is not None:
            return {
                "states": states,
                "kind": "held",
                "kept": self.kept(),
                "source": self.use(held["source"]),
                "announced": self.group.announced,
            }
        return {"states": states, "kind": "product"}

    def _loop(self, names):
        lines = [f"_rate_{name} = {self.group.substituted[name]}" for name in names]
        self.blocks["rates"] = "\n".join(lines)
        states = [
            {
                "name": name,
                "array": self.use(name),
                "replicated": places(self.group, name) == REPLICATED,
            }
            for name in names
        ]
        return {"states": states, "kind": "loop"}

    def _separable(self, name, terms):
        outer, scaling = [], []
        for number, term in enumerate(terms):
            label = f"{name}_{number}"
            described = {
                "coefficient": self.coefficient(term.coefficient, f"c_{label}"),
                "pre": self.factor(term.pre, PRE, f"pre_{label}"),
                "post": self.factor(term.post, POST, f"post_{label}"),
            }
            if term.matrix is None:
                outer.append(described)
            else:
                side = PRE if term.pre != "1" else POST
                described["along"] = described[side] | {
                    "trivial": term.post == term.pre
                }
                scaling.append(described)
        return {"array": self.use(name), "outer": outer, "scaling": scaling}


def _scales_rows_or_columns(term: Term, state: str) -> bool:
    """Whether a term with a matrix is ``c*w``, ``c*w*f(pre)`` or ``c*w*g(post)``."""
    if term.matrix is None:
        return True
    return term.matrix == state and "1" in (term.pre, term.post)
