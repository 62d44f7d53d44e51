"""Which slot a conversation gets, and what becomes of the one that was there."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.request import Json, JsonObject
from dovetail.fleet.chain import Chain, chain_of, common, reach, sound
from dovetail.fleet.slots import Costs, Slot, choose

TEXTS = st.text("ab", max_size=400)


def chain(text: str, space: str = "") -> Chain:
    return chain_of({"prompt": text}, space)


def slot(number: int, text: str = "", *, saved: bool = False, used: int = 0) -> Slot:
    links = chain(text) if text else ()
    return Slot(number, "", links, len(text) // 4, saved=saved or not text, used=used)


@given(TEXTS, TEXTS, TEXTS)
def test_chains_agree_as_far_as_their_texts_do(start: str, one: str, other: str) -> None:
    a, b = chain(start + one), chain(start + other)
    shared = common(a, b)
    assert a[:shared] == b[:shared]
    assert a[shared : shared + 1] != b[shared : shared + 1] or len(a) == shared or len(b) == shared
    assert reach(a, shared) > len(start) - 32


def test_long_prompts_are_told_apart_coarsely() -> None:
    text = "x" * 100_000
    assert len(chain(text)) < 900
    assert 100_000 - 256 <= reach(chain(text)) <= 100_100
    assert reach(chain(text), common(chain(text), chain(text[:50_000] + "y" * 50_000))) in range(49_700, 50_001)


def test_short_questions_behind_a_long_system_prompt_are_told_apart() -> None:
    def asked(question: str) -> Chain:
        system: JsonObject = {"role": "system", "content": "s" * 20_000}
        return chain_of({"messages": [system, {"role": "user", "content": question}]})

    one, other = asked("What is A?"), asked("What is B?")
    shared = common(one, other)
    assert 0 < shared < len(one) == len(other)
    assert reach(one, shared) == len('null{"role":"system","content":""}') + 20_000
    slots = [Slot(0, "", one, 5000, saved=False, used=1), Slot(1, "", other, 5000, saved=False, used=2)]
    assert [choose(slots, question, 0).slot.id for question in (one, other)] == [0, 1]


@given(st.lists(TEXTS, min_size=1, max_size=6), st.integers(0, 6))
def test_links_stand_where_messages_end(texts: list[str], kept: int) -> None:
    messages: list[Json] = [{"role": "user", "content": text} for text in texts]
    whole, part = chain_of({"messages": messages}), chain_of({"messages": messages[:kept]})
    assert common(whole, part) == len(part)
    assert not part or (sound(part) and reach(part) == 4 + sum(len(orjson.dumps(m)) for m in messages[:kept]))


def test_spaces_and_tools_share_nothing() -> None:
    assert common(chain("a" * 500), chain("a" * 500, "alice")) == 0
    one: JsonObject = {"messages": [{"role": "user", "content": "a" * 500}]}
    assert common(chain_of(one), chain_of({**one, "tools": [{"type": "function"}]})) == 0


def test_another_scale_of_an_adapter_shares_nothing_not_even_long_tools() -> None:
    long: JsonObject = {"tools": [{"type": "function", "description": "a" * 5000}], "prompt": "a" * 500}

    def scaled(scale: float) -> Chain:
        return chain_of({**long, "lora": [{"id": 0, "scale": scale}]})

    assert scaled(0.5) == scaled(0.5)
    for one, other in ((scaled(1), scaled(0.5)), (scaled(1), scaled(0)), (scaled(0), chain_of(long))):
        assert common(one, other) == 0


def test_conversations_about_one_large_image_are_told_apart() -> None:
    def about(image: str, text: str) -> Chain:
        picture: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + image * (6 << 20)}}
        return chain_of({"messages": [{"role": "user", "content": [picture, {"type": "text", "text": text * 100}]}]})

    first = about("A", "x")
    assert 0 < common(first, about("A", "y")) < len(first)
    assert common(first, about("B", "x")) < common(first, about("A", "y"))


def test_a_conversation_goes_on_where_it_was() -> None:
    slots = [slot(0), slot(1, "a" * 4000), slot(2, "b" * 4000)]
    choice = choose(slots, chain("b" * 4000 + "c" * 100), 0)
    assert (choice.slot.id, choice.restore) == (2, False)


def test_a_new_one_takes_an_empty_slot_then_the_longest_unused_that_is_saved() -> None:
    assert choose([slot(0, "a" * 4000, used=1), slot(1)], chain("b" * 4000), 0).slot.id == 1
    used = [
        slot(0, "a" * 4000, used=1),
        slot(1, "c" * 4000, saved=True, used=3),
        slot(2, "d" * 4000, saved=True, used=2),
    ]
    assert choose(used, chain("b" * 4000), 0).slot.id == 2


def test_a_file_is_read_only_where_no_slot_is_nearly_as_good() -> None:
    asked = chain("a" * 4000)
    stored = len(asked)
    elsewhere = choose([slot(0, "a" * 400), slot(1, "b" * 400)], asked, stored)
    assert elsewhere.restore
    assert not choose([slot(0, "a" * 4000), slot(1)], asked, stored).restore


def test_only_what_costs_more_to_compute_than_to_write_is_saved() -> None:
    costs = Costs(prefill=1.0, write=0.05)
    assert costs.worth_saving(3000, 3000)
    assert not costs.worth_saving(20, 20)
    assert not Costs(prefill=0.01, write=0.05).worth_saving(3000, 3000)
    assert not costs.worth_saving(3000, 140), "so little more than a file holds already"
    mine = slot(0, "a" * 4000)
    assert mine.lost(len(mine.chain)) == 0
    assert mine.lost(0) == mine.tokens
    assert slot(0, "a" * 4000, saved=True).lost(0) == 0


def test_a_conversation_begins_with_all_its_earlier_turns() -> None:
    turns: list[JsonObject] = [{"role": "user", "content": f"{number} " * 50} for number in range(4)]
    chains = [chain_of({"messages": [*turns[:count]]}) for count in (1, 2, 3, 4)]
    for earlier in chains[:-1]:
        assert common(earlier, chains[-1]) == len(earlier)
