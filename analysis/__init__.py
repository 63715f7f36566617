"""Figures and numbers from recordings; reads HDF5, imports no Brian2."""
