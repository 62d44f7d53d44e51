"""The tiny model that travels with the package, as data: two GGUF files, one MLX folder and an adapter."""

from pathlib import Path

_HERE = Path(__file__).parent


def models_dir() -> Path:
    """A real folder with one sub-folder a model; its name is the model's id."""
    return _HERE / "models"


def adapters_dir() -> Path:
    """A real folder with one sub-folder an adapter, holding its MLX and its GGUF form."""
    return _HERE / "adapters"
