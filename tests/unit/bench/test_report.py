import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dovetail.bench import chart, page, report
from dovetail.bench.lab import read, written

from .parts import CELL, benchmark, result

HOSTILE = "<script>alert(1)</script>|`*[x](http://evil.example)"


def test_json_reads_back_equal() -> None:
    assert read(written(benchmark())) == benchmark()


def test_csv_has_a_row_for_each_cell_with_numbers_in_full() -> None:
    rows = list(csv.DictReader(io.StringIO(report.comma_separated(benchmark()))))
    assert [row["model"] for row in rows] == ["one", "two"]
    assert all(set(row) == set(report.CSV_HEADS) for row in rows)
    found = {name: float(rows[0][name]) for name in ("decode_tok_s", "decode_min", "decode_max", "decode_sd")}
    assert found == {"decode_tok_s": 50.0, "decode_min": 40.0, "decode_max": 60.0, "decode_sd": 10.0}
    assert (rows[1]["kl"], rows[1]["same_top"], rows[1]["reference"]) == ("0.0125", "0.975", "one")
    assert (rows[0]["needs_bytes"], rows[0]["load_s"], rows[0]["with_load_s"]) == ("67108864", "0.5", "0.75")


def test_a_model_that_failed_is_in_every_form_with_its_reason() -> None:
    failed = replace(result("bad", 1.0), cells=(), load=None, with_load=None, failed="load: =cmd it is broken")
    whole = benchmark(result("one", 5.0), failed)
    assert "load: =cmd it is broken" in report.markdown(whole)
    assert "load: =cmd it is broken" in page.page(whole)
    rows = list(csv.DictReader(io.StringIO(report.comma_separated(whole))))
    assert (rows[1]["failed"], rows[1]["decode_tok_s"]) == ("load: =cmd it is broken", "")


def test_no_text_becomes_a_formula() -> None:
    failed = replace(result("bad", 1.0), failed="=HYPERLINK()")
    assert "'=HYPERLINK()" in report.comma_separated(benchmark(failed))


def test_markdown_shows_what_decides() -> None:
    text = report.markdown(benchmark(name="Which one"))
    assert text.startswith("# Which one\n")
    for wanted in ("## Which to run", "## How fast", "## How true", "50 (40 to 60)", "64.0 MiB", "97.5%", "0.0125"):
        assert wanted in text, wanted
    assert "no GPU is here" in text
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in text.split("## How fast")[1].split("\n\n")[1].split("\n")}
    assert len(widths) == 1


def test_change_against_the_first_model_and_against_an_earlier_run() -> None:
    assert "+50.0%" in report.markdown(benchmark())
    before = benchmark(result("one", 100.0), wanted="bench-0")
    text = report.markdown(benchmark(result("one", 40.0)), before)
    assert "-60.0%" in text
    assert "bench-0" in text
    assert "| no |" in text
    assert "| yes |" in report.markdown(benchmark(result("one", 99.0, 101.0)), benchmark(result("one", 98.0, 104.0)))
    found = report.delta(result("one", 40.0), CELL, before)
    assert found is not None
    assert (found.before, found.change) == (100.0, pytest.approx(-0.6))
    assert report.delta(result("other", 40.0), CELL, before) is None


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.outside += [
            f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "data", "action", "xlink:href"}
        ]


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    whole = benchmark(result("one", 5.0), name=HOSTILE)
    found = Page(page.page(replace(whole, error=HOSTILE)))
    assert {"html", "svg", "table", "style"} <= found.tags
    assert found.outside == []
    assert not found.tags & {"script", "link", "img", "iframe", "a"}


def test_a_title_stays_text_in_markdown() -> None:
    line = report.markdown(benchmark(name=HOSTILE)).splitlines()[0]
    assert line == r"# \<script\>alert(1)\</script\>\|\`\*\[x\](http://evil.example)"


def test_the_drawing_is_sound_and_shows_each_cell() -> None:
    tree = ET.fromstring(chart.chart(benchmark(name=HOSTILE)))  # noqa: S314  our own
    texts = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert HOSTILE in texts
    assert sum(text == "one, pp128 tg32" for text in texts) == 3
    assert "12.5" in texts


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (1234.5, "1234"), (12.345, "12.3"), (0.01234, "0.0123"), (0.000012, "0.000012")]
)
def test_numbers_for_people(value: float, shown: str) -> None:
    assert report.number(value) == shown


def test_sizes_for_people() -> None:
    assert [report.size(n) for n in (5, 1536, 5 << 30)] == ["5 B", "1.5 KiB", "5.0 GiB"]
