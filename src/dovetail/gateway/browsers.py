"""What keeps other people's web pages away: which names this server has, which pages may call it, what pages may do."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Scope

from dovetail.core.errors import Forbidden, InvalidRequest

# For whoever asks whether the process lives, by whatever name.
_BY_ANY_NAME = frozenset({"/health", "/ready"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Another port of this machine is the same site.
_OTHERS = frozenset({"cross-site", "same-site"})
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:%]+?))\.?(?::\d{1,5})?", re.IGNORECASE)
# An answer that says one of these itself is left to.
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_CORS_HEADERS = b"authorization, content-type, x-api-key, x-request-id"
_CORS_METHODS = b"GET, POST, PUT, PATCH, DELETE"
_CORS_SHOWN = b"x-request-id, x-dovetail-warnings, x-dovetail-queue, retry-after"


class Browsers:
    """The rules for `hosts` beside those of the address listened on, and for pages of `origins` beside its own.

    Listening beyond loopback, any IP address may be the name: that is how others reach it, and no page can rebind one.
    """

    def __init__(self, *, address: str = "127.0.0.1", hosts: Sequence[str] = (), origins: Sequence[str] = ()) -> None:
        self._names = {"localhost", address.strip("[]").lower(), *(host.lower() for host in hosts)}
        self._any_address = not _is_loopback(address) and address.lower() != "localhost"
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def check(self, scope: Scope, headers: Headers) -> None:
        """Raises Forbidden for a foreign Host (421) or a foreign page (403), 415 for a form such a page sends.

        Two Hosts are a 400: a proxy may have looked at the other one.
        """
        hosts = headers.getlist("host")
        if len(hosts) > 1:
            raise InvalidRequest("a request has one Host", code="invalid_http")
        host = hosts[0] if hosts else None
        if host is not None and scope["path"] not in _BY_ANY_NAME and not self._is_name(host):
            raise Forbidden(
                f"this server is not called {host[:128]}: allow the name with server.allowed_hosts",
                code="unknown_host",
                status=421,
            )
        origin = headers.get("origin")
        if origin is None:
            foreign = scope["method"] not in _SAFE and headers.get("sec-fetch-site") in _OTHERS
        else:
            foreign = not self._is_own(origin, host, scope["scheme"]) and self.allowed(origin) is None
        if foreign:
            raise _refusal(headers, origin)

    def allowed(self, origin: str | None) -> str | None:
        """The origin as it may be answered, None when its pages may not read answers."""
        return origin if origin is not None and origin.lower() in self._origins else None

    def preflight(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to the question that a browser asks before a page's request, where this is one."""
        asked = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if not asked or self.allowed(headers.get("origin")) is None:
            return None
        answer = Response(status_code=204)
        answer.raw_headers += [
            (b"access-control-allow-methods", _CORS_METHODS),
            (b"access-control-allow-headers", _CORS_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
        return answer

    def dress(self, message: Message, origin: str | None) -> None:
        """Adds what an answer tells a browser."""
        given: list[tuple[bytes, bytes]] = list(message["headers"])
        names = {name for name, _ in given}
        given += [header for header in HEADERS if header[0] not in names]
        if (allowed := self.allowed(origin)) is not None:
            given += [
                (b"access-control-allow-origin", allowed.encode("latin-1", "replace")),
                (b"access-control-expose-headers", _CORS_SHOWN),
                (b"vary", b"origin"),
            ]
        message["headers"] = given

    def _is_name(self, host: str) -> bool:
        name = _name(host)
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback

    @staticmethod
    def _is_own(origin: str, host: str | None, scheme: str) -> bool:
        """Whether the page comes from the address it calls; a proxy in between may have taken the TLS off, not on."""
        parts = urlsplit(origin.lower())
        if host is None or parts.scheme not in {"http", "https"} or (scheme == "https" and parts.scheme == "http"):
            return False
        standard = {"http": ":80", "https": ":443"}[parts.scheme]
        return parts.netloc.removesuffix(standard) == host.lower().removesuffix(standard)


def _refusal(headers: Headers, origin: str | None) -> InvalidRequest | Forbidden:
    media_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        return InvalidRequest(
            "a request from a browser needs the content type application/json",
            code="unsupported_media_type",
            status=415,
        )
    who = "another site" if origin is None else origin[:128]
    return Forbidden(f"pages of {who} may not use this server: allow them with server.cors_origins", code="bad_origin")


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty where it is malformed."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
