"""A real nginx with an example of deploy/, on free ports, with a certificate made for it."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
HOST = "llm.example"
# nginx from Debian's packages lies where only root's PATH leads.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
WITHIN = 10.0

_AROUND = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{example}
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """`plain` is where it listens in place of port 80, if the example does."""

    url: str
    plain: str


def configuration(folder: Path, example: str, addresses: Mapping[str, str] | None = None) -> tuple[Path, Proxy]:
    """The example of deploy/ as a whole configuration: ports, certificates and the `addresses` given are replaced."""
    certificate(folder)
    secure, plain = free_port(), free_port()
    text = (DEPLOY / example).read_text().replace("listen 443 ", f"listen 127.0.0.1:{secure} ")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};")
    text = re.sub(r"/etc/nginx/([\w-]+\.(?:pem|key))", rf"{folder}/\1", text)
    for said, meant in (addresses or {}).items():
        assert said in text
        text = text.replace(said, meant)
    path = folder / "nginx.conf"
    path.write_text(_AROUND.format(folder=folder, example=text))
    return path, Proxy(f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{plain}")


def certificate(folder: Path) -> None:
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", f"/CN={HOST}", "-keyout", str(folder / "llm.key"), "-out", str(folder / "llm.pem")]
    subprocess.run(argv, capture_output=True, check=True, timeout=30)


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    argv = [str(NGINX), "-t", "-p", str(path.parent), "-c", str(path), "-e", "stderr"]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)


@asynccontextmanager
async def proxy(folder: Path, example: str, addresses: Mapping[str, str]) -> AsyncGenerator[Proxy]:
    path, made = configuration(folder, example, addresses)
    argv = [str(NGINX), "-p", str(folder), "-c", str(path), "-e", "stderr"]
    child = await asyncio.create_subprocess_exec(*argv)
    try:
        async with asyncio.timeout(WITHIN):
            while not _listens(made.url):
                assert child.returncode is None, checked(path).stderr
                await asyncio.sleep(0.02)
        yield made
    finally:
        if child.returncode is None:
            child.terminate()
        async with asyncio.timeout(WITHIN):
            await child.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0
