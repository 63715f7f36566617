"""Training a network: epochs, weights, what is recorded and what is told on the way."""
