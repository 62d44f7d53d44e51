"""Whether what settings name is there on this machine."""

from __future__ import annotations

import os
import shutil

from dovetail.settings.sections import Settings


def missing(settings: Settings) -> str | None:
    """The first thing that settings name and that cannot be used, in a sentence; None when all is there. Blocks."""
    return missing_program(settings) or missing_folder(settings)


def missing_program(settings: Settings) -> str | None:
    binary = settings.engines.gguf.binary
    if binary is None or external_server(binary) is not None:
        return None
    wanted = "llama-server is not on the PATH" if binary == "auto" else f"{binary} is no program that can be run"
    return f"engines.gguf.binary: {wanted}"


def missing_folder(settings: Settings) -> str | None:
    for folder in settings.catalog.folders:
        is_model = folder.is_file() and folder.suffix.lower() == ".gguf"
        if not folder.is_dir() and not is_model:
            return f"the model folder {folder} does not exist or is no folder"
        if not os.access(folder, os.R_OK if is_model else os.R_OK | os.X_OK):
            return f"the model folder {folder} cannot be read"
    return None


def external_server(binary: str) -> str | None:
    """The path of the llama-server that the setting `binary` names, None when there is none."""
    return shutil.which("llama-server" if binary == "auto" else binary)
