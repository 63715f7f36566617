"""Samples shown one after another inside the simulation, by a clock of its own."""

#: The environment variable that names the file with the samples, raw, one row each.
SAMPLES = "NEURO_EP_SAMPLES"

#: The one that names the file with targets in time, where there are any.
TARGETS = "NEURO_EP_TARGETS"
