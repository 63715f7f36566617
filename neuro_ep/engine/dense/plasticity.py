"""The differential equations of dense synapses, by matrix products or in a loop."""

from __future__ import annotations

from dataclasses import replace

from brian2.codegen.translation import get_identifiers_recursively
from brian2.utils.logger import get_logger

from neuro_ep.engine.dense.operations import DenseOperation
from neuro_ep.engine.dense.places import places, terms_of
from neuro_ep.engine.dense.symbols import POST, PRE, REPLICATED, SYNAPSE, Term

logger = get_logger(__name__)


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
        split = {name: self._terms(name, names) for name in names}
        if None in split.values():
            self._tell_slow(split)
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

    def _terms(self, name: str, names: list[str]) -> tuple[Term, ...] | None:
        """The terms of a state, None where no matrix product computes its rate."""
        if places(self.group, name) != SYNAPSE:
            return None
        rate = self.group.substituted[name]
        terms = terms_of(self.group, rate, name)
        if terms is not None and all(_scales_or_adds(term, name) for term in terms):
            return terms
        terms = terms_of(self.group, rate, name, weighted=True)
        if terms is None:
            return None
        found = tuple(
            term if _scales_or_adds(term, name) else _weighted(term) for term in terms
        )
        # all rates are those of states as they were, and this one is computed in turn
        others = set(names) - {name}
        read = get_identifiers_recursively(
            [term.synapse for term in found], self.group.variables
        )
        return None if read & others else found

    def _tell_slow(self, split):
        """One line where synapses are computed one by one that need not be."""
        for name, terms in split.items():
            if terms is None and places(self.group, name) == SYNAPSE:
                rate = f"{self.group.equations[name].expr!s:.100}"
                logger.warn(
                    f"'{self.group.name}': d{name}/dt = {rate} is computed synapse by "
                    "synapse, "
                    "for every replica, which is slow: it is no sum of products "
                    "c*h(synapse)*f(pre)*g(post), or h reads another state that "
                    "changes. Such a sum is computed by matrix products",
                    "slow_plasticity",
                    once=True,
                )

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
        outer, scaling, weighted = [], [], []
        for number, term in enumerate(terms):
            label = f"{name}_{number}"
            described = {
                "coefficient": self.coefficient(term.coefficient, f"c_{label}"),
                "pre": self.factor(term.pre, PRE, f"pre_{label}"),
                "post": self.factor(term.post, POST, f"post_{label}"),
            }
            if term.synapse != "1":
                described["synapse"] = f"synapse_{label}"
                self.blocks[described["synapse"]] = f"_factor = {term.synapse}"
                described["alone"] = term.pre == term.post == "1"
                described["number"] = len(weighted)
                weighted.append(described)
            elif term.matrix is None:
                outer.append(described)
            else:
                side = PRE if term.pre != "1" else POST
                described["along"] = described[side] | {
                    "trivial": term.post == term.pre
                }
                scaling.append(described)
        terms = {"outer": outer, "scaling": scaling, "weighted": weighted}
        return {"array": self.use(name), **terms}


def _scales_or_adds(term: Term, state: str) -> bool:
    """Whether a term is a product of neurons, ``c*w``, ``c*w*f(pre)``, ``c*w*g(post)``,
    or has its synaptic factor already.
    """
    if term.matrix is None:
        return True
    return term.matrix == state and "1" in (term.pre, term.post)


def _weighted(term: Term) -> Term:
    """The synaptic variable of a term as a factor of every synapse."""
    return replace(term, matrix=None, synapse=str(term.matrix))
