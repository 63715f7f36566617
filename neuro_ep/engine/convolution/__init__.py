"""Synapses that share weights between positions: convolutions, pooling, biases."""

from neuro_ep.engine.convolution.group import BiasSynapses, ConvSynapses, PoolSynapses

__all__ = ["BiasSynapses", "ConvSynapses", "PoolSynapses"]
