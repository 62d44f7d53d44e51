"""Metrics, the request journal and the log bus."""
