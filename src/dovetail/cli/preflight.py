"""What is checked before a server starts, so that what is wrong is one line and an exit code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from dovetail.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from dovetail.settings import Settings

ENGINE_MODULES = {"gguf": "xllamacpp", "mlx": "mlx_lm"}


def check(settings: Settings) -> None:
    """Raises Failure: 2 for a refused address, 69 without an engine, 78 for a missing folder or certificate."""
    check_address(settings)
    check_certificate(settings)
    check_engines(settings)
    check_speech(settings)
    check_folders(settings)


def check_address(settings: Settings) -> None:
    server = settings.server
    if server.on_loopback or server.insecure or settings.access.api_key is not None or _has_somebody(settings.home):
        return
    raise Failure(
        f"refusing to listen on {server.host}: anyone who reaches it could use this server, for it has no account and "
        f"no key yet. Make an account: dovetail admin create; or a key: dovetail key create; or let everybody in: "
        f"--insecure",
        Exit.USAGE,
    )


def _has_somebody(home: Path) -> bool:
    """Whether an account or a key exists. Raises Failure when that cannot be known."""
    from dovetail.access import super_admin
    from dovetail.storage import database, keys

    try:
        if super_admin.load(home) is not None:
            return True
        found = database.present(home / database.FILE_NAME, keys.counts)
    except (super_admin.RecordUnusable, database.DatabaseUnusable) as error:
        raise Failure(str(error), Exit.CONFIG) from None
    return found is not None and any(found)


def check_certificate(settings: Settings) -> None:
    server = settings.server
    if server.tls_cert is None:
        return
    from dovetail.gateway.tls import certificate

    try:
        certificate(server.tls_cert, server.tls_key)
    except OSError as error:  # of which ssl's are a kind
        files = " and ".join(str(file) for file in (server.tls_cert, server.tls_key) if file is not None)
        raise Failure(f"{files} cannot be used for TLS: {error.strerror or error}", Exit.CONFIG) from None


def check_engines(settings: Settings) -> None:
    from dovetail.settings.checks import missing_program

    if (problem := missing_program(settings)) is not None:
        raise Failure(problem, Exit.UNAVAILABLE)
    if settings.engines.gguf.binary is None and not any(installed(module) for module in ENGINE_MODULES.values()):
        raise Failure("no engine is installed: pip install 'dovetail[gguf]' or 'dovetail[mlx]'", Exit.UNAVAILABLE)


def check_speech(settings: Settings) -> None:
    if settings.speech.enabled and not installed("faster_whisper"):
        raise Failure("speech is not installed: pip install 'dovetail[speech]'", Exit.UNAVAILABLE)


def installed(module: str) -> bool:
    """Whether `module` could be imported; it is not."""
    return importlib.util.find_spec(module) is not None


def check_folders(settings: Settings) -> None:
    from dovetail.settings.checks import missing_folder

    if (problem := missing_folder(settings)) is not None:
        raise Failure(problem, Exit.CONFIG)
