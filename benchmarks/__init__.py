"""Dovetail beside its own workers and its peers, measured in one run: `python -m benchmarks`."""
