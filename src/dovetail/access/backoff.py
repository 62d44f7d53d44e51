"""What slows down whoever guesses passwords: that address, and a little the account, never everybody."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from dovetail.core.errors import RateLimited

# A person mistypes a few times; after that each wrong password doubles the wait.
FREE = 5
LONGEST = 300.0
_FIRST = 1.0
# Without a wrong password for this long, an address starts afresh.
_FORGET = 900.0
_ADDRESSES = 10_000
# An account under attack from many addresses answers each of them later, by so much at most.
_SLOWEST = 0.5
_SLOWER = 0.005


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0


class Backoff:
    """Counts wrong passwords, in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()
        self._accounts: OrderedDict[str, _Failures] = OrderedDict()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def attempt(self, address: str) -> Generator[None]:
        """Around one try. Raises RateLimited while `address` has to wait, and for more at once than one by one."""
        self.check(address)
        party = network(address)
        failures = self._recent(self._addresses, party)
        if self._under_way[party] >= max(1, FREE - (failures.count if failures else 0)):
            raise RateLimited(
                "too many logins at once from this address; try again in a moment",
                code="too_many_attempts",
                retry_after=1.0,
            )
        self._under_way[party] += 1
        try:
            yield
        finally:
            self._under_way[party] -= 1
            if not self._under_way[party]:
                del self._under_way[party]

    def check(self, address: str) -> None:
        """Raises RateLimited while `address` has to wait."""
        failures = self._recent(self._addresses, network(address))
        if failures is None or failures.count < FREE:
            return
        wait = failures.last + min(LONGEST, _FIRST * 2.0 ** min(failures.count - FREE, 16)) - self._clock()
        if wait > 0:
            raise RateLimited(
                f"too many wrong passwords from this address; try again in {wait:.0f} s",
                code="too_many_attempts",
                retry_after=wait,
            )

    def delay(self, account: str) -> float:
        """Seconds by which an answer about `account` is to come later."""
        failures = self._recent(self._accounts, account)
        return 0.0 if failures is None else min(_SLOWEST, _SLOWER * failures.count)

    def failed(self, address: str, account: str) -> None:
        for table, name in ((self._addresses, network(address)), (self._accounts, account)):
            failures = self._recent(table, name) or _Failures()
            failures.count, failures.last = failures.count + 1, self._clock()
            table[name] = failures
            table.move_to_end(name)
            while len(table) > _ADDRESSES:
                table.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """The account stays slow: its owner's login says nothing about the others who try."""
        self._addresses.pop(network(address), None)

    def _recent(self, table: OrderedDict[str, _Failures], name: str) -> _Failures | None:
        failures = table.get(name)
        if failures is not None and self._clock() - failures.last > _FORGET:
            del table[name]
            return None
        return failures


def network(address: str) -> str:
    """What one party can easily vary of `address` left out: the lower half of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return address
