"""Hamiltonian echoes: networks that run, turn round and run back nudged."""
