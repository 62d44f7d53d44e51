"""Whisper by MLX: features, encoder, decoder and the rules by which the published model writes."""
