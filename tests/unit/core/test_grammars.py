"""GBNF and regular expressions as every engine gets them."""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core import gbnf, regex
from dovetail.core.grammar import LAST_CHAR, Chain, Chars, Choice, GrammarError, Ref, Repeat, Text, complement, write


def test_a_grammar_is_read() -> None:
    rules = gbnf.parse('root ::= "a" (\n b | # either\n [^c-d\\]] )+ .{2,}\nb ::= "\\u00e9\\n"\n')
    either = Choice((Ref("b"), Chars(((99, 100), (93, 93)), negated=True)))
    anything = Repeat(Chars((), negated=True), 2, None)
    assert rules == {"root": Chain((Text("a"), Repeat(either, 1, None), anything)), "b": Text("é\n")}


def test_what_is_written_is_what_llama_cpp_reads() -> None:
    assert write(Chars((), negated=True)) == "."
    assert write(Repeat(Chain(()), 0, 1)) == '(""){0,1}'
    assert regex.to_gbnf("x()?y") == 'root ::= ("x" (""){0,1} "y")'


def test_what_can_be_empty_is_not_repeated() -> None:
    for text in ('root ::= ("a"?)*', 'root ::= ("a"?){1,3}', 'root ::= a+\na ::= b?\nb ::= "c"'):
        with pytest.raises(GrammarError, match="can be empty"):
            gbnf.parse(text)


BAD_GRAMMARS = {
    "": "no rule named root",
    "a ::= root": "no rule named root",
    "root ::= a": "not defined",
    'root ::= "a" root2\nroot2 ::= root2 "b"': "begins with itself",
    'root ::= a "x"\na ::= b? root\nb ::= "c"': "begins with itself",
    'root ::= "a"\nroot ::= "b"': "twice",
    'root ::= "a': "unexpected end",
    "root ::= [a": "unexpected end",
    "root ::= []": "empty set",
    "root ::= [z-a]": "ends before it begins",
    'root ::= "\\q"': "unknown escape",
    'root ::= "\\ud800"': "no character",
    'root ::= ("a"': r"expected \)",
    'root ::= "a")': "end of the line",
    'root ::= "a"{3,2}': "repetition is wrong",
    'root ::= "a"{1001}': "more than 1000 times",
    'root ::= ("a"{1,999}){1,999}': "symbols",
    'root ::= ("abc" "d"{1,300}){1,9}': "repeated, something has more than 2000 symbols",
    "root ::= " + '"a"? ' * 13 + '"b"': "12 things that can be empty follow one another",
    "root ::= " + '("" | "") ' * 7 + '"b"': "in more than 64 ways",
    "root ::= r0\n" + "".join(f'r{i} ::= "a" r{i + 1}\n' for i in range(101)) + 'r101 ::= "a"': "lead into one another",
    "root ::= <[5]>": "expected a name",
    "%llguidance {}": "only GBNF",
    "root = 5": "expected ::=",
    "root ::= " + "(" * 60_000: "nested deeper",
    "x" * 70_000: "larger than",
}


@pytest.mark.parametrize("text", BAD_GRAMMARS, ids=lambda v: v[:20])
def test_a_grammar_that_engines_differ_on_is_refused_with_the_reason(text: str) -> None:
    began = time.process_time()
    with pytest.raises(GrammarError, match=BAD_GRAMMARS[text]):
        gbnf.parse(text)
    assert time.process_time() - began < 2


BAD_EXPRESSIONS = [
    "(?=a)", "(?P<n>a)", "\\1", "\\b", "a**", "a{2}{3}", "*", "a{", "a{1001}", "a{3,1}", "(a*)*", "(a|b", "a)", "[a",
    "[z-a]", "[[:alpha:]]", "a^b", "a$b", "((a{1,99}){1,99}){1,99}", "(" * 4000, "x" * 5000, "\\u12", "\\",
]  # fmt: skip


@pytest.mark.parametrize("pattern", BAD_EXPRESSIONS, ids=lambda v: v[:20])
def test_an_expression_that_is_not_regular_or_too_big_is_refused(pattern: str) -> None:
    with pytest.raises(GrammarError):
        regex.to_gbnf(pattern)


def test_an_expression_becomes_a_grammar() -> None:
    assert regex.to_gbnf(r"^\d{3}-(?:x|[^a])+?$") == r'root ::= ([0-9]{3,3} "-" ("x" | [^a]){1,})'
    assert regex.to_gbnf("(a+)+") == 'root ::= ("a"{1,}){1,}'
    assert gbnf.parse(regex.to_gbnf(r"\$"))["root"] == Text("$")


def test_an_expression_inside_json_matches_nothing_that_needs_an_escape() -> None:
    assert regex.inside_json("^a[^b]$") == r"^a[^b\x00-\x1f\x22\x5c]$"
    assert regex.inside_json(r"^\-é$") == r"^[\x2d]é$"
    for pattern in ["a$", "^a", '^"$', "^\n$", "^a|b$", '^["]$']:
        with pytest.raises(GrammarError):
            regex.inside_json(pattern)


@given(st.lists(st.tuples(st.integers(0, LAST_CHAR), st.integers(0, 99)).map(lambda p: (p[0], min(sum(p), LAST_CHAR)))))
def test_the_complement_of_a_set_of_characters(ranges: list[tuple[int, int]]) -> None:
    outside = complement(tuple(ranges))
    for point in {0, LAST_CHAR, *(p for r in ranges for p in r)}:
        assert any(a <= point <= b for a, b in ranges) != any(a <= point <= b for a, b in outside)


_ATOMS = st.sampled_from(["a", "b", ".", r"\d", "[a-c]", "[^a]", "é", r"\.", "(a|b)", "(?:ab)"])
_PATTERNS = st.lists(st.tuples(_ATOMS, st.sampled_from(["", "?", "+", "{2}", "{1,3}"])), min_size=1, max_size=5)


@given(_PATTERNS.map(lambda parts: "".join(a + b for a, b in parts)), st.text("ab1.é\n", max_size=6))
def test_the_plain_form_matches_what_the_expression_did(pattern: str, text: str) -> None:
    plain = regex.inside_json(f"^{pattern}$")[1:-1]
    if "\n" not in text:
        assert bool(re.fullmatch(plain, text)) == bool(re.fullmatch(pattern, text, re.ASCII))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (gbnf.parse, regex.parse, regex.inside_json):
        with suppress(GrammarError):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "\\x00"',
        "root ::= [\\x00]",
        'root ::= ("a" | ""){1,500}',
        'root ::= ("a"?){17}',
        'root ::= (("a"?){4}){5}',
        "root ::= " + '"a"? ' * 101,
    ],
)
def test_what_llama_cpp_does_not_survive_is_refused(text: str) -> None:
    with pytest.raises(GrammarError):
        gbnf.parse(text)


def test_a_repetition_of_no_times_is_nothing() -> None:
    assert gbnf.parse('root ::= "a"{0} "b"') == gbnf.parse('root ::= "" "b"')
    assert regex.parse("a{0,0}b") == Chain((Text(""), Text("b")))


@pytest.mark.parametrize("text", ["root ::= [^\\x00-\\x1f]", 'root ::= "a"{0,500}'])
def test_what_it_does_survive_is_not(text: str) -> None:
    gbnf.parse(text)
