import codecs

from hypothesis import given
from hypothesis import strategies as st

from dovetail.workers.mlx.detokenize import Detokenizer, byte_alphabet, token_bytes

BYTES = [bytes([value]) for value in range(256)]


def stream(tokens: list[int], table: list[bytes]) -> str:
    detokenizer = Detokenizer(table)
    return "".join(map(detokenizer.push, tokens)) + detokenizer.finish()


@given(st.text(max_size=20))
def test_characters_come_out_whole(text: str) -> None:
    data = text.encode("utf-8", "replace")
    detokenizer = Detokenizer(BYTES)
    pieces = [detokenizer.push(byte) for byte in data]
    assert "".join(pieces) + detokenizer.finish() == data.decode()
    assert all("\ufffd" not in piece for piece in pieces if "\ufffd" not in text)


@given(st.binary(max_size=40))
def test_invalid_bytes_become_the_replacement_character(data: bytes) -> None:
    assert stream(list(data), BYTES) == codecs.getincrementaldecoder("utf-8")("replace").decode(data)


def test_a_character_that_the_end_cuts_in_two_is_left_out() -> None:
    for size in range(1, len("서울".encode())):
        text = stream(list("서울".encode()[:size]), BYTES)
        assert "서울".startswith(text)


def test_a_token_that_ends_inside_a_character_waits() -> None:
    table = [b" \xec", b"\x9e\x98", b"\xec", b"x"]
    detokenizer = Detokenizer(table)
    assert [detokenizer.push(0), detokenizer.push(1)] == ["", " 잘"]
    # Garbage does not pile up: at most one token's text is held.
    assert [detokenizer.push(2), detokenizer.push(0), detokenizer.push(2)] == ["", "", "\ufffd \ufffd"]
    assert detokenizer.finish() == ""


def test_hidden_and_unknown_tokens_have_no_text() -> None:
    detokenizer = Detokenizer([b"a", b"<|im_end|>"], hidden={1})
    assert [detokenizer.push(token) for token in (0, 1, 99)] == ["a", "", ""]


def test_the_table_of_each_kind_of_vocabulary() -> None:
    alphabet = {byte: char for char, byte in byte_alphabet().items()}
    assert len(alphabet) == 256
    word = "".join(alphabet[byte] for byte in " é".encode())
    assert token_bytes([word, None, "<think>"], {2: "<think>"}, byte_level=True) == [" é".encode(), b"", b"<think>"]
    assert token_bytes(["\u2581the", "<0xE9>", "<s>"], {2: "<s>"}, byte_level=False) == [b" the", b"\xe9", b"<s>"]
