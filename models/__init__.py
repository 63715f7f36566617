"""The physics: one system a file, equations with units as Brian2 runs them."""
