"""The child processes, and the only place that imports an engine library."""
