"""How much of a header is kept."""

import struct

import pytest

from dovetail.catalog.gguf import read_header
from dovetail.catalog.gguf_values import MAX_TEXT_IN_ALL, MAX_VALUES_IN_ALL, GgufArray

from .conftest import ARRAY, STRING, Forge, entry, entry_of, string


@pytest.mark.accept("H12")
def test_of_a_header_made_of_values_few_are_kept(forge: Forge) -> None:
    """Each of them would take twenty times its bytes, for as long as the model is listed."""
    numbers = struct.pack("<IQ", 3, 1000) + struct.pack("<1000h", *range(1000, 2000))
    entries = [entry(f"n{number}", ARRAY, numbers) for number in range(200)]
    entries += [entry_of(f"t{number}", "x" * (1 << 20)) for number in range(6)]
    strings = struct.pack("<IQ", STRING, 2) + string("y" * (1 << 19)) * 2
    entries += [entry(f"s{number}", ARRAY, strings) for number in range(4)]
    values = read_header(forge.gguf(content=forge.gguf_bytes(extra=entries))).metadata.values()
    arrays = [value for value in values if isinstance(value, GgufArray)]
    assert sum(len(value.values or ()) for value in arrays) <= MAX_VALUES_IN_ALL
    texts = [value for value in values if isinstance(value, str)]
    texts += [str(each) for value in arrays if value.type == "string" for each in value.values or ()]
    assert 1 << 20 < sum(map(len, texts)) <= MAX_TEXT_IN_ALL
    assert [value.count for value in arrays if value.type == "i16"] == [1000] * 200
