"""Dense synapses: Brian2's synapse equations as matrix products over replicas."""

from neuro_ep.engine.dense.group import DenseSynapses

__all__ = ["DenseSynapses"]
