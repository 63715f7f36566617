"""Synapses that share weights between positions, with the equations of ``Synapses``.

    S = ConvSynapses(image, features, '''
        dw/dt = eta*rho_pre*delta_post/tau : volt (clock-driven)
        I_forward_post = w*rho_pre    : volt (summed)
        I_feedback_pre = w*delta_post : volt (summed)
        eta : volt (shared, constant)
        tau : second (shared, constant)
        ''', shape=(1, 28, 28), channels=16, kernel=(5, 5), replicas=20)

Conventions. Neurons are replica-major, and within a replica numbered channel by
channel, row by row. Every connection between two neurons is a synapse of the equations;
many share one weight:

- ``S.w`` has shape ``(channels_in*kernel_height*kernel_width, channels)``; its column
  ``c`` is the kernel of channel ``c``, so ``S.w[:].T.reshape(channels, channels_in,
  kernel_height, kernel_width)`` has the order of PyTorch. ``N_incoming`` is the number
  of its rows, for ``S.w = "randn()*mV/sqrt(N_incoming)"``.
- Summed variables are per replica: ``_post`` is the convolution (cross-correlation, as
  in all of deep learning), ``_pre`` its transpose. In the padding there are no neurons
  and no synapses.
- ``dw/dt`` is the sum over the synapses that share ``w``, and the mean over replicas,
  of every term that reads a neuron (``_pre``, ``_post``). Terms that read none, such as
  the decay ``-w/tau``, count once.
"""

from __future__ import annotations

from neuro_ep.engine.convolution.checks import (
    check_size,
    check_window,
    checked_number,
    checked_pair,
    checked_shape,
    refuse_inseparable,
)
from neuro_ep.engine.convolution.geometry import Broadcast, Convolution, Geometry
from neuro_ep.engine.convolution.operations import ConvolvedPlasticity, ConvolvedSums
from neuro_ep.engine.dense.checks import checked_replicas
from neuro_ep.engine.dense.group import DenseSynapses
from neuro_ep.errors import InputError


class PositionSynapses(DenseSynapses):
    """Synapses whose weights are shared as a geometry says; use one of those below.

    ``uniform`` is the weight of a synapse where the equations have none. All other
    keywords are those of :class:`~neuro_ep.engine.dense.DenseSynapses`; ``hold`` is
    without effect.
    """

    summed_operation = ConvolvedSums
    plasticity_operation = ConvolvedPlasticity
    event_operation = None
    held = None
    numbered = False  # many synapses share a weight

    def __init__(
        self,
        source,
        target,
        model,
        *,
        geometry: Geometry,
        uniform: float = 1.0,
        replicas: int = 1,
        name: str,
        **keywords,
    ):
        self.geometry, self.uniform = geometry, uniform
        super().__init__(
            source, target, model, replicas=replicas, name=name, **keywords
        )
        refuse_inseparable(self)

    @property
    def weight_shape(self) -> tuple[int, int]:
        """Of variables that synapses share: rows of a kernel, channels."""
        return self.geometry.weight_shape

    @property
    def sizes(self) -> dict[str, int]:
        """As of dense synapses; neurons at an edge have fewer outgoing synapses."""
        sizes = super().sizes
        del sizes["N_outgoing"]
        return sizes

    def _create_matrix(self, equation):
        if "replicated" in equation.flags:
            raise InputError(
                f"'{equation.varname}': {type(self).__name__} has no (replicated) "
                "variables; keep the trace in the neurons, read it with _pre or _post"
            )
        super()._create_matrix(equation)

    def run_where(self, code: str, gate: str, **keywords):
        raise InputError(
            f"{type(self).__name__} has no run_where; multiply the right-hand side of "
            f"the equation by '{gate}', or use run_regularly"
        )

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} '{self.name}': {self.source.name} -> "
            f"{self.target.name}, {self.geometry}, {self.replicas} replicas>"
        )


class ConvSynapses(PositionSynapses):
    """A convolution from ``channels_in`` maps to ``channels`` maps.

    Parameters
    ----------
    source, target : NeuronGroup
        ``replicas * channels_in * height * width`` neurons, and ``replicas * channels *
        rows * columns``, where ``rows = (height + 2*padding - kernel_height)//stride +
        1`` and the same for columns.
    model : str or Equations
        As for :class:`~neuro_ep.engine.dense.DenseSynapses`, see the top of this file.
    shape : tuple
        ``(channels_in, height, width)`` of the source, in one replica.
    channels : int
        How many maps the target has.
    kernel : int or tuple
        ``(kernel_height, kernel_width)``, or one number for both.
    stride, padding : int
        In both directions.
    **keywords
        ``method``, ``dt``, ``clock``, ``order``, ``when``, ``sum_order``, ``adds``,
        ``namespace``, ``dtype``, as for :class:`~neuro_ep.engine.dense.DenseSynapses`.

    Raises
    ------
    InputError
        For sizes that do not fit, and for what is not supported: right-hand sides that
        are no sums of products of presynaptic, postsynaptic and synaptic factors.
    """

    def __init__(
        self,
        source,
        target,
        model,
        *,
        shape: tuple[int, int, int],
        channels: int,
        kernel: int | tuple[int, int] = (3, 3),
        stride: int = 1,
        padding: int = 0,
        replicas: int = 1,
        name: str = "convsynapses*",
        **keywords,
    ):
        geometry = Convolution(
            *checked_shape(shape),
            *checked_pair("kernel", kernel),
            checked_number("stride", stride, 1),
            checked_number("padding", padding, 0),
            checked_number("channels", channels, 1),
        )
        check_window(geometry)
        check_size(source, geometry.n_pre, replicas, f"shape={shape} has")
        places = f"{channels} channels of {geometry.rows} x {geometry.columns} are"
        check_size(target, geometry.n_post, replicas, places)
        super().__init__(
            source,
            target,
            model,
            geometry=geometry,
            replicas=replicas,
            name=name,
            **keywords,
        )


class PoolSynapses(PositionSynapses):
    """Average pooling: fixed synapses from every window of a map to one neuron.

    Each synapse has the weight ``1/window**2``, which multiplies the right-hand side of
    its summed variables: ``I_post = s_pre`` is the mean over the window, ``I_pre =
    d_post`` its transpose. Windows do not overlap.

    Parameters are those of :class:`ConvSynapses`, and

    window : int
        Height and width of a window; it divides the height and the width of ``shape``.
    """

    def __init__(
        self,
        source,
        target,
        model,
        *,
        shape: tuple[int, int, int],
        window: int = 2,
        replicas: int = 1,
        name: str = "poolsynapses*",
        **keywords,
    ):
        channels, height, width = checked_shape(shape)
        checked_number("window", window, 1)
        if height % window or width % window:
            raise InputError(
                f"window={window} does not divide maps of {height} x {width}: choose "
                "one that does, or make them fit with the convolution before"
            )
        # Every channel is a map of its own, one after another as replicas are.
        geometry = Convolution(1, height, width, window, window, window, 0, 1)
        check_size(source, channels * geometry.n_pre, replicas, f"shape={shape} has")
        places = f"{channels} channels of {geometry.rows} x {geometry.columns} are"
        check_size(target, channels * geometry.n_post, replicas, places)
        super().__init__(
            source,
            target,
            model,
            geometry=geometry,
            uniform=1 / window**2,
            replicas=replicas,
            name=name,
            **keywords,
        )

    def _create_matrix(self, equation):
        raise InputError(
            f"'{equation.varname}': PoolSynapses has no variables that are one a "
            "synapse; make it (shared), or use ConvSynapses"
        )


class BiasSynapses(PositionSynapses):
    """Biases, one a channel: synapses from one unit a replica to all positions.

    ``I_bias_post = b`` gives every position of a channel the same ``b``, which has
    shape ``(1, channels)``; ``db/dt = c*g_post`` is the sum over positions and the mean
    over replicas.

    Parameters
    ----------
    source : NeuronGroup
        ``replicas`` neurons.
    channels : int
        How many maps the target has.

    All else as for :class:`ConvSynapses`.
    """

    def __init__(
        self,
        source,
        target,
        model,
        *,
        channels: int,
        replicas: int = 1,
        name: str = "biassynapses*",
        **keywords,
    ):
        checked_number("channels", channels, 1)
        check_size(source, 1, replicas, "biases come from")
        here = len(target) // checked_replicas(replicas, source, target)
        if here % channels:
            raise InputError(
                f"'{target.name}' has {here} neurons a replica, which is not a "
                f"multiple of channels={channels}: give it channels * rows * columns"
            )
        super().__init__(
            source,
            target,
            model,
            geometry=Broadcast(here // channels, channels),
            replicas=replicas,
            name=name,
            **keywords,
        )
