"""DenseSynapses: the equations of ``Synapses`` on one weight matrix and many replicas.

    S = DenseSynapses(hidden, output, '''
        dw/dt = eta*rho_pre*rho_post/tau : volt (clock-driven)
        I_forward_post = w*rho_pre  : volt (summed)
        I_feedback_pre = w*rho_post : volt (summed)
        eta : volt (shared, constant)
        tau : second (shared, constant)
        ''', replicas=20)

Conventions. Neurons are replica-major: neuron ``i`` of replica ``r`` has index
``r*n + i``. ``S.w`` has shape ``(n_pre, n_post)`` and is shared by all replicas. Summed
variables are per replica. ``dw/dt`` is the mean over replicas of its right-hand side.
With one replica all is as with ``Synapses`` and ``connect()``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import sympy
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.preferences import prefs
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.equations.equations import DIFFERENTIAL_EQUATION, Equations
from brian2.groups.group import Group
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch
from sympy.core.parameters import distribute

from neuro_ep.engine.dense.checks import (
    check_flags,
    check_named,
    checked_replicas,
    refuse_noise,
    refuse_second_writer,
    refuse_unsupported,
)
from neuro_ep.engine.dense.events import SPIKE, EventOperation, add_pathways
from neuro_ep.engine.dense.gated import GatedOperation, refuse_neurons
from neuro_ep.engine.dense.held import ARRAYS, held_source, is_announced, settle
from neuro_ep.engine.dense.matrix import MatrixIndexing, MatrixVariable
from neuro_ep.engine.dense.places import terms_of
from neuro_ep.engine.dense.plasticity import PlasticityOperation
from neuro_ep.engine.dense.states import check_states, own_states
from neuro_ep.engine.dense.sums import SummedOperation
from neuro_ep.engine.dense.symbols import Term, parsed, text_of, with_real_factors
from neuro_ep.engine.dense.ties import next_number, tied
from neuro_ep.engine.dense.variables import create_matrix, create_variables, is_whole
from neuro_ep.errors import InputError

#: What is used up when synapses are made, so that a later change would be half obeyed.
FIXED = frozenset(
    "source target replicas N_pre N_post dtype when order deliver adds hold number "
    "equations substituted summed_equations summed_updaters state_updater "
    "pathways geometry channels".split()
)


class DenseSynapses(Group):
    """All-to-all synapses: one weight matrix shared by ``replicas`` of a network.

    Parameters
    ----------
    source, target : NeuronGroup
        ``replicas * n_pre`` and ``replicas * n_post`` neurons, replica-major.
    model : str or Equations
        The equations, as for ``Synapses``: ``dw/dt = ... (clock-driven)``, summed
        variables that end in ``_post`` or ``_pre``, subexpressions, parameters that are
        ``(shared)``, one a synapse, or ``(replicated)``: one a replica and synapse.
    replicas : int
        How many copies of the network share the weights.
    method : str
        ``"euler"``, the only integrator of dense synapses.
    on_pre, on_post : str or dict, optional
        Code that a spike runs on the synapses of its neuron, or names of pathways with
        code, as for ``Synapses``; see :mod:`neuro_ep.engine.dense.events`.
    on_event : str or dict, optional
        The event that takes the place of a spike, or names of pathways with events.
    delay : None
        Spikes arrive in the step in which they happen.
    dt, clock, order, when
        As for ``Synapses``; ``when`` is the slot of the state update.
    namespace : dict, optional
        External constants and functions.
    dtype : dtype, optional
        float32 or float64; Brian2's ``core.default_float_dtype`` if not given.
    sum_order : dict, optional
        Summed variable -> its order in the slot "groups"; one before its target's group
        if not given.
    deliver : str
        The slot in which sums are delivered.
    adds : sequence of str, optional
        Summed variables that are added to what another DenseSynapses has delivered to
        the same target before, in the same step; without it they set their target.
    hold : bool, optional
        False computes everything at every step even where the source is held; the
        results are the same to rounding, see :mod:`neuro_ep.engine.dense.held`.
    name : str, optional
        A unique name.

    Raises
    ------
    InputError
        For what is not supported, with what to use instead.
    DimensionMismatchError
        For wrong units, when the network runs, as Brian2 does.
    """

    add_to_magic_network = True
    numbered = True  # equations may name i and j
    sets = ()  # neuron variables: its operations say
    summed_operation = SummedOperation
    plasticity_operation = PlasticityOperation
    event_operation: type[EventOperation] | None = EventOperation

    def __init__(
        self,
        source,
        target,
        model,
        *,
        replicas: int = 1,
        method: str = "euler",
        on_pre=None,
        on_post=None,
        on_event: str | Mapping[str, str] = SPIKE,
        delay=None,
        dt=None,
        clock=None,
        order: float = 0,
        when: str = "groups",
        namespace: Mapping | None = None,
        dtype=None,
        sum_order: Mapping[str, float] | None = None,
        adds: Collection[str] = (),
        deliver: str = "groups",
        hold: bool = True,
        name: str = "densesynapses*",
    ):
        refuse_unsupported(source, target, method, delay)
        super().__init__(
            dt=dt, clock=clock, when=when, order=order, namespace=namespace, name=name
        )
        self.add_dependency(source)
        self.add_dependency(target)
        self.source, self.target = source, target
        self.hold, self.adds, self.deliver = hold, frozenset(adds), deliver
        self.replicas = checked_replicas(replicas, source, target)
        self.N_pre = len(source) // self.replicas
        self.N_post = len(target) // self.replicas
        self.dtype = np.dtype(dtype or prefs["core.default_float_dtype"])
        self.codeobj_class, self.number = None, next_number()
        summed = self._read(model)
        create_variables(self, self._model, summed)
        self.substituted = _substituted(self, summed)
        self._indices = MatrixIndexing(*self.weight_shape)
        self.summed_equations = summed
        check_named(adds, sum_order or {}, summed)
        self.summed_updaters = self._summed_updaters(summed, sum_order or {})
        self.state_updater = self._state_updater()
        self.pathways = add_pathways(self, on_pre, on_post, on_event)
        self._enable_group_attributes()

    def __setattr__(self, key, value, level=0):
        made = self.__dict__.get("_group_attribute_access_active", False)
        if made and key in FIXED:
            raise InputError(
                f"'{self.name}': {key} is fixed once the synapses are made; name it "
                "when you make them"
            )
        super().__setattr__(key, value, level=level + 1)

    def _read(self, model) -> list:
        """Check the equations; return those of sums, as ``Synapses`` delivers them."""
        model = Equations(model) if isinstance(model, str) else model
        check_flags(model)
        refuse_noise(model, {**DEFAULT_FUNCTIONS, **(self.namespace or {})})
        self._model = model
        summed = [
            model[name] for name in sorted(model) if "summed" in model[name].flags
        ]
        self.equations = Equations([eq for eq in model.values() if eq not in summed])
        return summed

    @property
    def sizes(self) -> dict[str, int]:
        """The numbers that equations know by name."""
        return {
            "N": len(self),
            "N_incoming": self.weight_shape[0],
            "N_outgoing": self.weight_shape[1],
            "N_pre": self.N_pre,
            "N_post": self.N_post,
        }

    def _create_matrix(self, equation):
        create_matrix(self, equation)

    def _summed_updaters(self, summed, given) -> dict[str, SummedOperation]:
        """One operation for all sums that are delivered at the same moment."""
        moments: dict[tuple, list] = {}
        for equation in summed:
            group = self.target if equation.varname.endswith("_post") else self.source
            order = given.get(equation.varname, group.order - 1)
            moments.setdefault((group.clock, order), []).append(equation)
        updaters = {}
        for (clock, order), equations in moments.items():
            name = "_".join([self.name, "summed", *(eq.varname for eq in equations)])
            operation = self.summed_operation(self, equations, name, clock, order)
            self.contained_objects.append(operation)
            updaters.update({equation.varname: operation for equation in equations})
        return updaters

    def _state_updater(self) -> PlasticityOperation | None:
        names = self.equations.diff_eq_names
        if not names:
            return None
        operation = self.plasticity_operation(
            self,
            [self.equations[name] for name in sorted(names)],
            f"{self.name}_stateupdater",
            self._clock,
            self.when,
            self.order,
        )
        self.contained_objects.append(operation)
        return operation

    def before_run(self, run_namespace):
        refuse_noise(self._model, run_namespace or {})
        refuse_second_writer(self)
        self.equations.check_units(self, run_namespace=run_namespace)
        for equation in self.summed_equations:
            variables = self.resolve_all(equation.expr.identifiers, run_namespace)
            found = parse_expression_dimensions(equation.expr.code, variables)
            fail_for_dimension_mismatch(
                self.variables[equation.varname],
                Quantity(1, dim=found),
                f"The target variable '{equation.varname}' does not have the same "
                f"dimensions as the right-hand side expression '{equation.expr}'.",
            )
        super().before_run(run_namespace)

    def run_regularly(self, code, *args, **keywords):
        """As in Brian2, for variables that are shared or one a synapse."""
        refuse_neurons(self, code)
        regular = super().run_regularly(code, *args, **keywords)
        stock = regular.name.removeprefix(f"{self.name}_")
        regular._name = tied(self, regular.name, stock)
        return regular

    def run_where(self, code: str, gate: str, *, when="end", order=0.0, name=None):
        """Run code at the steps in which a shared variable is not zero.

        Other steps cost nothing. ``i`` and ``j`` are the numbers of the neurons that a
        synapse joins; ``X_transposed``, where source and target are one group, is the
        value of X, as the step begins, of the synapse that joins them the other way
        round.
        """
        operation = GatedOperation(self, code, gate, when, order, name)
        self.contained_objects.append(operation)
        return operation

    def terms(self, name: str) -> tuple[Term, ...] | None:
        """The separable terms of a right-hand side, or None."""
        state = name if name in self.equations.diff_eq_names else None
        return terms_of(self, self.substituted[name], state)

    @property
    def held(self) -> dict[str, str] | None:
        """What is held while the source does not change, or None; see ``held``."""
        if "_group_attribute_access_active" not in self.__dict__:
            return None  # still being made
        return held_source(self) if self.hold else None

    @property
    def announced(self) -> bool:
        """Whether the held source changes only where the presentations say so."""
        return self.held is not None and is_announced(self, self.held["source"])

    @property
    def operations(self) -> list:
        """The operations that deliver sums and change the state."""
        summed = {id(found): found for found in self.summed_updaters.values()}
        return [*summed.values(), *([self.state_updater] if self.state_updater else [])]

    def get_states(self, vars=None, *args, **keywords):
        """As in Brian2, of variables that are shared or one a synapse: as matrices."""
        if vars is None:
            vars = own_states(self, keywords)
        check_states(self, vars)
        return super().get_states(list(vars), *args, **keywords)

    def set_states(self, values, *args, **keywords):
        check_states(self, values)
        super().set_states(values, *args, **keywords)

    def _full_state(self):
        settle(self, forget=True)
        state = super()._full_state()
        return {name: kept for name, kept in state.items() if name not in ARRAYS}

    def _restore_from_full_state(self, state):
        settle(self, forget=True)
        super()._restore_from_full_state(state)

    def after_run(self):
        self.write_pending()
        super().after_run()

    def matrix_values(self, variable: MatrixVariable) -> np.ndarray:
        """The present values of a synaptic variable, as a matrix without units."""
        self.write_pending()
        return np.asarray(variable.get_value()).reshape(variable.shape)

    def write_pending(self):
        """Before weights are read or set from Python; compiled programs do so alone."""
        if not isinstance(get_device(), CPPStandaloneDevice):
            settle(self, forget=True)

    @property
    def weight_shape(self) -> tuple[int, int]:
        """Of variables that have one value a synapse: ``(n_pre, n_post)``."""
        return self.N_pre, self.N_post

    def __len__(self) -> int:
        return self.weight_shape[0] * self.weight_shape[1]

    def __getitem__(self, item):
        return DenseSubgroup(self._indices(item))

    @property
    def N(self) -> int:
        return len(self)

    def __repr__(self) -> str:
        return (
            f"<DenseSynapses '{self.name}': {self.source.name} -> {self.target.name}, "
            f"{self.N_pre} x {self.N_post}, {self.replicas} replicas>"
        )


class DenseSubgroup:
    """Some synapses, for indexing: ``StateMonitor(S, 'w', record=S[0, :])``."""

    def __init__(self, indices: np.ndarray):
        self._stored = np.atleast_1d(indices)

    def _indices(self, index_var: str = "_idx") -> np.ndarray:
        return self._stored

    def __len__(self) -> int:
        return len(self._stored)


def _substituted(synapses, summed) -> dict[str, str]:
    """Right-hand sides with the synapses' own subexpressions written out.

    Whole numbers that are variables become real ones where they are factors, as in
    stock synapses where a weight is multiplied first. What a function takes stays as it
    is: ``i//3`` is a floor of whole numbers.
    """
    real: dict = {
        parsed(name): sympy.Float(1) * parsed(name)
        for name, variable in synapses.variables.items()
        if is_whole(variable)
    }
    whole: dict = {}
    result = {}
    for equation in [*synapses.equations.ordered, *summed]:
        if equation.expr is None:
            continue
        with distribute(False):
            written = parsed(equation.expr.code)
            expression = with_real_factors(written, real, whole)
        if equation in summed or equation.type == DIFFERENTIAL_EQUATION:
            result[equation.varname] = text_of(expression)
        else:
            real[parsed(equation.varname)] = expression
            whole[parsed(equation.varname)] = written.xreplace(whole)
    return result
