"""The package build: it puts the web interface into the package, built by `ui/build.py`.

`DOVETAIL_SKIP_UI=1` leaves it out; an editable install never builds it (`dovetail ui build` does).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


class InterfaceHook(BuildHookInterface[Any]):
    """An archive of the sources carries what was built, and no `ui`; a clone carries `ui`."""

    def dependencies(self) -> list[str]:
        """Node as a wheel, for a build in isolation, where it is needed and this machine has none."""
        if self._skipped() or not (ROOT / "ui").is_dir():
            return []
        build = _build()
        return [] if build.fresh() or build.system_node() is not None else [build.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        if self._skipped() or version == "editable":
            return
        if (ROOT / "ui").is_dir():
            self.app.display_info("the web interface: building, up to a minute")
            _build().build()
        elif not (ROOT / "src" / "dovetail" / "gateway" / "static" / "index.html").is_file():
            raise FileNotFoundError("neither ui/ nor a built interface is here; DOVETAIL_SKIP_UI=1 goes without it")

    @staticmethod
    def _skipped() -> bool:
        return os.environ.get("DOVETAIL_SKIP_UI", "") not in {"", "0"}


def _build() -> Any:
    """The module `ui/build.py`."""
    folder = str(ROOT / "ui")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import build

    return build
