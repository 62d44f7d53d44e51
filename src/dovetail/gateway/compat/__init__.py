"""What users of older servers rely on, one file a server."""
