import pytest

from dovetail.core.errors import RateLimited
from dovetail.gateway.addresses import Addresses


def test_addresses_are_counted_one_by_one_and_ipv6_by_its_network() -> None:
    here = Addresses(1, ())
    parties = [here.enter(address) for address in ("10.0.0.1", "10.0.0.2", "2001:db8:1:2::1", "2001:db8:1:3::1")]
    assert None not in parties
    for address in ("10.0.0.1", "::ffff:10.0.0.2", "2001:db8:1:2:ffff::"):
        with pytest.raises(RateLimited):
            here.enter(address)
    for party in parties:
        assert party is not None
        here.leave(party)
    assert here.enter("10.0.0.1") == "10.0.0.1"
    assert Addresses(None, ()).enter("10.0.0.1") is None
