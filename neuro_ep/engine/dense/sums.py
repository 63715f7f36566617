"""The sums of dense synapses: delivered as matrix products, or in a loop."""

from __future__ import annotations

from collections.abc import Sequence

from neuro_ep.engine.dense.dependence import reads_any
from neuro_ep.engine.dense.operations import DenseOperation
from neuro_ep.engine.dense.places import terms_of
from neuro_ep.engine.dense.symbols import POST, PRE


class SummedOperation(DenseOperation):
    """Deliver the summed variables, per replica, before their targets are updated."""

    template = "dense_sums"

    def __init__(self, synapses, equations: Sequence, name, clock, order):
        slot = getattr(synapses, "deliver", "groups")
        super().__init__(synapses, name, clock, slot, order)
        self.equations = list(equations)

    @property
    def sets(self):
        return [self.group.variables[equation.varname] for equation in self.equations]

    @property
    def name(self) -> str:
        """Ends in ``_held`` where the source is held, for ``scheduling_summary``."""
        held = self.synapses is not None and self.synapses.held
        return self._tied(self._name + ("_held" if held else ""))

    def describe(self, run_namespace):
        held = self.group.held
        if held is not None:
            return {"sums": [], "held": self._held(held), "stacked": False}
        sums, outside = [], set()
        for number, equation in enumerate(self.equations):
            target = self.use(equation.varname)
            to, source = (
                (POST, PRE) if equation.varname.endswith("_post") else (PRE, POST)
            )
            expression = self.group.substituted[equation.varname]
            terms = terms_of(self.group, expression)
            described = {
                "target": target,
                "to": to,
                "n_to": self.group.N_post if to == POST else self.group.N_pre,
                "n_from": self.group.N_pre if to == POST else self.group.N_post,
                "index": "_post_neuron" if to == POST else "_pre_neuron",
                "terms": terms,
                "adds": equation.varname in self.group.adds,
            }
            if terms is None:
                self.blocks[f"sum_{number}"] = f"_value = {expression}"
                described.update(kind="loop", block=f"sum_{number}")
                described["reads_itself"] = self._reads([expression], [target])
            else:
                described.update(self._products(number, terms, source, to, outside))
            sums.append(described)
        return {
            "sums": sums,
            "outside": sorted(outside),
            "held": None,
            "stacked": self._stacked(sums),
        }

    def _reads(self, expressions: Sequence[str], written: Sequence) -> bool:
        return reads_any(expressions, self.group.variables, written)

    def _stacked(self, sums: Sequence[dict]) -> bool:
        """Whether two sums are plain products of two factors with one matrix.

        They are then computed together, so neither may read what the other delivers.
        """
        if len(sums) != 2 or not all(described.get("direct") for described in sums):
            return False
        one, other = sums
        same = one["products"][0]["matrix"] is other["products"][0]["matrix"]
        alone = same and one["to"] == other["to"] and not (one["adds"] or other["adds"])
        expressions = [self.group.substituted[eq.varname] for eq in self.equations]
        return alone and not self._reads(expressions, [sum["target"] for sum in sums])

    def _held(self, held):
        """The arrays of a held source, see :mod:`neuro_ep.engine.dense.held`."""
        (term,) = self.group.terms(held["current"])
        return {
            "source": self.use(held["source"]),
            "matrix": self.use(held["matrix"]),
            "target": self.use(held["current"]),
            "coefficient": self.coefficient(term.coefficient, "held"),
            "kept": self.kept(),
            "announced": self.group.announced,
        }

    def _products(self, number, terms, source, to, outside):
        """Matrix products, each once, and how they are combined into the target."""
        products: dict[tuple, int] = {}
        addends = []
        for term in terms:
            factors = {PRE: term.pre, POST: term.post}
            index = products.setdefault((term.matrix, factors[source]), len(products))
            addends.append(f"({term.coefficient})*({factors[to]})*_product_{index}")
        described = [
            {
                "matrix": self.use(matrix) if matrix else None,
                "factor": self.factor(expression, source, f"factor_{number}_{index}"),
            }
            for (matrix, expression), index in products.items()
        ]
        factors_to = [term.post if to == POST else term.pre for term in terms]
        direct = len(terms) == 1 and factors_to == ["1"] and terms[0].matrix
        direct = bool(direct) and self.equations[number].varname in self.arrays
        direct = direct and self._target_dtype(number) == self.group.dtype
        direct = direct and not self._reads(
            [terms[0].pre, terms[0].post], [self.sets[number]]
        )  # a product cannot be computed into one of its factors
        block = f"combine_{number}"
        if direct:
            block = self.coefficient(terms[0].coefficient, block)
        else:
            names = [f"_product_{index}" for index in range(len(products))]
            outside.update(names)
            self.blocks[block] = f"_value = {' + '.join(addends) or '0.0'}"
        return {
            "kind": "product",
            "products": described,
            "direct": direct,
            "block": block,
        }

    def _target_dtype(self, number):
        return self.group.variables[self.equations[number].varname].dtype
