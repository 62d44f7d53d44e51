"""The one path every request takes, whatever its dialect."""
