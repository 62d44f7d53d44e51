"""What is checked before a server starts, so that what is wrong is one line and an exit code."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import shutil
from typing import TYPE_CHECKING

from dovetail.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from dovetail.settings import Settings

ENGINE_MODULES = {"gguf": "xllamacpp", "mlx": "mlx_lm"}


def check(settings: Settings) -> None:
    """Raises Failure: 2 for a refused address, 69 when no engine is there, 78 for a model folder that is not."""
    check_address(settings)
    check_engines(settings)
    check_folders(settings)


def check_address(settings: Settings) -> None:
    host = settings.server.host
    if is_loopback(host) or settings.server.insecure:
        return
    raise Failure(
        f"refusing to listen on {host}: anyone who reaches it could use this server, for it has no accounts or keys "
        f"yet; --insecure does it all the same",
        Exit.USAGE,
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`; of names, `localhost` alone is known to be."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_engines(settings: Settings) -> None:
    binary = settings.engines.gguf.binary
    if binary is not None and external_server(binary) is None:
        wanted = "llama-server is not on the PATH" if binary == "auto" else f"{binary} is no program that can be run"
        raise Failure(f"engines.gguf.binary: {wanted}", Exit.UNAVAILABLE)
    if binary is None and not any(installed(module) for module in ENGINE_MODULES.values()):
        raise Failure("no engine is installed: pip install 'dovetail[gguf]' or 'dovetail[mlx]'", Exit.UNAVAILABLE)


def external_server(binary: str) -> str | None:
    """The path of the llama-server that the setting `binary` names, None when there is none."""
    return shutil.which("llama-server" if binary == "auto" else binary)


def installed(module: str) -> bool:
    """Whether `module` could be imported; it is not."""
    return importlib.util.find_spec(module) is not None


def check_folders(settings: Settings) -> None:
    for folder in settings.catalog.folders:
        is_model = folder.is_file() and folder.suffix.lower() == ".gguf"
        if not folder.is_dir() and not is_model:
            raise Failure(f"the model folder {folder} does not exist or is no folder", Exit.CONFIG)
        if not os.access(folder, os.R_OK if is_model else os.R_OK | os.X_OK):
            raise Failure(f"the model folder {folder} cannot be read", Exit.CONFIG)
