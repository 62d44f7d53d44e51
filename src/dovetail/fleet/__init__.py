"""Which models run, and where."""
