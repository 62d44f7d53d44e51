"""Dovetail serves GGUF and MLX models side by side behind one OpenAI-compatible address."""

__version__ = "0.1.0"
