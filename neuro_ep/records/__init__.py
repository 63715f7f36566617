"""What users write and the machinery reads: models, protocols, rules, data."""
