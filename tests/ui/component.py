"""The guide's components on a page of another address, bundled as Vite bundles a project of React's."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from .browser import UI
from .programs import printed

_BUILT_WITHIN = 120.0
_CONFIG = 'import react from "@vitejs/plugin-react";\n\nexport default { plugins: [react()] };\n'
_PAGE = """<!doctype html>
<html lang="en">
  <head><title>Example</title><link rel="icon" href="data:," /></head>
  <body><div id="root"></div><script type="module" src="/main.jsx"></script></body>
</html>
"""
_MAIN = """
const [Component] = Object.values(examples[location.search.slice(1)]);
createRoot(document.getElementById("root")).render(<Component />);
"""


async def bundled(examples: Mapping[str, str], folder: Path, result: Path) -> None:
    """Builds into `result` a page that shows the component of the example that its query names."""
    folder.mkdir()
    (folder / "node_modules").symlink_to(UI / "node_modules")
    imported = [f'import * as {name} from "./{name}.jsx";' for name in examples]
    table = f"const examples = {{ {', '.join(examples)} }};"
    main = "\n".join(['import { createRoot } from "react-dom/client";', *imported, table]) + _MAIN
    files = {"vite.config.mjs": _CONFIG, "index.html": _PAGE, "main.jsx": main}
    for name, text in {**files, **{f"{name}.jsx": code for name, code in examples.items()}}.items():
        (folder / name).write_text(text, "utf-8")
    vite = UI / "node_modules" / "vite" / "bin" / "vite.js"
    argv = ("node", str(vite), "build", "--outDir", str(result), "--emptyOutDir", "--logLevel", "warn")
    await printed(folder, *argv, within=_BUILT_WITHIN)


@asynccontextmanager
async def served(folder: Path) -> AsyncGenerator[str]:
    """The address at which the files of `folder` are pages."""
    folder.mkdir()
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()
