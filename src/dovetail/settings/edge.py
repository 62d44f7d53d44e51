"""The sections of the configuration that say who reaches the server, and who may use it."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_SHORTEST_KEY = 8
# What the kernel takes as a socket's path, with its closing zero.
_LONGEST_SOCKET = 104
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """A table of the file: nothing else in it, nothing changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """The address and the edge of the gateway."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    compat_ports: bool = Field(
        default=False,
        description="Listen on the ports of older servers too: 8081 to 8084, 4000, 8000, 3000 and 5173. 8081 shows MLX "
        "models, and figures as JSON, where a request does not say.",
    )
    unix_socket: Path | None = Field(
        default=None, description="Listen on this Unix socket, which its owner alone may use, instead of an address."
    )
    stream_header_after: Seconds = Field(
        default=5.0,
        description="Longest time a stream's headers wait for the first output, so that a quick failure has a status.",
    )
    keep_alive_every: Seconds = Field(default=5.0, description="Time between keep-alive comments on a silent stream.")
    head_timeout: Seconds = Field(default=20.0, description="Time a client has to send a request's head.")
    body_timeout: Seconds = Field(default=60.0, description="Time a client has to send a request's body.")
    idle_timeout: Seconds = Field(default=15.0, description="Time an idle connection is kept.")
    stall_timeout: Seconds = Field(
        default=60.0, description="Time a client may take no bytes of a stream before it is cut."
    )
    request_timeout: Seconds = Field(
        default=3600.0, description="Time a request may take in all, from its body to the end of its answer."
    )
    drain_timeout: Seconds = Field(default=30.0, description="Time running requests have to finish at shutdown.")
    max_body: int = Field(
        default=16 << 20, gt=0, description="Largest body in bytes of a request for an answer; of others, 64 KiB."
    )
    max_connections: int = Field(default=2048, gt=0, description="Connections served at once.")
    address_connections: int | None = Field(
        default=None,
        ge=1,
        description="Of those, how many one address has; trusted proxies any number. Empty: any number on loopback, "
        "256 beyond it.",
    )
    insecure: bool = Field(
        default=False, description="Beyond loopback too, ask nobody who they are where loopback would not."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Names this server is reached by, beside `localhost` and addresses; others get a 421."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Web pages of other origins that may call this server (`https://chat.example`), each exactly.",
    )

    tls_cert: Path | None = Field(
        default=None, description="Certificate (PEM) to speak TLS with; a renewed file is taken in by itself."
    )
    tls_key: Path | None = Field(default=None, description="Its private key; empty: it is in the same file.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses of proxies whose `X-Forwarded-For` and `-Proto` are believed; then everybody is asked.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ipaddress.ip_network(proxy, strict=False)  # its ValueError says what is wrong
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _exactly(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"[a-z][a-z0-9+.\-]*://[^/?#*\s]+/?", origin, re.IGNORECASE):
                raise ValueError(f"{origin!r} is no origin of pages, such as https://chat.example")
        return origins

    @model_validator(mode="after")
    def _socket_on_this_machine(self) -> Self:
        if self.unix_socket is None:
            return self
        if sys.platform == "win32":
            raise ValueError("unix_socket: there are none on Windows")
        if self.tls_cert is not None:
            raise ValueError("unix_socket speaks no TLS: remove tls_cert")
        if len(os.fsencode(self.unix_socket.absolute())) >= _LONGEST_SOCKET:
            raise ValueError(f"unix_socket: a path is shorter than {_LONGEST_SOCKET} bytes")
        return self

    @model_validator(mode="after")
    def _key_of_a_certificate(self) -> Self:
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key without tls_cert")
        return self

    @property
    def exposed(self) -> bool:
        """Whether others than this machine's users reach it."""
        return not self.on_loopback or bool(self.trusted_proxies)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine reaches it; of names, `localhost` alone is known to be this machine's."""
        if self.unix_socket is not None:
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


class AccessSettings(Section):
    """Who has to say who they are: see security.md."""

    require_key: bool = Field(default=False, description="Ask for a key or a login on loopback too, from the start.")
    api_key: SecretStr | None = Field(
        default=None,
        description="One key that is good for everything, beside those that are made; better in the environment.",
    )
    address_requests: int | None = Field(
        default=None,
        ge=1,
        description="Requests for answers a minute from one address; empty: any number on loopback, 600 beyond it.",
    )
    account_requests: int | None = Field(
        default=None, ge=1, description="The same of one account, by whichever key or login; empty: any number."
    )
    caller_answers: int | None = Field(
        default=None,
        ge=1,
        description="Answers under way at once, waiting ones too, for one caller, or one address without a name; "
        "empty: any number on loopback, 256 beyond it.",
    )
    session_idle: Annotated[float, Field(ge=60, le=31_536_000)] = Field(
        default=43_200.0, description="Seconds without a request after which a login has ended."
    )
    session_longest: Annotated[float, Field(ge=60, le=31_536_000)] = Field(
        default=604_800.0, description="Seconds after which a login has ended in any case."
    )
    sessions: int = Field(default=10, ge=1, le=1000, description="Logins of one account at once; the oldest goes.")
    keys: int = Field(default=100, ge=1, le=10_000, description="API keys that one account may have.")

    @field_validator("api_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
            raise ValueError(f"a key has at least {_SHORTEST_KEY} characters")
        return key
