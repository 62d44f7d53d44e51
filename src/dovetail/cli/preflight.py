"""What is checked before a server starts, so that what is wrong is one line and an exit code."""

from __future__ import annotations

import importlib.util
import ipaddress
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
    from dovetail.settings.checks import missing_program

    if (problem := missing_program(settings)) is not None:
        raise Failure(problem, Exit.UNAVAILABLE)
    if settings.engines.gguf.binary is None and not any(installed(module) for module in ENGINE_MODULES.values()):
        raise Failure("no engine is installed: pip install 'dovetail[gguf]' or 'dovetail[mlx]'", Exit.UNAVAILABLE)


def installed(module: str) -> bool:
    """Whether `module` could be imported; it is not."""
    return importlib.util.find_spec(module) is not None


def check_folders(settings: Settings) -> None:
    from dovetail.settings.checks import missing_folder

    if (problem := missing_folder(settings)) is not None:
        raise Failure(problem, Exit.CONFIG)
