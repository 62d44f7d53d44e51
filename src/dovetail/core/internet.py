"""Which addresses belong to the open internet: those alone are asked for what a request or another server names."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TypeAlias

# IPv6 addresses that lead to an IPv4 one (local NAT64, 6to4, Teredo, the compatible form of old), and what Python's
# `is_global` has not always known: IETF assignments and site-local addresses.
_CLOSED = tuple(
    map(
        ip_network,
        ("64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "192.0.0.0/24", "fec0::/10"),
    )
)

# NAT64 (RFC 6052): how networks without IPv4 reach it, the IPv4 address in the lower half.
_NAT64 = ip_network("64:ff9b::/96")

Address: TypeAlias = IPv4Address | IPv6Address


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, and to no tunnel that may end elsewhere."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if any(address in network for network in _CLOSED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
