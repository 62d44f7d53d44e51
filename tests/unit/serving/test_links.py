"""Links: what is fetched, within which bounds, and from where never."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest

from dovetail.core.internet import is_public
from dovetail.serving.links import FetchFailed, Links

pytestmark = pytest.mark.anyio

# A certificate of pictures.example by itself, and its key: `openssl req -x509`, good for a hundred years.
CERTIFICATE = Path(__file__).parents[2] / "data" / "pictures.example.pem"
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Site:
    """A web server on loopback: answers by path, and keeps what it was asked."""

    answers: dict[str, bytes]
    scheme: str = "http"
    port: int = 0
    heads: list[bytes] = field(default_factory=list[bytes])
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "pictures.example") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            writer.write(self.answers[head.split()[1].decode()])
            await writer.drain()
            await reader.read()  # until the other side leaves
        except ConnectionError:
            pass
        finally:
            self.left.set()
            writer.close()


@asynccontextmanager
async def site(answers: dict[str, bytes], tls: ssl.SSLContext | None = None) -> AsyncGenerator[Site]:
    made = Site(answers, "https" if tls else "http")
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


class Names:
    """A name server that answers each question with the next of its answers, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        del port
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


HERE = ["127.0.0.1"]


def local() -> Links:
    """Takes loopback for the open internet."""
    return Links(Names(HERE), lambda address: address.is_loopback)


def sized(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def test_a_file_comes_as_it_is() -> None:
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with site({"/a?b=1": sized(b"picture"), "/chunks": chunked}) as web:
        assert await local().fetch(web.url("/a?b=1#here"), 100) == b"picture"
        assert await local().fetch(web.url("/chunks"), 5) == b"abcde"
        assert web.heads[0].startswith(b"GET /a?b=1 HTTP/1.1\r\nHost: pictures.example:%d\r\n" % web.port)


TOO_MUCH: dict[str, tuple[bytes, str]] = {
    "announced": (sized(bytes(101)), "too large"),
    "chunked": (OK + b"Transfer-Encoding: chunked\r\n\r\n" + (b"40\r\n" + bytes(64) + b"\r\n") * 2, "too large"),
    "without an end": (OK + b"\r\n" + bytes(1 << 20), "too large"),
    "head without an end": (OK + b"X: " + b"y" * 300_000, "head|HTTP"),
    "a trailer without an end": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: " + b"y" * 300_000,
        "no end|HTTP",
    ),
    "another protocol": (b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "not HTTP"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
    "not found": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
    "a redirect to nowhere": (b"HTTP/1.1 302 Found\r\n\r\n", "too often"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "why"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
async def test_what_is_no_small_file_is_cut(answer: bytes, why: str) -> None:
    async with asyncio.timeout(10), site({"/": answer}) as web:
        with pytest.raises(FetchFailed, match=why):
            await local().fetch(web.url("/"), 100)
        await web.left.wait()


async def test_a_file_that_is_cut_short_is_none() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 10\r\n\r\nabc")
        writer.close()

    server = await asyncio.start_server(hangs_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(FetchFailed, match="cut short"):
            await local().fetch(f"http://a.example:{server.sockets[0].getsockname()[1]}/", 100)


async def test_who_waits_may_leave() -> None:
    async with site({"/": b""}) as web:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await local().fetch(web.url("/"), 100)
        async with asyncio.timeout(10):
            await web.left.wait()


async def test_a_redirect_is_a_new_link() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n"
    inside = b"HTTP/1.1 302 Found\r\nLocation: http://inside.example/\r\n\r\n"
    files = b"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\n\r\n"
    async with site({"/": moved, "/there": sized(b"x"), "/inside": inside, "/file": files, "/loop": moved}) as web:
        web.answers["/loop"] = moved.replace(b"/there", b"/loop")
        assert await local().fetch(web.url("/"), 100) == b"x"
        names = Names(HERE, ["10.0.0.1"])
        with pytest.raises(FetchFailed, match="public internet"):
            await Links(names, lambda address: address.is_loopback).fetch(web.url("/inside"), 100)
        assert names.asked == ["pictures.example", "inside.example"]
        with pytest.raises(FetchFailed, match="http or https"):
            await local().fetch(web.url("/file"), 100)
        with pytest.raises(FetchFailed, match="too often"):
            await local().fetch(web.url("/loop"), 100)


async def test_a_second_answer_of_the_name_server_changes_nothing() -> None:
    """The address that was checked is the one that is connected to: there is one question for each hop."""
    names = Names(HERE, ["192.0.2.1"])
    async with site({"/": sized(b"x")}) as web:
        assert await Links(names, lambda address: address.is_loopback).fetch(web.url("/"), 100) == b"x"
    assert names.asked == ["pictures.example"]


NOT_PUBLIC = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.8",
    "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:1::1", "::7f00:1", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_addresses_that_are_never_connected_to(address: str) -> None:
    assert not is_public(ip_address(address))
    for found in ([address], ["93.184.216.34", address]):
        with pytest.raises(FetchFailed, match="public internet"):
            await Links(Names(found)).fetch("http://pictures.example/", 100)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_of_the_open_internet(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "0"])
async def test_spellings_of_this_machine(host: str) -> None:
    """As the system resolves them."""
    async with site({"/": sized(b"x")}) as web:
        with pytest.raises(FetchFailed, match=r"public internet|no address"):
            await Links().fetch(web.url("/", host), 100)
        assert web.heads == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/", "file:///etc/passwd", "http://", "http:///x", "http://a:b@c.example/", "http://[::1", "x",
        "http://a.example:99999/", "http://a.example/ b", "http://a.example/\r\nX: y", "http://ä.example/",
        "http://a.example/" + "x" * 5000, "gopher://a.example/", "javascript:1",
    ],
)  # fmt: skip
async def test_what_is_no_link_is_not_resolved(url: str) -> None:
    names = Names(HERE)
    with pytest.raises(FetchFailed):
        await Links(names).fetch(url, 100)
    assert names.asked == []


@pytest.mark.parametrize("found", [[], ["fe80::1%lo"]])
async def test_a_host_without_a_usable_address(found: list[str]) -> None:
    with pytest.raises(FetchFailed):
        await Links(Names(found), lambda _: True).fetch("http://pictures.example/", 100)


async def test_what_does_not_speak_tls_is_no_https() -> None:
    async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(sized(b"x"))
        writer.close()

    server = await asyncio.start_server(speaks_http, "127.0.0.1", 0)
    async with server:
        with pytest.raises(FetchFailed, match="connection failed"):
            await local().fetch(f"https://a.example:{server.sockets[0].getsockname()[1]}/", 100)


def serving_tls() -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    return tls


def trusting() -> Links:
    return Links(
        Names(HERE), lambda address: address.is_loopback, lambda: ssl.create_default_context(cafile=str(CERTIFICATE))
    )


async def test_https_is_for_the_host_in_the_link() -> None:
    async with site({"/": sized(b"picture")}, serving_tls()) as web:
        assert await trusting().fetch(web.url("/"), 100) == b"picture"
        for links, url in ((trusting(), web.url("/", "other.example")), (local(), web.url("/"))):
            with pytest.raises(FetchFailed, match="connection failed"):
                await links.fetch(url, 100)


async def test_https_does_not_lead_to_http() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://pictures.example/\r\n\r\n"
    async with site({"/": moved}, serving_tls()) as web:
        with pytest.raises(FetchFailed, match="from https"):
            await trusting().fetch(web.url("/"), 100)
