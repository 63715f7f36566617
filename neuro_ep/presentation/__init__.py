"""Samples shown one after another inside the simulation, by a clock of its own."""

#: Bytes of the path of a file with samples or targets, with a zero at its end.
LONGEST_PATH = 4096
