"""Requests made from the OpenAPI document: no 5xx, no undocumented status, every answer in its documented form."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from ..process.serving.running import Running  # noqa: TID252  a type
from .document import DOCUMENT

pytestmark = pytest.mark.anyio

SCHEMA: Any = schemathesis.openapi.from_dict(DOCUMENT)
# Who makes accounts on this server would shut out the tests after this one, and who configures it would change what
# they meet: test_access.py and test_library.py try those on servers of their own. Events
# go on until their client leaves.
OPERATIONS = {
    operation.ok().label: operation.ok()
    for operation in SCHEMA.get_all_operations()
    if not {"auth", "access", "configuration", "downloads", "events"} & set(operation.ok().tags or ())
}
# The check that every request the document allows is answered with 200: what several fields together make impossible,
# no schema of one field can say.
IMPOSSIBLE = cast("Any", checks.positive_data_acceptance)  # pyright: ignore[reportUnknownMemberType]
MODELS = st.sampled_from(["tiny-gguf", "tiny-mlx"])
# What makes a request sound where it is said at all; everything else in it is schemathesis's.
SOUND: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hi"}],
    "prompt": "Hello",
    "input": ["a", "bc"],
    "tokens": [5, 6],
}
WITHIN = 60
bounded = settings(
    max_examples=15, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Any:
    with requests.Session() as found:
        yield found


@pytest.mark.parametrize("label", OPERATIONS)
async def test_what_the_document_allows(server: Running, session: Any, label: str) -> None:
    operation = OPERATIONS[label]

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), model=MODELS, steered=st.booleans())
    def hold(case: Any, model: str, steered: bool) -> None:
        if isinstance(body := case.body, dict):
            case.body = _with_model(cast("dict[str, Any]", body), model, label)
            if steered:
                case.body = _steered(case.body, label)
        answer = case.call(base_url=server.url, session=session, timeout=WITHIN)
        case.validate_response(answer, excluded_checks=[IMPOSSIBLE])

    _judged(hold)


# Of a word in a path nothing is forbidden, nor of a file.
@pytest.mark.parametrize("label", [label for label in OPERATIONS if re.match(r"POST (?!.*({|/import$))", label)])
async def test_what_the_document_forbids_is_refused(server: Running, session: Any, label: str) -> None:
    operation = OPERATIONS[label]

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), model=MODELS)
    def hold(case: Any, model: str) -> None:
        body = cast("dict[str, Any]", case.body) if isinstance(case.body, dict) else {}
        if isinstance(body.get("model"), str):
            case.body = _with_model(body, model, label)
        answer = case.call(base_url=server.url, session=session, timeout=WITHIN)
        case.validate_response(answer, excluded_checks=[IMPOSSIBLE])

    _judged(hold)


def _with_model(body: dict[str, Any], model: str, label: str) -> dict[str, Any]:
    # Models that others use are not unloaded.
    return body if label.startswith("POST /models/") else {**body, "model": model}


def _steered(body: dict[str, Any], label: str) -> dict[str, Any]:
    """The same with a sound prompt and a short answer."""
    steered = {**body, **{name: value for name, value in SOUND.items() if name in body}}
    if "completion" in label:
        steered = {name: value for name, value in steered.items() if name not in {"max_completion_tokens", "n_predict"}}
        steered["max_tokens"] = 6
    return steered


def _judged(hold: Callable[[], None]) -> None:
    """What schemathesis raises is no Exception, and would end the event loop of all tests after this one."""
    try:
        hold()
    except BaseExceptionGroup as failed:
        raise AssertionError(str(failed)) from None
