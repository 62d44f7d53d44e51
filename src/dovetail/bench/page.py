"""A benchmark as one HTML file that holds all it shows and asks for nothing from outside."""

from __future__ import annotations

from html import escape

from dovetail.bench.chart import chart
from dovetail.bench.figures import Benchmark
from dovetail.bench.report import Table, facts, notes, tables, title

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1b1b;background:#fff}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1.5rem}
th,td{border:1px solid #ccc;padding:.3rem .6rem;text-align:right;white-space:nowrap}
th{background:#f3f3f3}th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}
"""


def page(benchmark: Benchmark, baseline: Benchmark | None = None) -> str:
    name = escape(title(benchmark))
    lines = "".join(f"<li>{escape(line)}</li>" for line in facts(benchmark, baseline))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{name}</h1><ul>{lines}</ul>"
        f"{''.join(_table(table) for table in tables(benchmark, baseline))}"
        f'<div class="wide">{chart(benchmark)}</div><p>{escape(" ".join(notes(benchmark)))}</p></body></html>\n'
    )


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    body = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
    return f'<h2>{escape(table.title)}</h2><div class="wide"><table>{body}</table></div>'
