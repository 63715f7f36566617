"""From records to Brian2 objects: layers, synapses, the order of a step."""
