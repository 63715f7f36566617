"""Brian2 groups that compute many synapses at once; no protocol, no data."""
