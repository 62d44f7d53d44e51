"""How many connections each address has, where that is bounded."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection

from dovetail.access.backoff import network
from dovetail.core.errors import RateLimited


class Addresses:
    """At most `most` connections each; `exempt` are addresses or networks with any number, `most` None exempts all."""

    def __init__(self, most: int | None, exempt: Collection[str]) -> None:
        self._most = most
        self._exempt = [ipaddress.ip_network(one, strict=False) for one in exempt]
        self._here: Counter[str] = Counter()

    def enter(self, address: str) -> str | None:
        """The party that has one more now, for `leave`; None where nobody counts. Raises RateLimited at the bound."""
        if self._most is None or self._is_exempt(address):
            return None
        party = network(address)
        if self._here[party] >= self._most:
            raise RateLimited(
                f"{self._most} connections of one address are open already; close some, or try again in a moment",
                code="too_many_connections",
                retry_after=1.0,
            )
        self._here[party] += 1
        return party

    def leave(self, party: str) -> None:
        self._here[party] -= 1
        if not self._here[party]:
            del self._here[party]

    def _is_exempt(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in one for one in self._exempt)
