"""Where and how a built network runs: targets, builds, programs, simulations."""
