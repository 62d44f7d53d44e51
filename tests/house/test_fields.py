"""The field table is whole: it is what wire models take, and every cell is shown by a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import AliasChoices

from dovetail.core.fields import ROUTES
from dovetail.gateway.wire import Inert, Refused

from .documents import BODIES, ROUTE_OF, marked_tests, shown_by

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", BODIES)
def test_wire_models_take_the_fields_of_the_table_and_no_others(name: str) -> None:
    fields, table = BODIES[name].model_fields, ROUTES[ROUTE_OF[name]]
    assert fields.keys() == table.keys()
    for field, info in fields.items():
        spec = table[field]
        assert any(isinstance(part, Inert) for part in info.metadata) is (spec.gguf == "inert")
        assert any(isinstance(part, Refused) for part in info.metadata) is (spec.gguf == "refused")
        names = info.validation_alias.choices if isinstance(info.validation_alias, AliasChoices) else [field]
        assert names == [field, *spec.aliases]


@pytest.mark.parametrize("route", ROUTES)
def test_every_field_is_shown_by_a_test(route: str) -> None:
    tests = marked_tests(TESTS, "field")
    assert [name for name, spec in ROUTES[route].items() if not shown_by(route, spec, tests)] == []


def test_marks_name_fields_that_exist() -> None:
    known = {name for table in ROUTES.values() for name in table}
    known |= {f"{route} {name}" for route, table in ROUTES.items() for name in table}
    known |= {"every sampling", "every inert", "every refused"}
    assert set(marked_tests(TESTS, "field")) <= known
